namespace MeshDns.Host.Sources;

/// <summary>
/// Typed access to the fields of a map. A field of the wrong type is reported once and then reads as absent;
/// a field that is null reads as absent, as Kubernetes has it.
/// </summary>
internal sealed class ObjectFields
{
    private ObjectFields(DocumentScope scope, MapNode map) => (Scope, Map) = (scope, map);

    public DocumentScope Scope { get; }

    public MapNode Map { get; }

    /// <summary>Checks that every field is known, and notes those that are ignored.</summary>
    public static ObjectFields Of(DocumentScope scope, MapNode map, FieldSet known)
    {
        foreach (var field in map.Fields)
        {
            if (field.Value is ScalarNode { Kind: ScalarKind.Null } && known.IsUsed(field.Name) is not null) continue;
            switch (known.IsUsed(field.Name))
            {
                case null:
                    var nearest = known.Nearest(field.Name);
                    scope.Fail(field.Line, field.Value.Path, nearest is null ? "is not a known field" : $"is not a known field; did you mean '{nearest}'?");
                    break;
                case false:
                    scope.Ignore(field.Value);
                    break;
            }
        }
        return new ObjectFields(scope, map);
    }

    /// <summary>The map in a node; null and an error when it is something else.</summary>
    public static ObjectFields? Of(DocumentScope scope, ManifestNode node, FieldSet known, string what)
    {
        if (node is MapNode map) return Of(scope, map, known);
        scope.Fail(node, $"{what} must be a map of fields, not {node.Description}");
        return null;
    }

    public void Fail(string field, string reason) => Scope.Fail(Map, field, reason);

    /// <summary>A string; null when absent or empty.</summary>
    public string? String(string name)
    {
        if (Map.Find(name) is not { } node) return null;
        return TryString(Scope, node, out var text) && text.Length > 0 ? text : null;
    }

    /// <summary>A whole number within bounds.</summary>
    public int? Integer(string name, int min, int max) => Map.Find(name) is { } node ? Integer(Scope, node, min, max) : null;

    /// <summary>True, false, or null when absent.</summary>
    public bool? Boolean(string name)
    {
        if (Map.Find(name) is not { } node) return null;
        if (node is ScalarNode { Kind: ScalarKind.Boolean } flag) return flag.Number == 1;
        Scope.Fail(node, $"must be true or false, not {node.Description}");
        return null;
    }

    /// <summary>The items of a list; empty when absent. More than <paramref name="max"/> is an error.</summary>
    public IReadOnlyList<ManifestNode> List(string name, int max)
    {
        if (Map.Find(name) is not { } node) return [];
        if (node is not ListNode list) { Scope.Fail(node, $"must be a list, not {node.Description}"); return []; }
        if (list.Items.Count <= max) return list.Items;
        Scope.Fail(node, $"has {list.Items.Count} items, at most {max} are allowed");
        return [];
    }

    /// <summary>A map; null when absent.</summary>
    public MapNode? MapOf(string name)
    {
        if (Map.Find(name) is not { } node) return null;
        if (node is MapNode map) return map;
        Scope.Fail(node, $"must be a map, not {node.Description}");
        return null;
    }

    /// <summary>Text; an error that says to quote it when it is a number or a boolean.</summary>
    public static bool TryString(DocumentScope scope, ManifestNode node, out string text)
    {
        text = "";
        if (node is ScalarNode { Kind: ScalarKind.String } scalar) { text = scalar.Text; return true; }
        var hint = node is ScalarNode { Kind: not ScalarKind.Null } ? "; put it in quotes" : "";
        scope.Fail(node, $"must be a string, not {node.Description}{hint}");
        return false;
    }

    public static int? Integer(DocumentScope scope, ManifestNode node, int min, int max)
    {
        if (node is not ScalarNode { Kind: ScalarKind.Integer } scalar)
        {
            var quoted = node is ScalarNode { Kind: ScalarKind.String } text && text.Text.Length is > 0 and < 10 && text.Text.All(char.IsAsciiDigit);
            scope.Fail(node, $"must be a whole number, not {node.Description}{(quoted ? "; take the quotes away" : "")}");
            return null;
        }
        if (scalar.Number >= min && scalar.Number <= max) return (int)scalar.Number;
        scope.Fail(node, $"must be {min} to {max}, not {scalar.Text}");
        return null;
    }
}
