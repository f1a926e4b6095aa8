namespace MeshDns.Host.Edge;

/// <summary>Sampled times to answer, in buckets that double: up to 1 us, 2 us, ... 8.4 s, and above.</summary>
/// <param name="isShared">True when several threads record.</param>
public sealed class LatencyHistogram(bool isShared)
{
    /// <summary>Buckets, the one for everything longer included.</summary>
    public const int Buckets = 25;

    private readonly long[] _counts = new long[Buckets];
    private long _sumTicks;

    /// <summary>The upper bound of a bucket in seconds; infinite for the last.</summary>
    public static double UpperBoundSeconds(int bucket) => bucket == Buckets - 1 ? double.PositiveInfinity : (1L << bucket) / 1e6;

    /// <summary>Records one time.</summary>
    public void Record(TimeSpan taken)
    {
        var microseconds = (ulong)Math.Max(0, Math.Ceiling(taken.TotalMicroseconds));
        var bucket = microseconds <= 1 ? 0 : Math.Min(Buckets - 1, 64 - System.Numerics.BitOperations.LeadingZeroCount(microseconds - 1));
        if (isShared)
        {
            Interlocked.Increment(ref _counts[bucket]);
            Interlocked.Add(ref _sumTicks, taken.Ticks);
            return;
        }
        Volatile.Write(ref _counts[bucket], _counts[bucket] + 1);
        Volatile.Write(ref _sumTicks, _sumTicks + taken.Ticks);
    }

    /// <summary>Adds what was recorded to counts by bucket; returns the sum of all times.</summary>
    internal TimeSpan AddTo(long[] counts)
    {
        for (var i = 0; i < Buckets; i++) counts[i] += Volatile.Read(ref _counts[i]);
        return TimeSpan.FromTicks(Volatile.Read(ref _sumTicks));
    }
}
