using System.Text.Json.Serialization;
using MeshDns.Contracts.Names;

namespace MeshDns.Contracts.Services;

/// <summary>How the endpoints of a ServiceEntry are found (Istio's <c>resolution</c>).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Resolution>))]
public enum Resolution
{
    /// <summary>NONE: the connection goes to the address it asked for.</summary>
    None,

    /// <summary>STATIC: the endpoints are listed.</summary>
    Static,

    /// <summary>DNS: endpoint names, or the host itself, are resolved.</summary>
    Dns,

    /// <summary>DNS_ROUND_ROBIN: like DNS, the first answer at a time.</summary>
    DnsRoundRobin,

    /// <summary>DYNAMIC_DNS: a wildcard whose real name comes from the connection (SNI or Host).</summary>
    DynamicDns,
}

/// <summary>A declared port.</summary>
/// <param name="Number">1 to 65535.</param>
/// <param name="Name">A DNS label as it was written, or null; compared without case.</param>
/// <param name="Protocol">As declared, upper case: TCP when absent.</param>
/// <param name="TargetPort">1 to 65535 when it differs from the number.</param>
public sealed record ServicePort(int Number, string? Name, string Protocol, int? TargetPort);

/// <summary>A backend of a ServiceEntry.</summary>
/// <param name="Address">An IP address or a host name.</param>
/// <param name="Ports">Port name to port number.</param>
/// <param name="Labels">Its labels.</param>
public sealed record ServiceEndpoint(string Address, IReadOnlyDictionary<string, int>? Ports, IReadOnlyDictionary<string, string>? Labels);

/// <summary>A checked Istio ServiceEntry.</summary>
public sealed record ServiceEntrySpec : DocumentSpec
{
    /// <summary>1 to 256 names, folded, without duplicates; fewer as far as there are <see cref="Patterns"/>.</summary>
    public required IReadOnlyList<HostName> Hosts { get; init; }

    /// <summary>Hosts such as <c>*x.example</c>, which Istio takes and no DNS name matches: kept so that the document is shown as it was; null for none.</summary>
    public IReadOnlyList<string>? Patterns { get; init; }

    /// <summary>IP addresses and CIDRs in canonical text, without duplicates.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Ports with unique numbers and names.</summary>
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];

    /// <summary>MESH_EXTERNAL or MESH_INTERNAL, or null; kept for the reader.</summary>
    public string? Location { get; init; }

    /// <summary>How endpoints are found.</summary>
    public Resolution Resolution { get; init; }

    /// <summary>Backends.</summary>
    public IReadOnlyList<ServiceEndpoint> Endpoints { get; init; } = [];

    /// <summary><c>.</c> own namespace, <c>*</c> all, or namespaces. Empty means all.</summary>
    public IReadOnlyList<string> ExportTo { get; init; } = [];

    /// <inheritdoc/>
    public override IReadOnlyList<(HostName Host, HostDeclaration Declaration)> Declares(MeshDocument document, long created, HostName clusterDomain)
    {
        var eligible = Addresses.Count == 0 && Resolution != Resolution.None && !HostDeclaration.IsOptedOut(document);
        return [.. Hosts.Select(host => (host, new HostDeclaration
        {
            Document = document.Key,
            Created = created,
            Eligible = eligible && (!host.IsWildcard || Resolution == Resolution.DynamicDns),
            Addresses = Addresses,
            Resolution = Resolution,
            Ports = Ports,
            Endpoints = Endpoints,
            ExportTo = ExportTo,
        }))];
    }
}
