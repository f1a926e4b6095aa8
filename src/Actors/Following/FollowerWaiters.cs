using MeshDns.Actors.Log;

namespace MeshDns.Actors.Following;

/// <summary>Who waits until a node has read the log so far. Bounded; any thread.</summary>
internal sealed class FollowerWaiters(TimeProvider time, int most)
{
    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private LogPosition? _taken;

    /// <summary>Waits until a row is taken in; null when it takes longer.</summary>
    public Task<LogPosition?> WaitForAsync(long number, TimeSpan patience) => WaitAsync(new Waiter(default, number), patience);

    /// <summary>Waits for a look at the log's end that began at a moment or later; null when it takes longer.</summary>
    public Task<LogPosition?> WaitForEndAsync(Moment since, TimeSpan patience) => WaitAsync(new Waiter(since, null), patience);

    /// <summary>The node has taken in what there is.</summary>
    /// <param name="place">Up to where; null while it is held back.</param>
    /// <param name="lookedAt">When the look at the log's end began that this goes up to; null for none.</param>
    public void Take(LogPosition? place, Moment? lookedAt)
    {
        lock (_gate)
        {
            _taken = place;
            if (place is not { } here) return;
            foreach (var waiter in _waiters)
                if (waiter.Number is { } number ? here.Number >= number : lookedAt is { } at && at.MonotonicMs >= waiter.Since.MonotonicMs) waiter.Done.TrySetResult(here);
        }
    }

    private async Task<LogPosition?> WaitAsync(Waiter waiter, TimeSpan patience)
    {
        lock (_gate)
        {
            if (waiter.Number is { } number && _taken is { } here && here.Number >= number) return here;
            if (_waiters.Count >= most) return null;
            _waiters.Add(waiter);
        }
        try { return await waiter.Done.Task.WaitAsync(patience, time); }
        catch (TimeoutException) { return null; }
        finally
        {
            lock (_gate) _waiters.Remove(waiter);
        }
    }

    private sealed record Waiter(Moment Since, long? Number)
    {
        public TaskCompletionSource<LogPosition?> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
