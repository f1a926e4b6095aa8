using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Nodes;

/// <summary>Counts and times this node's appends to the log. Any thread.</summary>
internal sealed class AppendMeter
{
    private readonly CounterFamily _appends = new(MeshMetrics.JournalAppendsTotal);
    private readonly Histogram _duration = Histogram.ForRoundTrips();

    /// <summary>An append has ended.</summary>
    /// <param name="isDurable">False when it failed, or nobody knows.</param>
    /// <param name="duration">From its begin.</param>
    public void Note(bool isDurable, TimeSpan duration)
    {
        _duration.Observe(duration);
        _appends.With(isDurable ? "committed" : "failed").Increment();
    }

    public void Collect(MetricsText text)
    {
        _appends.Collect(text);
        text.Histogram(MeshMetrics.JournalAppendSeconds, _duration);
    }
}
