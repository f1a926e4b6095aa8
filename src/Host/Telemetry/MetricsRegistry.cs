namespace MeshDns.Host.Telemetry;

/// <summary>The collectors of a node's parts. A scrape calls each; nothing is computed between scrapes.</summary>
public sealed class MetricsRegistry
{
    private readonly Lock _gate = new();
    private Action<MetricsText>[] _collectors = [];

    /// <summary>Adds a part's collector. It is called on the scrape's thread, never twice at once, and must not block.</summary>
    public void Register(Action<MetricsText> collector)
    {
        lock (_gate) _collectors = [.. _collectors, collector];
    }

    /// <summary>Renders one scrape. A collector that throws loses its own samples only.</summary>
    public string Render()
    {
        lock (_gate)
        {
            var text = new MetricsText();
            foreach (var collector in _collectors)
            {
#pragma warning disable CA1031 // One broken part must not blind the operator to all the others.
                try { collector(text); } catch (Exception) { CollectorFailures.Increment(); }
#pragma warning restore CA1031
            }
            text.Sample(MeshMetrics.CollectorFailuresTotal, CollectorFailures.Value);
            return text.ToString();
        }
    }

    private Counter CollectorFailures { get; } = new();
}
