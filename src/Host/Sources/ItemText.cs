using System.Text.Json.Nodes;

namespace MeshDns.Host.Sources;

/// <summary>Parts of an item of the API as texts for a person. A field that is not there shows as a dash.</summary>
internal static class ItemText
{
    private const int MaxListed = 3;

    /// <summary>The text at a path of fields; a dash when there is none.</summary>
    public static string Text(JsonNode item, params ReadOnlySpan<string> path) => At(item, path)?.ToString() is { Length: > 0 } text ? text : "-";

    /// <summary>What is at a path of fields; null when there is nothing.</summary>
    public static JsonNode? At(JsonNode item, params ReadOnlySpan<string> path)
    {
        JsonNode? node = item;
        foreach (var field in path) node = (node as JsonObject)?[field];
        return node;
    }

    /// <summary>The first few of a list, and how many more there are; a dash for none.</summary>
    public static string List(JsonNode? array, Func<JsonNode, string> text)
    {
        if (array is not JsonArray { Count: > 0 } items) return "-";
        var shown = string.Join(",", items.Take(MaxListed).Select(item => item is null ? "-" : text(item)));
        return items.Count > MaxListed ? $"{shown},+{items.Count - MaxListed}" : shown;
    }
}
