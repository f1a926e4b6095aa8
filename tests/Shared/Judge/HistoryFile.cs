using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>A history as JSON lines, one record a line and its kind first, so that a run can be judged again from its file.</summary>
public static class HistoryFile
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    private static readonly Dictionary<string, Type> _kinds = new()
    {
        ["command"] = typeof(CommandRecord),
        ["answer"] = typeof(AnswerRecord),
        ["fault"] = typeof(FaultRecord),
        ["node"] = typeof(NodeRecord),
        ["twins"] = typeof(TwinRecord),
        ["settings"] = typeof(SettingsRecord),
    };

    private static readonly Dictionary<Type, string> _names = _kinds.ToDictionary(kind => kind.Value, kind => kind.Key);

    public static void Write(History history, TextWriter writer)
    {
        foreach (var record in history.All)
            writer.WriteLine($$"""{"{{_names[record.GetType()]}}":{{JsonSerializer.Serialize(record, record.GetType(), _json)}}}""");
    }

    /// <exception cref="FormatException">A line is not a record; says which.</exception>
    public static History Read(TextReader reader)
    {
        var history = new History();
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            try { history.Add(ReadLine(line)); }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException) { throw new FormatException($"line {number} is no record of a history: {e.Message}", e); }
        }
        return history;
    }

    private static HistoryRecord ReadLine(string line)
    {
        using var json = JsonDocument.Parse(line);
        var property = json.RootElement.EnumerateObject().First();
        return (HistoryRecord)property.Value.Deserialize(_kinds[property.Name], _json)!;
    }
}
