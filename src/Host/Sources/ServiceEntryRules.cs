using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Sources;

/// <summary>What the fields of a ServiceEntry must be to one another (behaviour.md, "Declarations", and Istio's own validation).</summary>
internal static class ServiceEntryRules
{
    public static void Check(ObjectFields spec, ServiceEntrySpec entry)
    {
        if ((long)entry.Hosts.Count * entry.Endpoints.Count > ManifestLimits.HostEndpoints)
            spec.Fail("endpoints", $"{entry.Hosts.Count} hosts times {entry.Endpoints.Count} endpoints is more than {ManifestLimits.HostEndpoints}");
        if (entry.Resolution is not (Resolution.None or Resolution.Static)) RefuseNetworks(spec);
        switch (entry.Resolution)
        {
            case Resolution.None:
                if (entry.Endpoints.Count > 0) spec.Fail("endpoints", "resolution NONE cannot have endpoints (NONE is the default; say STATIC or DNS)");
                break;
            case Resolution.Static:
                CheckStatic(spec, entry);
                break;
            case Resolution.Dns:
                if (entry.Endpoints.Count == 0) RefuseHosts(spec, h => h.IsWildcard, "a wildcard cannot be resolved: resolution DNS without endpoints needs full names");
                break;
            case Resolution.DnsRoundRobin:
                if (entry.Endpoints.Count == 0) RefuseHosts(spec, h => h.IsWildcard, "a wildcard cannot be resolved: resolution DNS_ROUND_ROBIN without endpoints needs full names");
                if (entry.Endpoints.Count > 1) spec.Fail("endpoints", $"resolution DNS_ROUND_ROBIN has at most one endpoint, not {entry.Endpoints.Count}");
                break;
            case Resolution.DynamicDns:
                RefuseHosts(spec, h => !h.IsWildcard, "resolution DYNAMIC_DNS needs wildcard hosts such as *.example.com");
                if (entry.Addresses.Count > 0) spec.Fail("addresses", "resolution DYNAMIC_DNS cannot have addresses");
                if (entry.Endpoints.Count > 0) spec.Fail("endpoints", "resolution DYNAMIC_DNS cannot have endpoints");
                break;
        }
    }

    // Nodes, not the entry's lists: those leave out what is there twice and what has no effect, and the path must be the author's.
    private static void CheckStatic(ObjectFields spec, ServiceEntrySpec entry)
    {
        foreach (var node in spec.List("endpoints", ManifestLimits.Endpoints))
            if (node is MapNode endpoint && !EndpointReader.IsElsewhere(endpoint) && endpoint.Find("address") is ScalarNode { Text: var address } && !Cidr.TryParseAddress(address, out _))
                spec.Scope.Fail(endpoint, "address", $"{ManifestNode.Quote(address)} is not an IP address, which resolution STATIC needs (DNS takes names)");
        // A selector may supply endpoints elsewhere; here nothing does.
        if (entry.Endpoints.Count == 0)
            spec.Scope.Warn(spec.Map, "resolution STATIC without endpoints that have an address: its names are answered, and connections to their VIPs have nowhere to go");
    }

    private static void RefuseNetworks(ObjectFields spec)
    {
        foreach (var node in spec.List("addresses", ManifestLimits.ListItems))
            if (node is ScalarNode { Text: var text } && ServiceEntryReader.IsNetwork(text)) spec.Scope.Fail(node, "a CIDR is allowed with resolution NONE and STATIC only");
    }

    private static void RefuseHosts(ObjectFields spec, Func<HostName, bool> wrong, string reason)
    {
        foreach (var node in spec.List("hosts", ManifestLimits.ListItems))
            if (node is ScalarNode { Text: var text } && HostName.TryParse(text, out var host, out _) && wrong(host)) spec.Scope.Fail(node, reason);
    }
}
