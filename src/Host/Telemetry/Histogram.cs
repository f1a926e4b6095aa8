namespace MeshDns.Host.Telemetry;

/// <summary>
/// Durations counted in fixed buckets; allocates nothing. One that belongs to one loop adds plainly, one that is shared does so
/// interlocked; query loops give theirs a sample of their queries.
/// </summary>
/// <param name="isShared">True when several threads record.</param>
/// <param name="bounds">Upper bounds of the buckets in seconds, ascending; the bucket above the last is added.</param>
public sealed class Histogram(bool isShared, params double[] bounds)
{
    private static readonly double[] _doubling = [.. Enumerable.Range(0, 24).Select(i => (1 << i) / 1e6)];

    private readonly long[] _counts = new long[bounds.Length + 1];
    private long _sumTicks;

    /// <summary>Buckets for answers, which double: up to 1 us, 2 us, ... 8.4 s, and above.</summary>
    public static Histogram ForAnswers(bool isShared) => new(isShared, _doubling);

    /// <summary>Buckets for disk and network: 100 us to 5 s.</summary>
    public static Histogram ForRoundTrips() =>
        new(isShared: true, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5);

    /// <summary>Counts a duration; a negative one as zero.</summary>
    public void Record(TimeSpan duration)
    {
        var ticks = Math.Max(0, duration.Ticks);
        var seconds = ticks / (double)TimeSpan.TicksPerSecond;
        var bucket = 0;
        while (bucket < bounds.Length && seconds > bounds[bucket]) bucket++;
        if (isShared)
        {
            Interlocked.Increment(ref _counts[bucket]);
            Interlocked.Add(ref _sumTicks, ticks);
            return;
        }
        Volatile.Write(ref _counts[bucket], _counts[bucket] + 1);
        Volatile.Write(ref _sumTicks, _sumTicks + ticks);
    }

    /// <summary>What several with the same buckets have counted. What is recorded meanwhile may be in or out.</summary>
    internal static HistogramSample Read(IReadOnlyList<Histogram> parts, params string[] labels) => new(
        parts[0].Bounds,
        [.. parts[0]._counts.Select((_, bucket) => parts.Sum(part => Volatile.Read(ref part._counts[bucket])))],
        parts.Sum(part => Volatile.Read(ref part._sumTicks)) / (double)TimeSpan.TicksPerSecond,
        labels);

    private IReadOnlyList<double> Bounds => bounds;
}

/// <summary>What a histogram has counted: each bucket for itself, and the sum of all durations.</summary>
internal sealed record HistogramSample(IReadOnlyList<double> Bounds, long[] Counts, double SumSeconds, string[] Labels)
{
    /// <summary>The buckets as Prometheus has them: each with those below it, and its bound as one label more.</summary>
    public IEnumerable<Sample> Buckets
    {
        get
        {
            var total = 0L;
            for (var i = 0; i < Counts.Length; i++)
            {
                var bound = i < Bounds.Count ? Bounds[i] : double.PositiveInfinity;
                yield return new Sample(total += Counts[i], [.. Labels, MetricsText.Number(bound)]);
            }
        }
    }
}
