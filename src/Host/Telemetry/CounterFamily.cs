using System.Collections.Concurrent;

namespace MeshDns.Host.Telemetry;

/// <summary>
/// Counters by the values of their labels, safe for all threads. Bounded: past the limit everything is counted under <c>other</c>, so
/// that a caller's mistake cannot fill the memory or the scrape.
/// </summary>
/// <param name="maxSeries">Most label combinations kept.</param>
internal sealed class CounterFamily(int maxSeries)
{
    private const string Other = "other";

    private readonly ConcurrentDictionary<string, (string[] Labels, Counter Counter)> _series = new(StringComparer.Ordinal);

    /// <summary>Its samples now.</summary>
    public IEnumerable<Sample> Samples => _series.Values.Select(series => new Sample(series.Counter.Value, series.Labels));

    /// <summary>Adds one to the counter of these label values.</summary>
    public void Increment(params string[] labels)
    {
        var key = string.Join('\u0001', labels);
        if (!_series.ContainsKey(key) && _series.Count >= maxSeries)
        {
            labels = [.. labels.Select(_ => Other)];
            key = string.Join('\u0001', labels);
        }
        _series.GetOrAdd(key, _ => (labels, new Counter())).Counter.Increment();
    }
}
