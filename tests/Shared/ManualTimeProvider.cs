namespace MeshDns.Tests.Shared;

/// <summary>
/// Time that stands still until a test moves it. Timers fire inside <see cref="Advance"/>, in the order of their due times, each at its own time.
/// </summary>
public sealed class ManualTimeProvider(DateTimeOffset? start = null) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(TimeSpan Within, TaskCompletionSource Seen)> _watchers = [];
    private TimeSpan _step;
    private DateTimeOffset _now = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _now + _step;
    }

    public override long GetTimestamp()
    {
        lock (_gate)
            return _now.Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Sets the wall clock, as an operator or NTP does: no time passes, no timer fires.</summary>
    public void StepUtc(TimeSpan by)
    {
        lock (_gate)
            _step += by;
    }

    /// <summary>Moves time on.</summary>
    public void Advance(TimeSpan by)
    {
        DateTimeOffset end;
        lock (_gate)
            end = _now + by;
        while (TakeDue(end) is { } due)
            due.Fire();
    }

    /// <summary>Completes when any timer is pending: the code under test then waits for time.</summary>
    public Task WaitForTimerAsync() => WhenTimerWithin(TimeSpan.FromDays(1000));

    /// <summary>Completes once a timer is set that fires within a span from now: the moment to advance.</summary>
    public Task WhenTimerWithin(TimeSpan span)
    {
        lock (_gate)
        {
            if (_timers.Exists(each => each.DueAt <= _now + span))
                return Task.CompletedTask;
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _watchers.Add((span, seen));
            return seen.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    private ManualTimer? TakeDue(DateTimeOffset end)
    {
        lock (_gate)
        {
            ManualTimer? due = _timers.Where(each => each.DueAt <= end).MinBy(each => each.DueAt);
            if (due is null)
            {
                _now = end;
                return null;
            }
            if (due.DueAt > _now)
                _now = due.DueAt;
            due.Rearm();
            if (due.DueAt == DateTimeOffset.MaxValue)
                _timers.Remove(due);
            return due;
        }
    }

    private sealed class ManualTimer(ManualTimeProvider owner, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public DateTimeOffset DueAt { get; private set; } = DateTimeOffset.MaxValue;

        public void Fire() => callback(state);

        public void Rearm() => DueAt = _period > TimeSpan.Zero ? DueAt + _period : DateTimeOffset.MaxValue;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (owner._gate)
            {
                owner._timers.Remove(this);
                _period = period;
                DueAt = dueTime < TimeSpan.Zero ? DateTimeOffset.MaxValue : owner._now + dueTime;
                if (DueAt == DateTimeOffset.MaxValue)
                    return true;
                owner._timers.Add(this);
                foreach ((TimeSpan within, TaskCompletionSource seen) in owner._watchers)
                {
                    if (DueAt <= owner._now + within)
                        seen.TrySetResult();
                }
                owner._watchers.RemoveAll(each => each.Seen.Task.IsCompleted);
                return true;
            }
        }

        public void Dispose()
        {
            lock (owner._gate)
                owner._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
