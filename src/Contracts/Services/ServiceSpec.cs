namespace MeshDns.Contracts.Services;

/// <summary>A checked Kubernetes Service, reduced to what names need.</summary>
public sealed record ServiceSpec
{
    /// <summary>ClusterIP, NodePort, LoadBalancer or ExternalName.</summary>
    public required string Type { get; init; }

    /// <summary>Cluster IPs in canonical text; empty for headless and ExternalName.</summary>
    public IReadOnlyList<string> ClusterIPs { get; init; } = [];

    /// <summary>True for <c>clusterIP: None</c>.</summary>
    public bool Headless { get; init; }

    /// <summary>The target of an ExternalName service, folded.</summary>
    public string? ExternalName { get; init; }

    /// <summary>Ports with unique numbers per protocol, and unique names.</summary>
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];

    /// <summary>True when endpoints that are not ready are published too.</summary>
    public bool PublishNotReadyAddresses { get; init; }
}
