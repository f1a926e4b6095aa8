namespace MeshDns.Host.Telemetry;

/// <summary>The types of a Prometheus metric that MeshDns uses.</summary>
public enum MetricType
{
    /// <summary>Only grows; its name ends in <c>_total</c>.</summary>
    Counter,

    /// <summary>Goes up and down.</summary>
    Gauge,

    /// <summary>Counts observations in buckets.</summary>
    Histogram,
}

/// <summary>A metric's name, type, help and label names. All of them stand in <see cref="MeshMetrics"/>, where a test checks their form.</summary>
public sealed class MetricDefinition
{
    /// <summary>Defines a metric.</summary>
    /// <param name="name">Its name; snake case, with the unit (seconds, bytes) at the end, counters with <c>_total</c> after that.</param>
    /// <param name="type">Its type.</param>
    /// <param name="help">One sentence for a person.</param>
    /// <param name="labels">Label names, in the order in which samples give their values.</param>
    public MetricDefinition(string name, MetricType type, string help, params string[] labels)
    {
        Name = name;
        Type = type;
        Help = help;
        Labels = labels;
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The type.</summary>
    public MetricType Type { get; }

    /// <summary>One sentence for a person.</summary>
    public string Help { get; }

    /// <summary>Label names, in the order of the values.</summary>
    public IReadOnlyList<string> Labels { get; }
}
