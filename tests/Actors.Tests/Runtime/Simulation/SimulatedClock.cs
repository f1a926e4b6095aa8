namespace MeshDns.Actors.Tests.Simulation;

/// <summary>
/// Virtual time. The monotonic half moves only when the simulation is at rest or a test says so; the wall clock can be stepped apart from
/// it, as a database's clock can. Timers fire one at a time, in order of due time and then of creation.
/// </summary>
internal sealed class SimulatedClock : TimeProvider
{
    private static readonly DateTimeOffset _start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Lock _gate = new();
    private readonly SortedSet<Timer> _timers = new(Comparer<Timer>.Create((x, y) => x.Due != y.Due ? x.Due.CompareTo(y.Due) : x.Id.CompareTo(y.Id)));
    private TimeSpan _elapsed;
    private TimeSpan _wallOffset;
    private long _nextId;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Time since the simulation began, whatever the wall clock shows.</summary>
    public TimeSpan Elapsed { get { lock (_gate) return _elapsed; } }

    public override DateTimeOffset GetUtcNow() { lock (_gate) return _start + _elapsed + _wallOffset; }

    public override long GetTimestamp() { lock (_gate) return _elapsed.Ticks; }

    /// <summary>Steps the wall clock; timers and timestamps do not notice.</summary>
    public void StepWall(TimeSpan by) { lock (_gate) _wallOffset += by; }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves on without firing what becomes due on the way; it fires late, as after a pause of the whole machine.</summary>
    public void Leap(TimeSpan by) { lock (_gate) _elapsed += by; }

    /// <summary>Moves to the next timer and fires it; false when none is pending.</summary>
    public bool AdvanceToNext() => FireNext(TimeSpan.MaxValue);

    /// <summary>Moves on by so much, firing what becomes due on the way.</summary>
    public void Advance(TimeSpan by)
    {
        var end = Elapsed + by;
        while (FireNext(end)) { }
        lock (_gate) _elapsed = end;
    }

    private bool FireNext(TimeSpan end)
    {
        Timer? timer;
        lock (_gate)
        {
            timer = _timers.Min;
            if (timer is null || timer.Due > end) return false;
            _timers.Remove(timer);
            if (timer.Due > _elapsed) _elapsed = timer.Due;
            if (timer.Period > TimeSpan.Zero) { timer.Due = _elapsed + timer.Period; _timers.Add(timer); }
        }
        timer.Fire();
        return true;
    }

    private sealed class Timer(SimulatedClock clock, TimerCallback callback, object? state) : ITimer
    {
        public long Id { get; } = Interlocked.Increment(ref clock._nextId);

        public TimeSpan Due { get; set; }

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                clock._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Due = clock._elapsed + dueTime;
                Period = period;
                clock._timers.Add(this);
            }
            return true;
        }

        public void Dispose() { lock (clock._gate) clock._timers.Remove(this); }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
