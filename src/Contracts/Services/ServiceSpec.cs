using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Services;

/// <summary>A checked Kubernetes Service, reduced to what names need.</summary>
public sealed record ServiceSpec
{
    /// <summary>ClusterIP, NodePort, LoadBalancer or ExternalName.</summary>
    public required string Type { get; init; }

    /// <summary>Cluster IPs in canonical text; empty for headless, ExternalName and who takes a VIP.</summary>
    public IReadOnlyList<string> ClusterIPs { get; init; } = [];

    /// <summary>True for <c>clusterIP: None</c>.</summary>
    public bool Headless { get; init; }

    /// <summary>The target of an ExternalName service, folded.</summary>
    public string? ExternalName { get; init; }

    /// <summary>Ports with unique numbers per protocol, and unique names.</summary>
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];

    /// <summary>True when endpoints that are not ready are published too.</summary>
    public bool PublishNotReadyAddresses { get; init; }

    /// <summary>True when nobody else assigns it an address, so that it gets a VIP; never for a Service of a live Kubernetes source. The mesh decides it, no manifest does.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool TakesVip { get; init; }
}
