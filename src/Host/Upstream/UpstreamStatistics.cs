using System.Net;

namespace MeshDns.Host.Upstream;

/// <summary>What the forwarder has done since it began, and how it is now. A snapshot; counters only grow.</summary>
public sealed record UpstreamStatistics
{
    /// <summary>Every server that is asked.</summary>
    public required IReadOnlyList<UpstreamServerStatistics> Servers { get; init; }

    /// <summary>Configured servers that are this node itself, and therefore not asked.</summary>
    public required IReadOnlyList<IPEndPoint> OwnAddresses { get; init; }

    /// <summary>Replies not taken, by reason: not_reply, wrong_id, wrong_question and late, while we kept listening; malformed, which cannot be read.</summary>
    public required IReadOnlyDictionary<string, long> IgnoredReplies { get; init; }

    /// <summary>Queries answered from the cache, fresh.</summary>
    public required long CacheHits { get; init; }

    /// <summary>Queries that the cache could not answer.</summary>
    public required long CacheMisses { get; init; }

    /// <summary>Queries answered from an answer past its lifetime (RFC 8767).</summary>
    public required long StaleServed { get; init; }

    /// <summary>Answers in the cache.</summary>
    public required int CacheEntries { get; init; }

    /// <summary>Bytes in the cache.</summary>
    public required long CacheBytes { get; init; }

    /// <summary>Answers given up for room.</summary>
    public required long CacheEvictions { get; init; }

    /// <summary>Refreshes begun before an answer's end.</summary>
    public required long Prefetches { get; init; }

    /// <summary>Queries that joined an identical one under way.</summary>
    public required long Coalesced { get; init; }

    /// <summary>Second servers asked because the first was slow.</summary>
    public required long Hedges { get; init; }

    /// <summary>Queries repeated over TCP: truncated or unreadable replies, or too many false ones.</summary>
    public required long TcpFallbacks { get; init; }

    /// <summary>Queries repeated without EDNS.</summary>
    public required long PlainFallbacks { get; init; }

    /// <summary>Queries refused because too many were under way.</summary>
    public required long Overloads { get; init; }

    /// <summary>Queries, and questions under way, that lost their place to somebody who holds fewer (docs/adr/0022-fair-places.md).</summary>
    public required long Displaced { get; init; }

    /// <summary>Queries of our own that came back to us.</summary>
    public required long Loops { get; init; }

    /// <summary>Queries for a route without any server.</summary>
    public required long NoServers { get; init; }

    /// <summary>Questions that no server answered.</summary>
    public required long Failures { get; init; }

    /// <summary>Answers whose CNAME chain was longer than 11.</summary>
    public required long ChainsTooLong { get; init; }

    /// <summary>Records dropped because they pointed into the VIP ranges.</summary>
    public required long StrippedRecords { get; init; }

    /// <summary>Questions under way.</summary>
    public required int InFlight { get; init; }
}

/// <summary>One server's part.</summary>
public sealed record UpstreamServerStatistics
{
    /// <summary>The server.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>How attempts ended: answer, servfail, refused, timeout, unreachable, overloaded.</summary>
    public required IReadOnlyDictionary<string, long> Outcomes { get; init; }

    /// <summary>Mean latency, exponentially weighted.</summary>
    public required TimeSpan Latency { get; init; }

    /// <summary>95th percentile of the last 64 latencies; null before eight replies.</summary>
    public required TimeSpan? P95 { get; init; }

    /// <summary>True while it rests because it does not answer.</summary>
    public required bool IsResting { get; init; }

    /// <summary>Queries under way to it.</summary>
    public required int InFlight { get; init; }
}
