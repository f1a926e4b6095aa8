using System.Globalization;
using System.Text;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Events;

/// <summary>The names of the journal's streams, and which stream owns what. Ordinal order of the names is the order in which a change takes them.</summary>
public static class Streams
{
    /// <summary>The allocator's stream; it sorts after every shard.</summary>
    public const string Vips = "vips";

    /// <summary>The stream of a shard: <c>shard-00</c>, or four digits where there are more than 100.</summary>
    public static string Shard(int shard, int shards) => string.Create(CultureInfo.InvariantCulture, $"shard-{shard.ToString(shards > 100 ? "D4" : "D2", CultureInfo.InvariantCulture)}");

    /// <summary>All streams of a cluster with so many shards, in order; <see cref="Vips"/> last.</summary>
    public static IReadOnlyList<string> All(int shards) => [.. Enumerable.Range(0, shards).Select(i => Shard(i, shards)), Vips];

    /// <summary>The shard that owns a document.</summary>
    public static int ShardOf(DocumentKey key, int shards) => ShardOf(key.ToString(), shards);

    /// <summary>The shard that owns a host's record.</summary>
    public static int ShardOf(HostName host, int shards) => ShardOf(host.Text, shards);

    // FNV-1a with a final mix: written down because it must never change; every journal depends on it.
    private static int ShardOf(string text, int shards)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in Encoding.UTF8.GetBytes(text)) hash = (hash ^ b) * 1099511628211UL;
        hash ^= hash >> 32;
        hash *= 0x9E3779B97F4A7C15UL;
        return (int)((hash >> 33) % (ulong)shards);
    }
}
