using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Edge;

/// <summary>What the edge counted since the start; the loops' own counts are summed when they are read. Any thread.</summary>
public sealed class EdgeStatistics
{
    private readonly Lock _lock = new();
    private readonly List<(QueryCounters Counters, string Latency)> _counters = [];

    /// <summary>Queries by transport, type, rcode and the step that answered; only those that occurred.</summary>
    public IEnumerable<(string Transport, string Type, string Rcode, string Stage, long Count)> Queries
    {
        get
        {
            foreach (var transport in Snapshot().GroupBy(each => each.Counters.Transport))
            {
                var sums = new Dictionary<(string Type, string Rcode, string Stage), long>();
                foreach (var (counters, _) in transport) counters.AddTo(sums);
                foreach (var (key, count) in sums) yield return (transport.Key, key.Type, key.Rcode, key.Stage, count);
            }
        }
    }

    /// <summary>Queries that came, by transport.</summary>
    internal IEnumerable<Sample> Received => Snapshot().GroupBy(each => each.Counters.Transport)
        .Select(transport => new Sample(transport.Sum(each => each.Counters.Received), transport.Key));

    /// <summary>Times to answer: <c>udp</c> of what the loops answered (one in 256 is timed), <c>tcp</c> and <c>forward</c> of what waited.</summary>
    internal IEnumerable<HistogramSample> Latencies => Snapshot().GroupBy(each => each.Latency)
        .Select(label => Histogram.Read([.. label.Select(each => each.Counters.Latency)], label.Key));

    /// <summary>UDP queries dropped because too many waited for an upstream.</summary>
    public long DeferredDropped => Queries.Where(q => q.Stage == StageNames.Of(Stage.Overload)).Sum(q => q.Count);

    /// <summary>UDP queries that wait for an upstream now.</summary>
    public Counter DeferredInFlight { get; } = new();

    /// <summary>TCP queries that wait for an upstream now, or for their client to read.</summary>
    public Counter TcpWaiting { get; } = new();

    /// <summary>Replies that the system would not send; they are among the answered.</summary>
    public Counter SendErrors { get; } = new();

    /// <summary>Failed receives and accepts.</summary>
    public Counter ReceiveErrors { get; } = new();

    /// <summary>TCP connections open now.</summary>
    public Counter TcpConnections { get; } = new();

    /// <summary>TCP connections closed at once because of a limit.</summary>
    public Counter TcpRefused { get; } = new();

    /// <summary>TCP connections closed at once because the process has no file descriptor left for them.</summary>
    public Counter TcpWithoutDescriptor { get; } = new();

    /// <summary>TCP connections closed because others needed the memory of the replies that they did not read.</summary>
    public Counter TcpCut { get; } = new();

    /// <summary>TCP queries that gave their place among those that wait for an upstream to a client, or for a domain, that holds fewer.</summary>
    public Counter TcpDisplaced { get; } = new();

    /// <summary>TCP connections closed for idling, or for not reading what they asked for.</summary>
    public Counter TcpTimedOut { get; } = new();

    /// <summary>Bytes held for TCP connections: replies that wait to be read, queries that wait for an upstream, unusually large queries.</summary>
    public long TcpBytes => TcpShare?.Held ?? 0;

    /// <summary>Exceptions that reached the edge; each is a bug.</summary>
    public long Faults => FaultCounter?.Total ?? 0;

    internal FaultCounter? FaultCounter { get; set; }

    internal ByteShare? TcpShare { get; set; }

    /// <param name="transport">The label of its queries.</param>
    /// <param name="isShared">True when several threads count.</param>
    /// <param name="latency">The label of its times, where that is another.</param>
    internal QueryCounters NewCounters(string transport, bool isShared, string? latency = null)
    {
        var counters = new QueryCounters(transport, isShared);
        lock (_lock) _counters.Add((counters, latency ?? transport));
        return counters;
    }

    private (QueryCounters Counters, string Latency)[] Snapshot()
    {
        lock (_lock) return [.. _counters];
    }
}
