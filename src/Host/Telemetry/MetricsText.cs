using System.Globalization;
using System.Text;

namespace MeshDns.Host.Telemetry;

/// <summary>
/// Writes one scrape in Prometheus' text format 0.0.4. The format wants all samples of a metric together, so each metric has
/// its own buffer: parts may write the same metric (each edge loop its queries) in any order. Not safe for two threads at once.
/// </summary>
public sealed class MetricsText
{
    /// <summary>The media type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly SortedDictionary<string, StringBuilder> _families = new(StringComparer.Ordinal);

    /// <summary>Writes a sample of a counter or gauge.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="value">Its value.</param>
    /// <param name="labels">One value for each of the metric's labels.</param>
    /// <exception cref="ArgumentException">The number of values differs from the number of labels.</exception>
    public void Sample(MetricDefinition metric, double value, params ReadOnlySpan<string> labels) =>
        Line(Family(metric), metric.Name, metric, labels, null, value);

    /// <summary>Writes a histogram: cumulative buckets, sum and count.</summary>
    /// <exception cref="ArgumentException">The number of values differs from the number of labels.</exception>
    public void Histogram(MetricDefinition metric, Histogram histogram, params ReadOnlySpan<string> labels) =>
        Buckets(metric, histogram.Counts(), i => i < histogram.Bounds.Count ? histogram.Bounds[i] : double.PositiveInfinity, histogram.SumSeconds, labels);

    /// <summary>Writes a histogram that somebody else keeps.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="counts">Observations by bucket, not cumulative.</param>
    /// <param name="upperBound">The upper bound of each bucket, in seconds; that of the last is infinite.</param>
    /// <param name="sum">The sum of all observations, in seconds.</param>
    /// <param name="labels">One value for each of the metric's labels.</param>
    /// <exception cref="ArgumentException">The number of values differs from the number of labels.</exception>
    public void Buckets(MetricDefinition metric, IReadOnlyList<long> counts, Func<int, double> upperBound, double sum, params ReadOnlySpan<string> labels)
    {
        var family = Family(metric);
        var total = 0L;
        for (var i = 0; i < counts.Count; i++)
        {
            total += counts[i];
            Line(family, metric.Name + "_bucket", metric, labels, Number(upperBound(i)), total);
        }
        Line(family, metric.Name + "_sum", metric, labels, null, sum);
        Line(family, metric.Name + "_count", metric, labels, null, total);
    }

    /// <summary>The text, metrics in order of their names.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var family in _families.Values) text.Append(family);
        return text.ToString();
    }

    private StringBuilder Family(MetricDefinition metric)
    {
        if (_families.TryGetValue(metric.Name, out var family)) return family;
        family = new StringBuilder();
        family.Append("# HELP ").Append(metric.Name).Append(' ').Append(metric.Help.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n');
        family.Append("# TYPE ").Append(metric.Name).Append(' ').Append(TypeName(metric.Type)).Append('\n');
        _families.Add(metric.Name, family);
        return family;
    }

    private static void Line(StringBuilder text, string name, MetricDefinition metric, ReadOnlySpan<string> labels, string? bound, double value)
    {
        if (labels.Length != metric.Labels.Count) throw new ArgumentException($"{metric.Name} has {metric.Labels.Count} labels, {labels.Length} were given", nameof(labels));
        text.Append(name);
        if (labels.Length > 0 || bound is not null)
        {
            text.Append('{');
            for (var i = 0; i < labels.Length; i++) AppendLabel(text, metric.Labels[i], labels[i], i > 0);
            if (bound is not null) AppendLabel(text, "le", bound, labels.Length > 0);
            text.Append('}');
        }
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static void AppendLabel(StringBuilder text, string name, string value, bool comma)
    {
        if (comma) text.Append(',');
        text.Append(name).Append("=\"");
        foreach (var c in value)
        {
            if (c == '\\') text.Append("\\\\");
            else if (c == '"') text.Append("\\\"");
            else if (c == '\n') text.Append("\\n");
            else text.Append(c);
        }
        text.Append('"');
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    private static string TypeName(MetricType type) => type switch
    {
        MetricType.Counter => "counter",
        MetricType.Gauge => "gauge",
        _ => "histogram",
    };
}
