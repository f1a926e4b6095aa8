using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace MeshDns.Host.Telemetry;

/// <summary>
/// Listens to a meter and writes what it says in Prometheus' text format 0.0.4, families in order of their names. A family without
/// samples is left out. Any thread.
/// </summary>
internal sealed class MetricsText : IDisposable
{
    /// <summary>The media type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly SortedDictionary<string, (MetricFamily Family, StringBuilder Samples)> _families = new(StringComparer.Ordinal);

    /// <param name="meter">With all its families.</param>
    public MetricsText(MeshMeter meter)
    {
        foreach (var family in meter.Families.Values.Distinct()) _families.Add(family.Name, (family, new StringBuilder()));
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!meter.Families.TryGetValue(instrument, out var family)) return;
            listener.EnableMeasurementEvents(instrument, _families[family.Name].Samples);
        };
        _listener.SetMeasurementEventCallback<double>(Write);
        _listener.Start();
    }

    /// <summary>One scrape.</summary>
    public string Render()
    {
        lock (_gate)
        {
            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var (family, samples) in _families.Values)
            {
                if (samples.Length == 0) continue;
                text.Append("# HELP ").Append(family.Name).Append(' ').Append(family.Help).Append('\n');
                text.Append("# TYPE ").Append(family.Name).Append(' ').Append(family.Type).Append('\n').Append(samples);
                samples.Clear();
            }
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private static void Write(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> labels, object? samples)
    {
        var text = ((StringBuilder)samples!).Append(instrument.Name);
        for (var i = 0; i < labels.Length; i++)
            WriteValue(text.Append(i == 0 ? '{' : ',').Append(labels[i].Key).Append("=\""), (string)labels[i].Value!);
        if (labels.Length > 0) text.Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static void WriteValue(StringBuilder text, string value)
    {
        foreach (var c in value)
            _ = c switch { '\\' => text.Append("\\\\"), '"' => text.Append("\\\""), '\n' => text.Append("\\n"), _ => text.Append(c) };
        text.Append('"');
    }

    /// <summary>A number as the format writes it.</summary>
    public static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);
}
