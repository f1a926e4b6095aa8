using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Shards;

/// <summary>A shard's table as UTF-8 JSON, ordered, so that equal tables give equal bytes.</summary>
internal static class ShardTableSnapshot
{
    public static byte[] Write(ShardTable table) => JsonSerializer.SerializeToUtf8Bytes(
        new Shape
        {
            Changes = table.Changes,
            Documents = [.. table.Documents.Values.OrderBy(d => d.Document.Key.ToString(), StringComparer.Ordinal)],
            Hosts = [.. table.Hosts.OrderBy(h => h.Key).Select(h => new HostShape(h.Key, h.Value))],
        },
        ShardJson.Default.Shape);

    public static ShardTable Read(ReadOnlySpan<byte> snapshot)
    {
        try
        {
            var shape = JsonSerializer.Deserialize(snapshot, ShardJson.Default.Shape) ?? throw new FormatException("a shard's snapshot is empty");
            return ShardTable.Of(shape.Documents, shape.Hosts.Select(h => (h.Host, h.Declarations.ToImmutableArray())), shape.Changes);
        }
        // Damage takes any shape (a null in a list, a host twice); whatever it broke, the answer is the same.
        catch (Exception e) when (e is not OutOfMemoryException) { throw new FormatException($"a shard's snapshot is damaged: {e.Message}", e); }
    }

    // Records compare their lists by reference; what is written is what counts.
    public static bool SameDeclaration(HostDeclaration left, HostDeclaration right) =>
        JsonSerializer.SerializeToUtf8Bytes(left, ShardJson.Default.HostDeclaration).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(right, ShardJson.Default.HostDeclaration));

    public static bool SameDocument(MeshDocument left, MeshDocument right) =>
        JsonSerializer.SerializeToUtf8Bytes(left, ShardJson.Default.MeshDocument).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(right, ShardJson.Default.MeshDocument));

    internal sealed record Shape
    {
        public long Changes { get; init; }

        public IReadOnlyList<StoredDocument> Documents { get; init; } = [];

        public IReadOnlyList<HostShape> Hosts { get; init; } = [];
    }

    internal sealed record HostShape(HostName Host, IReadOnlyList<HostDeclaration> Declarations);
}

/// <summary>Source-generated JSON of shard snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ShardTableSnapshot.Shape))]
[JsonSerializable(typeof(HostDeclaration))]
[JsonSerializable(typeof(MeshDocument))]
internal sealed partial class ShardJson : JsonSerializerContext;
