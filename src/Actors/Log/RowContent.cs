using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>A fact with its place in its transaction, from 0: transactions are folded in this order, whatever row a fact stands in.</summary>
internal readonly record struct PlacedFact(int Ordinal, MeshEvent Fact);

/// <summary>What a row says.</summary>
internal abstract record RowContent;

/// <summary>Facts of one bucket.</summary>
/// <param name="Closing">The number of the transaction's closing row.</param>
/// <param name="Before">The bucket's row before this one, so that whoever reads only this bucket's rows sees one that is missing; <see cref="LogPosition.Start"/> for the first.</param>
/// <param name="Facts">In order.</param>
internal sealed record BucketFacts(long Closing, LogPosition Before, IReadOnlyList<PlacedFact> Facts) : RowContent;

/// <summary>A part of a reply that is too large for the closing row.</summary>
/// <param name="Closing">The number of the transaction's closing row.</param>
/// <param name="Key">The key that it is remembered under.</param>
/// <param name="Bytes">The next bytes of the packed reply.</param>
internal sealed record ReplyPart(long Closing, string Key, byte[] Bytes) : RowContent;

/// <summary>The end of a transaction.</summary>
internal sealed record Closing : RowContent
{
    /// <summary>The number of the transaction's first row; its own when it is the only one.</summary>
    public required long First { get; init; }

    /// <summary>How many facts the transaction has in all its rows.</summary>
    public required int Count { get; init; }

    /// <summary>When, by the journal's clock; never below that of the transaction before.</summary>
    public required long At { get; init; }

    /// <summary>Who asked for it, for a reader: the sources of its changes.</summary>
    public string By { get; init; } = "";

    /// <summary>Facts that belong to no bucket.</summary>
    public IReadOnlyList<PlacedFact> Facts { get; init; } = [];

    /// <summary>The keys under which its changes are known.</summary>
    public IReadOnlyList<ClosingKey> Keys { get; init; } = [];

    /// <summary>The buckets that have rows in it, in order.</summary>
    public IReadOnlyList<int> Buckets { get; init; } = [];
}

/// <summary>A key in a closing row.</summary>
/// <param name="Key">The key.</param>
/// <param name="Digest">Of the request that it came with.</param>
/// <param name="Reply">The packed reply; null when it stands in rows of its own.</param>
internal sealed record ClosingKey(string Key, string Digest, byte[]? Reply);
