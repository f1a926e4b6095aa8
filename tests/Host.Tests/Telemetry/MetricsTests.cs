using System.Globalization;
using System.Text.RegularExpressions;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Tests.Telemetry;

/// <summary>Prometheus' text format 0.0.4, and the names.</summary>
public sealed partial class MetricsTests
{
    private static readonly MetricDefinition _gauge = new("meshdns_test", MetricType.Gauge, "A \\ and a\nline break.", "name");

    [Fact]
    public void Every_line_of_a_scrape_parses_and_families_are_whole()
    {
        var registry = new MetricsRegistry();
        registry.Register(ProcessMetrics.Collect);
        registry.Register(text => text.Sample(_gauge, double.NaN, "a\"b\\c\nd"));
        registry.Register(text => text.Sample(MeshMetrics.DirectoryNames, 3));
        registry.Register(text => text.Sample(_gauge, double.PositiveInfinity, "second"));
        var histogram = Histogram.ForRoundTrips();
        histogram.Observe(TimeSpan.FromMilliseconds(3));
        registry.Register(text => text.Histogram(MeshMetrics.QueryDurationSeconds, histogram, "udp"));
        registry.Register(_ => throw new InvalidOperationException("broken part"));

        var scrape = registry.Render();
        Assert.EndsWith("\n", scrape, StringComparison.Ordinal);
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
        Assert.Contains("meshdns_test{name=\"a\\\"b\\\\c\\nd\"} NaN\nmeshdns_test{name=\"second\"} +Inf\n", scrape, StringComparison.Ordinal);
        Assert.Contains("# HELP meshdns_test A \\\\ and a\\nline break.\n", scrape, StringComparison.Ordinal);
        Assert.Contains("meshdns_collector_failures_total 1\n", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public void A_histograms_buckets_are_cumulative_and_bounds_are_inclusive()
    {
        var histogram = new Histogram(0.001, 0.01);
        foreach (var microseconds in new[] { -5, 0, 1000, 1001, 10_000, 10_001 }) histogram.Observe(TimeSpan.FromMicroseconds(microseconds));
        var text = new MetricsText();
        text.Histogram(MeshMetrics.JournalAppendSeconds, histogram);
        Assert.Equal(
            """
            # HELP meshdns_journal_append_seconds Time of an append to the journal, until it is durable.
            # TYPE meshdns_journal_append_seconds histogram
            meshdns_journal_append_seconds_bucket{le="0.001"} 3
            meshdns_journal_append_seconds_bucket{le="0.01"} 5
            meshdns_journal_append_seconds_bucket{le="+Inf"} 6
            meshdns_journal_append_seconds_sum 0.022002
            meshdns_journal_append_seconds_count 6

            """, text.ToString(), ignoreLineEndingDifferences: true);
        Assert.Throws<ArgumentException>(() => new Histogram(1, 1));
        Assert.Throws<ArgumentException>(() => new Histogram());
    }

    [Fact]
    public void Label_values_must_match_the_labels()
    {
        var text = new MetricsText();
        Assert.Throws<ArgumentException>(() => text.Sample(_gauge, 1));
        Assert.Throws<ArgumentException>(() => text.Sample(MeshMetrics.DirectoryNames, 1, "x"));
    }

    [Fact]
    public void A_counter_family_is_bounded()
    {
        var family = new CounterFamily(MeshMetrics.JournalAppendsTotal, maxSeries: 2);
        for (var i = 0; i < 10; i++) family.With(i.ToString(CultureInfo.InvariantCulture)).Increment();
        var text = new MetricsText();
        family.Collect(text);
        Assert.Contains("{outcome=\"other\"} 8\n", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_follow_prometheus_conventions_and_are_unique()
    {
        Assert.Equal(MeshMetrics.All.Count, MeshMetrics.All.Select(metric => metric.Name).Distinct().Count());
        Assert.Equal(typeof(MeshMetrics).GetFields().Length, MeshMetrics.All.Count);
        foreach (var metric in MeshMetrics.All)
        {
            Assert.Matches("^(meshdns|process)_[a-z0-9]+(_[a-z0-9]+)*$", metric.Name);
            Assert.Equal(metric.Type == MetricType.Counter, metric.Name.EndsWith("_total", StringComparison.Ordinal));
            if (metric.Type == MetricType.Histogram) Assert.EndsWith("_seconds", metric.Name, StringComparison.Ordinal);
            Assert.EndsWith(".", metric.Help, StringComparison.Ordinal);
            Assert.All(metric.Labels, label => Assert.Matches("^[a-z][a-z_]*$", label));
            Assert.DoesNotContain("le", metric.Labels);
        }
    }

    [GeneratedRegex("^([a-z_:][a-z0-9_:]*)(?:\\{[a-z_]+=\"(?:[^\"\\\\\n]|\\\\[\\\\\"n])*\"(?:,[a-z_]+=\"(?:[^\"\\\\\n]|\\\\[\\\\\"n])*\")*\\})? (\\S+)$")]
    private static partial Regex SampleLine();
}
