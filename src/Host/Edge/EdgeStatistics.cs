using MeshDns.Host.Resolve;

namespace MeshDns.Host.Edge;

/// <summary>Times to answer of one transport.</summary>
/// <param name="Transport"><c>udp</c> for what the loops answered (one in 256 is timed), <c>tcp</c> likewise, <c>forward</c> for all that waited.</param>
/// <param name="Counts">By bucket, see <see cref="LatencyHistogram.UpperBoundSeconds"/>.</param>
/// <param name="Sum">Of all times.</param>
public sealed record LatencySnapshot(string Transport, IReadOnlyList<long> Counts, TimeSpan Sum);

/// <summary>What the edge counted since the start; summed over the loops when it is read. Any thread.</summary>
public sealed class EdgeStatistics
{
    private readonly Lock _lock = new();
    private readonly List<QueryCounters> _counters = [];
    private readonly List<(string Label, LatencyHistogram Histogram)> _latencies = [];
    private long _sendErrors, _receiveErrors, _tcpRefused, _tcpTimedOut, _tcpCut, _tcpDisplaced, _tcpWithoutDescriptor, _deferredInFlight, _tcpConnections;

    /// <summary>Queries by transport, type, rcode and the step that answered; only those that occurred.</summary>
    public IEnumerable<(string Transport, string Type, string Rcode, string Stage, long Count)> Queries
    {
        get
        {
            foreach (var transport in Snapshot().GroupBy(c => c.Transport))
            {
                var sums = new Dictionary<(string Type, string Rcode, string Stage), long>();
                foreach (var counters in transport) counters.AddTo(sums);
                foreach (var (key, count) in sums) yield return (transport.Key, key.Type, key.Rcode, key.Stage, count);
            }
        }
    }

    /// <summary>Times to answer.</summary>
    public IEnumerable<LatencySnapshot> Latencies
    {
        get
        {
            (string Label, LatencyHistogram Histogram)[] all;
            lock (_lock) all = [.. _latencies];
            foreach (var label in all.GroupBy(l => l.Label))
            {
                var counts = new long[LatencyHistogram.Buckets];
                var sum = TimeSpan.Zero;
                foreach (var (_, histogram) in label) sum += histogram.AddTo(counts);
                yield return new LatencySnapshot(label.Key, counts, sum);
            }
        }
    }

    /// <summary>UDP queries dropped because too many waited for an upstream.</summary>
    public long DeferredDropped => Queries.Where(q => q.Stage == StageNames.Of(Stage.Overload)).Sum(q => q.Count);

    /// <summary>UDP queries that wait for an upstream now.</summary>
    public long DeferredInFlight => Volatile.Read(ref _deferredInFlight);

    /// <summary>Replies that the system would not send.</summary>
    public long SendErrors => Volatile.Read(ref _sendErrors);

    /// <summary>Failed receives and accepts.</summary>
    public long ReceiveErrors => Volatile.Read(ref _receiveErrors);

    /// <summary>TCP connections open now.</summary>
    public long TcpConnections => Volatile.Read(ref _tcpConnections);

    /// <summary>TCP connections closed at once because of a limit.</summary>
    public long TcpRefused => Volatile.Read(ref _tcpRefused);

    /// <summary>TCP connections closed at once because the process has no file descriptor left for them.</summary>
    public long TcpWithoutDescriptor => Volatile.Read(ref _tcpWithoutDescriptor);

    /// <summary>TCP connections closed because others needed the memory of the replies that they did not read.</summary>
    public long TcpCut => Volatile.Read(ref _tcpCut);

    /// <summary>TCP queries that gave their place among those that wait for an upstream to a client, or for a domain, that holds fewer.</summary>
    public long TcpDisplaced => Volatile.Read(ref _tcpDisplaced);

    /// <summary>Bytes held for TCP connections: replies that wait to be read, queries that wait for an upstream, unusually large queries.</summary>
    public long TcpBytes => TcpShare?.Held ?? 0;

    /// <summary>TCP connections closed for idling, or for not reading what they asked for.</summary>
    public long TcpTimedOut => Volatile.Read(ref _tcpTimedOut);

    /// <summary>Exceptions that reached the edge; each is a bug.</summary>
    public long Faults => FaultCounter?.Total ?? 0;

    internal FaultCounter? FaultCounter { get; set; }

    internal ByteShare? TcpShare { get; set; }

    internal QueryCounters NewCounters(string transport, bool isShared, string? latency = null)
    {
        var counters = new QueryCounters(transport, isShared);
        lock (_lock)
        {
            _counters.Add(counters);
            _latencies.Add((latency ?? transport, counters.Latency));
        }
        return counters;
    }

    internal void CountSendError() => Interlocked.Increment(ref _sendErrors);

    internal void CountReceiveError() => Interlocked.Increment(ref _receiveErrors);

    internal void CountTcpRefused() => Interlocked.Increment(ref _tcpRefused);

    internal void CountTcpWithoutDescriptor() => Interlocked.Increment(ref _tcpWithoutDescriptor);

    internal void CountTcpCut() => Interlocked.Increment(ref _tcpCut);

    internal void CountTcpDisplaced() => Interlocked.Increment(ref _tcpDisplaced);

    internal void CountTcpTimedOut() => Interlocked.Increment(ref _tcpTimedOut);

    internal void AddDeferred(int by) => Interlocked.Add(ref _deferredInFlight, by);

    internal void AddTcpConnections(int by) => Interlocked.Add(ref _tcpConnections, by);

    private QueryCounters[] Snapshot()
    {
        lock (_lock) return [.. _counters];
    }
}
