using System.Collections.Concurrent;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Cluster;

/// <summary>What is counted of the asks of this node.</summary>
internal sealed class AskCounters
{
    private readonly ConcurrentDictionary<string, Histogram> _durations = new(StringComparer.Ordinal);

    /// <summary>By kind and outcome.</summary>
    public CounterFamily Asks { get; } = new(maxSeries: 256);

    /// <summary>By kind.</summary>
    public IEnumerable<HistogramSample> Durations => _durations.Select(each => Histogram.Read([each.Value], each.Key));

    /// <summary>Connections given up because nothing came back on them.</summary>
    public Counter Stalls { get; } = new();

    public void Asked(string kind, string outcome, TimeSpan duration)
    {
        Asks.Increment(kind, outcome);
        _durations.GetOrAdd(kind, _ => Histogram.ForRoundTrips()).Record(duration);
    }
}

/// <summary>What is counted of the requests of other nodes.</summary>
internal sealed class RequestCounters
{
    /// <summary>By kind and outcome.</summary>
    public CounterFamily Requests { get; } = new(maxSeries: 256);

    /// <summary>By reason.</summary>
    public CounterFamily Rejected { get; } = new(maxSeries: 32);
}
