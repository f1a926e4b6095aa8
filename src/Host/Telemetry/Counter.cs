namespace MeshDns.Host.Telemetry;

/// <summary>
/// A count; safe for all threads. For paths off the query loops: a query loop counts in plain fields of its own, because a shared
/// cache line costs more than the answer's lookup.
/// </summary>
public sealed class Counter
{
    private long _value;

    /// <summary>The count so far.</summary>
    public long Value => Interlocked.Read(ref _value);

    /// <summary>Adds one.</summary>
    public void Increment() => Interlocked.Increment(ref _value);

    /// <summary>Adds any number; less than zero only to what a gauge shows.</summary>
    public void Add(long count) => Interlocked.Add(ref _value, count);
}
