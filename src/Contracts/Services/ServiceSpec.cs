using System.Text.Json.Serialization;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Contracts.Services;

/// <summary>A checked Kubernetes Service, reduced to what names need.</summary>
public sealed record ServiceSpec : DocumentSpec
{
    private const string LiveSource = "kubernetes:";

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

    /// <inheritdoc/>
    public override IReadOnlyList<(HostName Host, HostDeclaration Declaration)> Declares(MeshDocument document, long created, HostName clusterDomain)
    {
        var host = HostName.Parse($"{document.Key.Name}.{document.Key.Namespace}.svc.{clusterDomain.Text}");
        return [(host, new HostDeclaration
        {
            Document = document.Key,
            Created = created,
            Eligible = TakesVip,
            Addresses = ClusterIPs,
            Ports = Ports,
            ExternalName = ExternalName,
        })];
    }

    /// <inheritdoc/>
    public override (DocumentSpec Kept, IReadOnlyList<string> Wished) Take(MeshDocument document, string source, DocumentSpec? before, VipRange range)
    {
        // Stand-alone nobody assigns cluster IPs: one inside our ranges can only have come from a mesh like this one. A live cluster's own
        // word counts as it is, and so does the clusterIP of a Service that opts out, or that an earlier version took for an explicit address.
        bool IsOurs(string address) => Cidr.TryParseAddress(address, out var ip) && range.Contains(ip);
        var asIs = this with { TakesVip = false };
        if (Headless || ExternalName is not null || HostDeclaration.IsOptedOut(document)) return (asIs, []);
        if (source.StartsWith(LiveSource, StringComparison.Ordinal)) return (asIs, []);
        if (!ClusterIPs.All(IsOurs) || before is ServiceSpec kept && kept.ClusterIPs.Any(IsOurs)) return (asIs, []);
        return (this with { ClusterIPs = [], TakesVip = true }, ClusterIPs);
    }
}
