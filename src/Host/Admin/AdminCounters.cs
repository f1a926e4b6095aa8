using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Admin;

/// <summary>What the API counts of its requests. Any thread.</summary>
internal sealed class AdminCounters
{
    /// <summary>By method and status code.</summary>
    public CounterFamily Requests { get; } = new(maxSeries: 256);

    /// <summary>Of callers who may not call, by reason.</summary>
    public CounterFamily Rejected { get; } = new(maxSeries: 8);

    /// <summary>By outcome.</summary>
    public CounterFamily Changes { get; } = new(maxSeries: 16);
}
