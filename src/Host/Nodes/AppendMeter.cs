using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Nodes;

/// <summary>Counts and times this node's appends to the log. Any thread.</summary>
internal sealed class AppendMeter
{
    /// <summary>By outcome.</summary>
    public CounterFamily Appends { get; } = new(maxSeries: 2);

    /// <summary>From begin to end.</summary>
    public Histogram Duration { get; } = Histogram.ForRoundTrips();

    /// <summary>An append has ended.</summary>
    /// <param name="isDurable">False when it failed, or nobody knows.</param>
    /// <param name="duration">From its begin.</param>
    public void Note(bool isDurable, TimeSpan duration)
    {
        Duration.Record(duration);
        Appends.Increment(isDurable ? "committed" : "failed");
    }
}
