namespace MeshDns.Host.Telemetry;

/// <summary>
/// Durations counted in fixed buckets; safe for all threads, allocates nothing. An observation costs a short search and two
/// interlocked additions, so query loops give it a sample of their queries.
/// </summary>
public sealed class Histogram
{
    private readonly double[] _bounds;
    private readonly long[] _counts;
    private long _sumTicks;

    /// <summary>Makes a histogram.</summary>
    /// <param name="bounds">Upper bounds of the buckets in seconds, ascending; the bucket above the last is added.</param>
    /// <exception cref="ArgumentException">The bounds do not ascend, or there are none.</exception>
    public Histogram(params ReadOnlySpan<double> bounds)
    {
        if (bounds.Length == 0) throw new ArgumentException("a histogram needs a bound", nameof(bounds));
        for (var i = 1; i < bounds.Length; i++) if (!(bounds[i] > bounds[i - 1])) throw new ArgumentException("bounds must ascend", nameof(bounds));
        _bounds = bounds.ToArray();
        _counts = new long[bounds.Length + 1];
    }

    /// <summary>Buckets for local answers: 1 us to 100 ms.</summary>
    public static Histogram ForLocalAnswers() => new(0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1);

    /// <summary>Buckets for disk and network: 100 us to 5 s.</summary>
    public static Histogram ForRoundTrips() => new(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5);

    /// <summary>Upper bounds in seconds; one bucket more than these.</summary>
    public IReadOnlyList<double> Bounds => _bounds;

    /// <summary>The sum of all observations in seconds.</summary>
    public double SumSeconds => Interlocked.Read(ref _sumTicks) / (double)TimeSpan.TicksPerSecond;

    /// <summary>Counts a duration; a negative one as zero.</summary>
    public void Observe(TimeSpan duration)
    {
        var ticks = Math.Max(0, duration.Ticks);
        var seconds = ticks / (double)TimeSpan.TicksPerSecond;
        var bucket = 0;
        while (bucket < _bounds.Length && seconds > _bounds[bucket]) bucket++;
        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Add(ref _sumTicks, ticks);
    }

    /// <summary>The counts of the buckets, not cumulative. Concurrent observations may be in or out.</summary>
    public long[] Counts()
    {
        var copy = new long[_counts.Length];
        for (var i = 0; i < copy.Length; i++) copy[i] = Interlocked.Read(ref _counts[i]);
        return copy;
    }
}
