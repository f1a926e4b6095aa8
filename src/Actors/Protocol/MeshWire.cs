using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Protocol;

/// <summary>The kinds of messages and their JSON. What is not in this table is not sent and not read.</summary>
internal static class MeshWire
{
    /// <summary>A message as bytes is at most so long; longer ones go in parts.</summary>
    public const int MostBytes = 200 * 1024;

    private static readonly (string Kind, JsonTypeInfo Info)[] _table =
    [
        ("hello.1", MeshJson.Default.AllocatorHello), ("submit.1", MeshJson.Default.SubmitChange), ("answered.1", MeshJson.Default.ChangeAnswered), ("moved.1", MeshJson.Default.LogMoved),
        ("past.1", MeshJson.Default.PastReported), ("part.1", MeshJson.Default.MessagePart), ("await-row.1", MeshJson.Default.AwaitRow), ("drain.2", MeshJson.Default.DrainOrder),
        ("report.1", MeshJson.Default.ReportOrder), ("find-documents.1", MeshJson.Default.FindDocuments), ("find-hosts.1", MeshJson.Default.FindHosts), ("list-documents.1", MeshJson.Default.ListDocuments),
        ("list-hosts.1", MeshJson.Default.ListHosts), ("wake.1", MeshJson.Default.WakeShard), ("not-known.1", MeshJson.Default.NotKnown), ("found-documents.1", MeshJson.Default.FoundDocuments),
        ("found-hosts.1", MeshJson.Default.FoundHosts), ("found-names.1", MeshJson.Default.FoundNames), ("place.1", MeshJson.Default.ShardPlace), ("row-awaited.1", MeshJson.Default.RowAwaited),
        ("drained.1", MeshJson.Default.NodeDrained), ("reported.1", MeshJson.Default.NodeReported),
    ];

    private static readonly Dictionary<Type, (string Kind, JsonTypeInfo Info)> _byType = _table.ToDictionary(t => t.Info.Type);
    private static readonly Dictionary<string, JsonTypeInfo> _byKind = _table.ToDictionary(t => t.Kind, t => t.Info, StringComparer.Ordinal);

    /// <summary>The kinds, for tests.</summary>
    public static IEnumerable<string> Kinds => _byKind.Keys;

    /// <summary>The name of a message's kind.</summary>
    public static string KindOf(MeshMessage message) => _byType[message.GetType()].Kind;

    /// <summary>The name of a kind.</summary>
    public static string KindOf<T>() where T : MeshMessage => _byType[typeof(T)].Kind;

    /// <summary>A message as bytes, however many.</summary>
    public static byte[] Write(MeshMessage message) => JsonSerializer.SerializeToUtf8Bytes(message, _byType[message.GetType()].Info);

    /// <summary>Bytes as a message.</summary>
    /// <exception cref="FormatException">The kind is not known here, or the bytes are none of it.</exception>
    public static MeshMessage Read(string kind, ReadOnlySpan<byte> bytes)
    {
        if (!_byKind.TryGetValue(kind, out var info)) throw new FormatException($"messages of the kind '{kind}' are not known here");
        try { return JsonSerializer.Deserialize(bytes, info) as MeshMessage ?? throw new FormatException($"a message of the kind '{kind}' is null"); }
        // What converters of names and keys throw, too.
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidOperationException) { throw new FormatException($"a message of the kind '{kind}' is damaged: {e.Message}", e); }
    }
}

/// <summary>Source-generated JSON of what actors say: camelCase, nulls left out, enums by name; unknown fields are passed over, so that a newer node may say more.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(AllocatorHello))]
[JsonSerializable(typeof(SubmitChange))]
[JsonSerializable(typeof(ChangeAnswered))]
[JsonSerializable(typeof(LogMoved))]
[JsonSerializable(typeof(PastReported))]
[JsonSerializable(typeof(MessagePart))]
[JsonSerializable(typeof(AwaitRow))]
[JsonSerializable(typeof(DrainOrder))]
[JsonSerializable(typeof(ReportOrder))]
[JsonSerializable(typeof(FindDocuments))]
[JsonSerializable(typeof(FindHosts))]
[JsonSerializable(typeof(ListDocuments))]
[JsonSerializable(typeof(ListHosts))]
[JsonSerializable(typeof(WakeShard))]
[JsonSerializable(typeof(NotKnown))]
[JsonSerializable(typeof(FoundDocuments))]
[JsonSerializable(typeof(FoundHosts))]
[JsonSerializable(typeof(FoundNames))]
[JsonSerializable(typeof(ShardPlace))]
[JsonSerializable(typeof(RowAwaited))]
[JsonSerializable(typeof(NodeDrained))]
[JsonSerializable(typeof(NodeReported))]
[JsonSerializable(typeof(StoredDocument))]
internal sealed partial class MeshJson : JsonSerializerContext;
