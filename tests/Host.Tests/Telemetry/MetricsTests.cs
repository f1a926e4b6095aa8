using System.Globalization;
using System.Text.RegularExpressions;
using MeshDns.Host.Nodes;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Tests.Telemetry;

/// <summary>Prometheus' text format 0.0.4, and the names.</summary>
public sealed partial class MetricsTests : IDisposable
{
    private readonly MeshMeter _meter = new();

    public void Dispose() => _meter.Dispose();

    [Fact]
    public void Every_line_of_a_scrape_parses_and_families_are_whole()
    {
        var histogram = Histogram.ForRoundTrips();
        histogram.Record(TimeSpan.FromMilliseconds(3));
        _meter.Gauge("meshdns_test", "A gauge.", () => [new(double.NaN, "a\"b\\c\nd"), new(double.PositiveInfinity, "second")], "name");
        _meter.Counter("meshdns_names_total", "A counter.", () => 3);
        _meter.Counter("meshdns_absent_total", "Nothing to say yet.", () => null as double?);
        _meter.Histogram("meshdns_times_seconds", "A histogram.", () => [Histogram.Read([histogram], "udp"), Histogram.Read([histogram, histogram], "tcp")], "transport");
        using var text = new MetricsText(_meter);

        var scrape = text.Render();
        Assert.Equal(scrape, text.Render());
        var family = "";
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in scrape.TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                family = line.Split(' ')[2];
                Assert.True(seen.Add(family), $"{family} comes twice");
                continue;
            }
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal)) { Assert.Equal(family, line.Split(' ')[2]); continue; }
            var match = SampleLine().Match(line);
            Assert.True(match.Success, line);
            Assert.StartsWith(family, match.Groups[1].Value, StringComparison.Ordinal);
            Assert.True(match.Groups[2].Value is "NaN" or "+Inf" || double.TryParse(match.Groups[2].Value, CultureInfo.InvariantCulture, out _), line);
        }
        Assert.Equal(["meshdns_names_total", "meshdns_test", "meshdns_times_seconds"], seen);
        Assert.Contains("meshdns_test{name=\"a\\\"b\\\\c\\nd\"} NaN\nmeshdns_test{name=\"second\"} +Inf\n", scrape, StringComparison.Ordinal);
        Assert.Contains("meshdns_times_seconds_count{transport=\"tcp\"} 2\n", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_that_throws_halfway_or_gives_other_labels_loses_all_of_its_own_samples_and_no_others_and_is_counted()
    {
        _meter.Counter("meshdns_broken_total", "A counter.", Broken, "name");
        _meter.Counter("meshdns_other_total", "A counter.", () => [new(1, "too", "many")], "name");
        _meter.Counter("meshdns_whole_total", "A counter.", () => 1);
        _meter.Counter("meshdns_failures_total", "A counter.", () => _meter.Failures.Value);
        using var text = new MetricsText(_meter);
        Assert.Equal(["meshdns_failures_total 2", "meshdns_whole_total 1"], text.Render().TrimEnd('\n').Split('\n').Where(line => line[0] != '#'));

        static IEnumerable<Sample> Broken()
        {
            yield return new Sample(1, "first");
            throw new InvalidOperationException("a broken part");
        }
    }

    [Fact]
    public void A_histograms_buckets_are_cumulative_and_bounds_are_inclusive()
    {
        var histogram = new Histogram(isShared: true, 0.001, 0.01);
        foreach (var microseconds in new[] { -5, 0, 1000, 1001, 10_000, 10_001 }) histogram.Record(TimeSpan.FromMicroseconds(microseconds));
        _meter.Histogram("meshdns_times_seconds", "Times.", () => [Histogram.Read([histogram])]);
        using var text = new MetricsText(_meter);
        Assert.Equal(
            """
            # HELP meshdns_times_seconds Times.
            # TYPE meshdns_times_seconds histogram
            meshdns_times_seconds_bucket{le="0.001"} 3
            meshdns_times_seconds_bucket{le="0.01"} 5
            meshdns_times_seconds_bucket{le="+Inf"} 6
            meshdns_times_seconds_sum 0.022002
            meshdns_times_seconds_count 6

            """, text.Render(), ignoreLineEndingDifferences: true);
    }

    [Theory]
    [InlineData(0, "1E-06")]
    [InlineData(1, "1E-06")]
    [InlineData(1.1, "2E-06")]
    [InlineData(256, "0.000256")]
    [InlineData(257, "0.000512")]
    [InlineData(8_388_608, "8.388608")]
    [InlineData(8_388_609, "+Inf")]
    public void Buckets_of_answers_double(double microseconds, string bound)
    {
        var histogram = Histogram.ForAnswers(isShared: false);
        histogram.Record(TimeSpan.FromTicks((long)Math.Round(microseconds * TimeSpan.TicksPerMicrosecond)));
        Assert.Equal(bound, Histogram.Read([histogram]).Buckets.First(bucket => bucket.Value == 1).Labels[0]);
    }

    [Fact]
    public void Units_are_told_apart_from_the_names_too()
    {
        _meter.Histogram("meshdns_times_seconds", "Times.", () => []);
        _meter.Gauge("meshdns_held_bytes", "Bytes.", () => 1);
        _meter.Counter("meshdns_pause_seconds_total", "Times.", () => 1);
        Assert.Equal(["meshdns_times_seconds_bucket ", "meshdns_times_seconds_sum s", "meshdns_times_seconds_count ", "meshdns_held_bytes By", "meshdns_pause_seconds_total s"],
            _meter.Families.Keys.Select(instrument => $"{instrument.Name} {instrument.Unit}"));
    }

    [Fact]
    public void A_counter_family_is_bounded()
    {
        var family = new CounterFamily(maxSeries: 2);
        for (var i = 0; i < 10; i++) family.Increment(i.ToString(CultureInfo.InvariantCulture));
        family.Increment("0");
        Assert.Equal([(2, "0"), (1, "1"), (8, "other")], family.Samples.Select(sample => (sample.Value, sample.Labels[0])).OrderBy(sample => sample.Item2, StringComparer.Ordinal));
    }

    [Fact]
    public void Names_follow_prometheus_conventions_and_are_unique()
    {
        using var metrics = new NodeMetrics();
        var families = metrics.Families.ToList();
        Assert.Equal(families.Count, families.Select(family => family.Name).Distinct().Count());
        foreach (var family in families)
        {
            Assert.Matches("^(meshdns|process)_[a-z0-9]+(_[a-z0-9]+)*$", family.Name);
            Assert.Equal(family.Type == "counter", family.Name.EndsWith("_total", StringComparison.Ordinal));
            if (family.Type == "histogram") Assert.EndsWith("_seconds", family.Name, StringComparison.Ordinal);
            // Nothing that the format would have to escape.
            Assert.Matches(@"^[^\\\n]+\.$", family.Help);
            Assert.All(family.Labels, label => Assert.Matches("^[a-z][a-z_]*$", label));
            Assert.DoesNotContain("le", family.Labels);
        }
    }

    [GeneratedRegex("^([a-z_:][a-z0-9_:]*)(?:\\{[a-z_]+=\"(?:[^\"\\\\\n]|\\\\[\\\\\"n])*\"(?:,[a-z_]+=\"(?:[^\"\\\\\n]|\\\\[\\\\\"n])*\")*\\})? (\\S+)$")]
    private static partial Regex SampleLine();
}
