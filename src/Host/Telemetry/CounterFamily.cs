using System.Collections.Concurrent;

namespace MeshDns.Host.Telemetry;

/// <summary>
/// The counters of one metric by their label values, safe for all threads. Bounded: past the limit everything is counted under
/// <c>other</c>, so that a caller's mistake cannot fill the memory or the scrape.
/// </summary>
/// <param name="metric">A counter.</param>
/// <param name="maxSeries">Most label combinations kept.</param>
public sealed class CounterFamily(MetricDefinition metric, int maxSeries = 1000)
{
    private const string Other = "other";

    private readonly ConcurrentDictionary<string, (string[] Labels, Counter Counter)> _series = new(StringComparer.Ordinal);

    /// <summary>The counter of these label values. Keep it where the labels are fixed.</summary>
    public Counter With(params string[] labels)
    {
        var key = string.Join('\u0001', labels);
        if (_series.TryGetValue(key, out var found)) return found.Counter;
        if (_series.Count >= maxSeries)
        {
            labels = [.. labels.Select(_ => Other)];
            key = string.Join('\u0001', labels);
        }
        return _series.GetOrAdd(key, _ => (labels, new Counter())).Counter;
    }

    /// <summary>Writes a sample a series; a collector for <see cref="MetricsRegistry.Register"/>.</summary>
    public void Collect(MetricsText text)
    {
        foreach (var (labels, counter) in _series.Values) text.Sample(metric, counter.Value, labels);
    }
}
