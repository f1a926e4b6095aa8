namespace MeshDns.Actors.Tests.Simulation;

/// <summary>A node's view of the simulated time: when the node crashes, none of its timers fires again.</summary>
internal sealed class NodeClock(SimulatedClock clock) : TimeProvider
{
    private bool _crashed;

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    public void Crash() => _crashed = true;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer? timer = null;
        timer = clock.CreateTimer(Fire, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (!_crashed) timer.Change(dueTime, period);
        return timer;

        void Fire(object? s)
        {
            if (_crashed) timer?.Dispose();
            else callback(s);
        }
    }
}
