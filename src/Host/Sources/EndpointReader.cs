using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Sources;

/// <summary>Reads the endpoints of a ServiceEntry (Istio's WorkloadEntry).</summary>
internal static class EndpointReader
{
    private static readonly FieldSet _fields = new(["address", "ports", "labels"], ["network", "locality", "weight", "serviceAccount"]);

    private const string UnixPrefix = "unix://";

    /// <summary>The endpoints that have an address; those that Istio reaches in another way are listed as ignored.</summary>
    public static List<ServiceEndpoint> Read(ObjectFields spec, IReadOnlyList<ServicePort> declared)
    {
        var endpoints = new List<ServiceEndpoint>();
        var isStatic = spec.Map.Find("resolution") is ScalarNode { Text: "STATIC" };
        foreach (var node in spec.List("endpoints", ManifestLimits.Endpoints))
        {
            if (ObjectFields.Of(spec.Scope, node, _fields, "an endpoint") is not { } fields) continue;
            var address = ReadAddress(fields, isStatic);
            var ports = ReadPorts(fields, declared);
            var labels = MetadataReader.ReadLabels(spec.Scope, fields.MapOf("labels"));
            if (address is not null) endpoints.Add(new ServiceEndpoint(address, ports, labels));
        }
        return endpoints;
    }

    /// <summary>True for the endpoints of an entry with resolution STATIC that are no place in the network: a unix socket, or another network's gateway.</summary>
    public static bool IsElsewhere(MapNode endpoint) => endpoint.Find("address") switch
    {
        ScalarNode { Kind: ScalarKind.String } address when address.Text.Length > 0 => address.Text.StartsWith(UnixPrefix, StringComparison.Ordinal),
        null or ScalarNode { Kind: ScalarKind.String } => endpoint.Find("network") is ScalarNode { Kind: ScalarKind.String, Text.Length: > 0 },
        _ => false,
    };

    private static string? ReadAddress(ObjectFields endpoint, bool isStatic)
    {
        if (isStatic && IsElsewhere(endpoint.Map))
        {
            if (endpoint.String("address") is { } socket && socket[UnixPrefix.Length..] is not (['/', .., not '/'] or ['@', ..])) endpoint.Fail("address", $"{ManifestNode.Quote(socket)} is not {UnixPrefix} and an absolute path");
            endpoint.Scope.Ignore(endpoint.Map.Find("address") ?? endpoint.Map);
            return null;
        }
        if (endpoint.String("address") is not { } text)
        {
            if (endpoint.Map.Find("address") is null or ScalarNode { Kind: ScalarKind.String }) endpoint.Fail("address", "is required");
            return null;
        }
        if (Cidr.TryParseAddress(text, out var ip)) return ip.ToString();
        if (!HostName.TryParse(text, out var host, out var error)) { endpoint.Fail("address", $"{ManifestNode.Quote(text)} is neither an IP address nor a host name: {error}"); return null; }
        if (host.IsWildcard) { endpoint.Fail("address", "must not be a wildcard"); return null; }
        return host.Text;
    }

    private static Dictionary<string, int>? ReadPorts(ObjectFields endpoint, IReadOnlyList<ServicePort> declared)
    {
        if (endpoint.MapOf("ports") is not { Fields.Count: > 0 } map) return null;
        var ports = new Dictionary<string, int>(map.Fields.Count, StringComparer.Ordinal);
        foreach (var field in map.Fields.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            if (!declared.Any(p => p.Name == field.Name)) endpoint.Scope.Fail(field.Line, field.Value.Path, $"{ManifestNode.Quote(field.Name)} is not the name of a port in spec.ports");
            if (ObjectFields.Integer(endpoint.Scope, field.Value, 1, 65535) is { } number) ports.Add(field.Name, number);
        }
        return ports.Count == 0 ? null : ports;
    }
}
