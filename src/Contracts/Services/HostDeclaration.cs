using MeshDns.Contracts.Names;

namespace MeshDns.Contracts.Services;

/// <summary>What one document says about one host: the fact that the host's shard keeps and every directory reads.</summary>
public sealed record HostDeclaration
{
    /// <summary>The document that says it; its namespace is the record's namespace.</summary>
    public required DocumentKey Document { get; init; }

    /// <summary>When the document was created, milliseconds since the Unix epoch; the older declaration wins conflicts.</summary>
    public long Created { get; init; }

    /// <summary>True when the host should have a VIP because of this document.</summary>
    public bool Eligible { get; init; }

    /// <summary>Explicit addresses and CIDRs in canonical text.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>How endpoints are found.</summary>
    public Resolution Resolution { get; init; }

    /// <summary>Declared ports.</summary>
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];

    /// <summary>Backends.</summary>
    public IReadOnlyList<ServiceEndpoint> Endpoints { get; init; } = [];

    /// <summary>Namespaces that see it; empty means all.</summary>
    public IReadOnlyList<string> ExportTo { get; init; } = [];

    /// <summary>The CNAME target of an ExternalName Service.</summary>
    public string? ExternalName { get; init; }

    /// <summary>The label that opts a ServiceEntry or Service out of a VIP when it is "false" in any case.</summary>
    public const string AutoAllocateLabel = "networking.istio.io/enable-autoallocate-ip";

    /// <summary>What a checked document declares (<see cref="DocumentSpec.Declares"/>).</summary>
    public static IReadOnlyList<(HostName Host, HostDeclaration Declaration)> Of(MeshDocument document, long created, HostName clusterDomain) =>
        document.Spec!.Declares(document, created, clusterDomain);

    /// <summary>True when a document's label opts it out of a VIP.</summary>
    public static bool IsOptedOut(MeshDocument document) =>
        document.Labels is { } labels && labels.TryGetValue(AutoAllocateLabel, out var label) && label.Equals("false", StringComparison.OrdinalIgnoreCase);
}
