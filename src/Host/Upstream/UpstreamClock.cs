namespace MeshDns.Host.Upstream;

/// <summary>Monotonic milliseconds since this object was made: what lifetimes, scores and back-offs are counted in. Never goes back.</summary>
internal sealed class UpstreamClock(TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();

    /// <summary>The source of every timer here.</summary>
    public TimeProvider Time { get; } = time;

    /// <summary>Milliseconds since the origin.</summary>
    public long NowMs => ToMs(Time.GetTimestamp());

    /// <summary>A timestamp of <see cref="Time"/> in milliseconds since the origin.</summary>
    public long ToMs(long timestamp) => Time.GetElapsedTime(_origin, timestamp).Ticks / TimeSpan.TicksPerMillisecond;
}
