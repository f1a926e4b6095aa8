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
        if (entry.Resolution is not (Resolution.None or Resolution.Static)) RefuseNetworks(spec, entry);
        switch (entry.Resolution)
        {
            case Resolution.None:
                if (entry.Endpoints.Count > 0) spec.Fail("endpoints", "resolution NONE cannot have endpoints (NONE is the default; say STATIC or DNS)");
                break;
            case Resolution.Static:
                CheckStatic(spec, entry);
                break;
            case Resolution.Dns:
                if (entry.Endpoints.Count == 0) RefuseHosts(spec, entry, h => h.IsWildcard, "a wildcard cannot be resolved: resolution DNS without endpoints needs full names");
                break;
            case Resolution.DnsRoundRobin:
                if (entry.Endpoints.Count == 0) RefuseHosts(spec, entry, h => h.IsWildcard, "a wildcard cannot be resolved: resolution DNS_ROUND_ROBIN without endpoints needs full names");
                if (entry.Endpoints.Count > 1) spec.Fail("endpoints", $"resolution DNS_ROUND_ROBIN has at most one endpoint, not {entry.Endpoints.Count}");
                break;
            case Resolution.DynamicDns:
                RefuseHosts(spec, entry, h => !h.IsWildcard, "resolution DYNAMIC_DNS needs wildcard hosts such as *.example.com");
                if (entry.Addresses.Count > 0) spec.Fail("addresses", "resolution DYNAMIC_DNS cannot have addresses");
                if (entry.Endpoints.Count > 0) spec.Fail("endpoints", "resolution DYNAMIC_DNS cannot have endpoints");
                break;
        }
    }

    private static void CheckStatic(ObjectFields spec, ServiceEntrySpec entry)
    {
        var nodes = (spec.Map.Find("endpoints") as ListNode)?.Items ?? [];
        for (var i = 0; i < entry.Endpoints.Count; i++)
            if (!Cidr.TryParseAddress(entry.Endpoints[i].Address, out _))
                spec.Scope.Fail((MapNode)nodes[i], "address", $"'{entry.Endpoints[i].Address}' is not an IP address, which resolution STATIC needs (DNS takes names)");
        // A selector may supply endpoints elsewhere; here nothing does.
        if (entry.Endpoints.Count == 0) spec.Scope.Warn(spec.Map, "resolution STATIC without endpoints: its names are answered, and connections to their VIPs have nowhere to go");
    }

    private static void RefuseNetworks(ObjectFields spec, ServiceEntrySpec entry)
    {
        // Nodes, not entry.Addresses: that list leaves duplicates out, and the path must be the author's.
        foreach (var node in (spec.Map.Find("addresses") as ListNode)?.Items ?? [])
            if (((ScalarNode)node).Text.Contains('/', StringComparison.Ordinal))
                spec.Scope.Fail(node, "a CIDR is allowed with resolution NONE and STATIC only");
    }

    private static void RefuseHosts(ObjectFields spec, ServiceEntrySpec entry, Func<HostName, bool> wrong, string reason)
    {
        var nodes = ((ListNode)spec.Map.Find("hosts")!).Items;
        for (var i = 0; i < entry.Hosts.Count; i++)
            if (wrong(entry.Hosts[i])) spec.Scope.Fail(nodes[i], reason);
    }
}
