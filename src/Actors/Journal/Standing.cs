namespace MeshDns.Actors.Journal;

/// <summary>
/// How long a read stays the whole truth: in a store that only this process can write, until this process begins to write. The age of what was read
/// counts from then, so that nobody has to read again only to know that nothing is new.
/// </summary>
public sealed class Standing
{
    private const long Holds = long.MaxValue;

    private long _endedAt = Holds;

    /// <summary>From this moment on there may be something newer. Only the first call counts.</summary>
    /// <param name="timestamp">A timestamp of the reader's monotonic clock.</param>
    public void End(long timestamp) => Interlocked.CompareExchange(ref _endedAt, timestamp, Holds);

    /// <summary>There is nothing newer after all.</summary>
    public void Resume() => Volatile.Write(ref _endedAt, Holds);

    /// <summary>How old the read is: zero while it stands.</summary>
    public TimeSpan Age(TimeProvider time) => Volatile.Read(ref _endedAt) is var endedAt && endedAt == Holds ? TimeSpan.Zero : time.GetElapsedTime(endedAt);
}
