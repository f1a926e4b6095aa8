using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>What one append made true, whole.</summary>
internal sealed record Transaction
{
    /// <summary>The place of its closing row: where the log stands after it.</summary>
    public required LogPosition Position { get; init; }

    /// <summary>The place before its first row.</summary>
    public required LogPosition Before { get; init; }

    /// <summary>When, by the journal's clock, milliseconds since the Unix epoch.</summary>
    public required long At { get; init; }

    /// <summary>Who asked for it.</summary>
    public string By { get; init; } = "";

    /// <summary>Its facts in the order in which they were decided.</summary>
    public IReadOnlyList<MeshEvent> Facts { get; init; } = [];

    /// <summary>What it remembers.</summary>
    public IReadOnlyList<RememberedKey> Keys { get; init; } = [];

    /// <summary>The last row of each bucket that it has facts of.</summary>
    public IReadOnlyDictionary<int, LogPosition> Buckets { get; init; } = new Dictionary<int, LogPosition>();
}

/// <summary>A reply that is kept under a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Digest">Of the request that it came with: another request under the same key is refused.</param>
/// <param name="Reply">The packed reply (<see cref="PackedReply"/>).</param>
internal sealed record RememberedKey(string Key, string Digest, byte[] Reply);
