using MeshDns.Host.Upstream.Replies;

namespace MeshDns.Host.Upstream;

/// <summary>A counter that edge loops add to without fighting over a cache line; read by summing.</summary>
internal sealed class StripedCounter
{
    private const int Stripes = 16;
    private const int LongsPerLine = 16; // 128 bytes: neighbouring lines are fetched in pairs.
    private readonly long[] _values = new long[Stripes * LongsPerLine];

    /// <summary>The sum.</summary>
    public long Value
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < _values.Length; i += LongsPerLine)
                sum += Volatile.Read(ref _values[i]);
            return sum;
        }
    }

    /// <summary>Adds one.</summary>
    public void Add() => Interlocked.Increment(ref _values[Environment.CurrentManagedThreadId % Stripes * LongsPerLine]);
}

/// <summary>What the forwarder counts for all servers together.</summary>
internal sealed class UpstreamCounters
{
    private readonly long[] _ignored = new long[Enum.GetValues<ReplyVerdict>().Length];

    public StripedCounter CacheHits { get; } = new();

    public StripedCounter CacheMisses { get; } = new();

    public StripedCounter StaleServed { get; } = new();

    public StripedCounter Coalesced { get; } = new();

    public StripedCounter Hedges { get; } = new();

    public StripedCounter TcpFallbacks { get; } = new();

    public StripedCounter PlainFallbacks { get; } = new();

    public StripedCounter Prefetches { get; } = new();

    public StripedCounter Overloads { get; } = new();

    public StripedCounter Displaced { get; } = new();

    public StripedCounter Loops { get; } = new();

    public StripedCounter NoServers { get; } = new();

    public StripedCounter Failures { get; } = new();

    public StripedCounter ChainsTooLong { get; } = new();

    public StripedCounter StrippedRecords { get; } = new();

    public void CountIgnored(ReplyVerdict verdict) => Interlocked.Increment(ref _ignored[(int)verdict]);

    public long Ignored(ReplyVerdict verdict) => Volatile.Read(ref _ignored[(int)verdict]);
}
