namespace MeshDns.Host.Query;

/// <summary>Counts exceptions that reached the edge: each is a bug. Any thread.</summary>
/// <param name="onFault">Told of each, at most once a second; must not throw.</param>
/// <param name="time">The clock.</param>
public sealed class FaultCounter(Action<Exception>? onFault, TimeProvider time)
{
    private long _faults;
    private long _lastTold = -1;

    /// <summary>Exceptions so far.</summary>
    public long Total => Interlocked.Read(ref _faults);

    /// <summary>Counts one. A flood of them must not become a flood of log lines.</summary>
    public void Count(Exception fault)
    {
        Interlocked.Increment(ref _faults);
        var second = time.GetUtcNow().ToUnixTimeSeconds();
        if (Interlocked.Exchange(ref _lastTold, second) != second) onFault?.Invoke(fault);
    }
}
