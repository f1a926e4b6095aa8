using System.Diagnostics.Metrics;
using System.Reflection;

namespace MeshDns.Host.Telemetry;

/// <summary>A value, and those of its family's labels in their order.</summary>
internal readonly record struct Sample(double Value, params string[] Labels);

/// <summary>A family as docs/metrics.md has it; its type is a word of Prometheus' text format.</summary>
internal sealed record MetricFamily(string Name, string Type, string Help, string[] Labels);

/// <summary>
/// A node's <see cref="Meter"/>. Each call defines a family: its name, its help, how it is read, and the names of its labels. Its
/// instruments are observable: what counts does so in fields of its own, and nothing is computed before somebody reads, be it
/// <see cref="MetricsText"/>, OTLP or dotnet-counters (docs/adr/0030-metrics.md).
/// </summary>
internal sealed class MeshMeter : IDisposable
{
    public const string Name = "MeshDns";

    private readonly Meter _meter = new(Name, Version);
    private readonly Dictionary<Instrument, MetricFamily> _families = [];

    /// <summary>The version of this build, as <c>1.2.3</c>.</summary>
    public static string Version { get; } =
        typeof(MeshMeter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>Reads that threw; each lost its own samples, and all of them.</summary>
    public Counter Failures { get; } = new();

    public IReadOnlyDictionary<Instrument, MetricFamily> Families => _families;

    /// <summary>What only grows; null while there is nothing to say.</summary>
    public void Counter(string name, string help, Func<double?> read) => Counter(name, help, () => One(read()));

    /// <summary>The same by labels.</summary>
    public void Counter(string name, string help, Func<IEnumerable<Sample>?> read, params string[] labels) =>
        CounterOf(new MetricFamily(name, "counter", help, labels), name, read, labels);

    /// <summary>What goes up and down; null while there is nothing to say.</summary>
    public void Gauge(string name, string help, Func<double?> read) => Gauge(name, help, () => One(read()));

    /// <summary>The same by labels.</summary>
    public void Gauge(string name, string help, Func<IEnumerable<Sample>?> read, params string[] labels) =>
        _families.Add(
            _meter.CreateObservableGauge(name, Observe(read, labels), UnitOf(name), help), new MetricFamily(name, "gauge", help, labels));

    /// <summary>
    /// Counts in buckets. The library has no observable instrument for them, so each is three counters under the names that Prometheus
    /// gives to the parts of a histogram. Whoever reads does so in the order in which they were made, so that the three are of one moment.
    /// </summary>
    public void Histogram(string name, string help, Func<IEnumerable<HistogramSample>?> read, params string[] labels)
    {
        var family = new MetricFamily(name, "histogram", help, labels);
        HistogramSample[] now = [];
        CounterOf(family, name + "_bucket", () => (now = [.. read() ?? []]).SelectMany(sample => sample.Buckets), [.. labels, "le"]);
        CounterOf(family, name + "_sum", () => now.Select(sample => new Sample(sample.SumSeconds, sample.Labels)), labels);
        CounterOf(family, name + "_count", () => now.Select(sample => new Sample(sample.Counts.Sum(), sample.Labels)), labels);
    }

    public void Dispose() => _meter.Dispose();

    private void CounterOf(MetricFamily family, string name, Func<IEnumerable<Sample>?> read, string[] labels) =>
        _families.Add(_meter.CreateObservableCounter(name, Observe(read, labels), UnitOf(name), family.Help), family);

    private static Sample[]? One(double? value) => value is { } one ? [new Sample(one)] : null;

    // All or nothing: of a read that throws halfway the listeners would keep the first half.
    private Func<IEnumerable<Measurement<double>>> Observe(Func<IEnumerable<Sample>?> read, string[] labels) => () =>
    {
        try
        {
            return [.. (read() ?? []).Select(sample => new Measurement<double>(sample.Value, Tags(labels, sample.Labels)))];
        }
#pragma warning disable CA1031 // One broken part must not blind the operator to all the others.
        catch (Exception)
#pragma warning restore CA1031
        {
            Failures.Increment();
            return [];
        }
    };

    private static KeyValuePair<string, object?>[] Tags(string[] names, string[] values)
    {
        if (values.Length != names.Length) throw new ArgumentException($"{names.Length} labels have {values.Length} values", nameof(values));
        return [.. names.Zip(values, (name, value) => KeyValuePair.Create<string, object?>(name, value))];
    }

    // As OpenTelemetry writes units; Prometheus has them in the name. What counts observations has none.
    private static string? UnitOf(string name)
    {
        var words = name.Split('_');
        return words[^1] is "bucket" or "count" ? null : words.Contains("seconds") ? "s" : words.Contains("bytes") ? "By" : null;
    }
}
