namespace MeshDns.Actors.Tests.Simulation;

/// <summary>
/// A node's view of the simulated time. When the node crashes, none of its timers fires again; those that come due while it is held fire when it goes on.
/// Its own wall clock can be stepped.
/// </summary>
internal sealed class NodeClock : TimeProvider
{
    private readonly SimulatedClock _clock;
    private readonly NodeLife _life;
    private readonly List<Timer> _late = [];

    public NodeClock(SimulatedClock clock, NodeLife life)
    {
        _clock = clock;
        _life = life;
        life.Resumed += FireLate;
    }

    /// <summary>How far the node's wall clock is ahead.</summary>
    public TimeSpan WallOffset { get; set; }

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow() + WallOffset;

    public override long GetTimestamp() => _clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        if (!_life.IsCrashed) timer.Change(dueTime, period);
        return timer;
    }

    private void FireLate()
    {
        Timer[] late = [.. _late];
        _late.Clear();
        foreach (var timer in late) timer.FireLate();
    }

    private sealed class Timer : ITimer
    {
        private readonly NodeClock _owner;
        private readonly TimerCallback _callback;
        private readonly object? _state;
        private readonly ITimer _inner;
        private bool _isLate;

        public Timer(NodeClock owner, TimerCallback callback, object? state)
        {
            _owner = owner;
            _callback = callback;
            _state = state;
            _inner = owner._clock.CreateTimer(static timer => ((Timer)timer!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _isLate = false;
            return _inner.Change(dueTime, period);
        }

        public void FireLate()
        {
            if (!_isLate) return;
            _isLate = false;
            _callback(_state);
        }

        public void Dispose()
        {
            _isLate = false;
            _inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Fire()
        {
            if (_owner._life.IsCrashed) Dispose();
            else if (!_owner._life.IsPaused) _callback(_state);
            else if (!_isLate)
            {
                _isLate = true;
                _owner._late.Add(this);
            }
        }
    }
}
