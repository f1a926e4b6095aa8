using System.Collections.Concurrent;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Cluster;

/// <summary>What is counted of the asks of this node.</summary>
internal sealed class AskCounters
{
    private readonly CounterFamily _asks = new(MeshMetrics.ClusterAsksTotal, maxSeries: 256);
    private readonly ConcurrentDictionary<string, Histogram> _durations = new(StringComparer.Ordinal);

    /// <summary>Connections given up because nothing came back on them.</summary>
    public Counter Stalls { get; } = new();

    public void Asked(string kind, string outcome, TimeSpan duration)
    {
        _asks.With(kind, outcome).Increment();
        _durations.GetOrAdd(kind, _ => Histogram.ForRoundTrips()).Observe(duration);
    }

    public void Collect(MetricsText text)
    {
        _asks.Collect(text);
        foreach (var (kind, duration) in _durations) text.Histogram(MeshMetrics.ClusterAskDurationSeconds, duration, kind);
        text.Sample(MeshMetrics.ClusterStallsTotal, Stalls.Value);
    }
}

/// <summary>What is counted of the requests of other nodes.</summary>
internal sealed class RequestCounters
{
    private readonly CounterFamily _requests = new(MeshMetrics.ClusterRequestsTotal, maxSeries: 256);
    private readonly CounterFamily _rejected = new(MeshMetrics.ClusterRejectedTotal, maxSeries: 32);

    public void Served(string kind, string outcome) => _requests.With(kind, outcome).Increment();

    public void Rejected(string reason) => _rejected.With(reason).Increment();

    public void Collect(MetricsText text)
    {
        _requests.Collect(text);
        _rejected.Collect(text);
    }
}
