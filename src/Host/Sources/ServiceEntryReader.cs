using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Sources;

/// <summary>Reads the spec of an Istio ServiceEntry.</summary>
internal static class ServiceEntryReader
{
    private static readonly FieldSet _fields = new(
        ["hosts", "addresses", "ports", "location", "resolution", "endpoints", "exportTo"],
        ["workloadSelector", "subjectAltNames"]);

    private static readonly FieldSet _portFields = new(["number", "name", "protocol", "targetPort"], []);

    // The protocols that Istio knows; the array's own strings are kept, so that many entries share them.
    private static readonly string[] _protocols =
        ["TCP", "UDP", "HTTP", "HTTPS", "HTTP2", "GRPC", "GRPC-WEB", "HTTP_PROXY", "TLS", "MONGO", "REDIS", "MYSQL", "THRIFT", "HBONE", "DOUBLE-HBONE"];

    private static readonly Dictionary<string, Resolution> _resolutions = new()
    {
        ["NONE"] = Resolution.None,
        ["STATIC"] = Resolution.Static,
        ["DNS"] = Resolution.Dns,
        ["DNS_ROUND_ROBIN"] = Resolution.DnsRoundRobin,
        ["DYNAMIC_DNS"] = Resolution.DynamicDns,
    };

    // In exportTo; no namespace has this name.
    private const string Nobody = "~";

    /// <summary>The names of the resolutions, as a manifest spells them.</summary>
    public static IReadOnlyDictionary<string, Resolution> Resolutions => _resolutions;

    /// <summary>The spec; its use is limited to documents whose scope has not failed.</summary>
    public static ServiceEntrySpec? Read(DocumentScope scope, MapNode root)
    {
        if (root.Find("spec") is not { } node) { scope.Fail(root, "spec", "is required"); return null; }
        if (ObjectFields.Of(scope, node, _fields, "spec") is not { } spec) return null;
        var ports = ReadPorts(spec);
        var (hosts, patterns) = HostsReader.Read(spec);
        var entry = new ServiceEntrySpec
        {
            Hosts = hosts,
            Patterns = patterns,
            Addresses = ReadAddresses(spec),
            Ports = ports,
            Location = ReadLocation(spec),
            Resolution = ReadResolution(spec),
            Endpoints = EndpointReader.Read(spec, ports),
            ExportTo = ReadExportTo(spec),
        };
        // Rules across fields would only repeat what is wrong already.
        if (!scope.Failed) ServiceEntryRules.Check(spec, entry);
        return entry;
    }

    private static List<string> ReadAddresses(ObjectFields spec)
    {
        var addresses = new List<string>();
        foreach (var node in spec.List("addresses", ManifestLimits.ListItems))
        {
            if (!ObjectFields.TryString(spec.Scope, node, out var text)) continue;
            if (!TryCanonical(text, out var address)) spec.Scope.Fail(node, $"{ManifestNode.Quote(text)} is neither an IP address nor a CIDR such as 10.0.0.0/8");
            else if (addresses.Contains(address)) spec.Scope.Warn(node, $"'{address}' is there twice");
            else addresses.Add(address);
        }
        return addresses;
    }

    /// <summary>Addresses and CIDRs in the one spelling that is stored and compared.</summary>
    private static bool TryCanonical(string text, out string canonical)
    {
        canonical = "";
        if (Cidr.TryParseAddress(WithoutWholePrefix(text), out var address)) { canonical = address.ToString(); return true; }
        if (!Cidr.TryParse(text, out var cidr)) return false;
        canonical = cidr.ToString();
        // An IPv4-mapped network such as ::ffff:10.0.0.0/104 counts its prefix in the IPv6 address; it is not guessed at.
        return text.Contains(':', StringComparison.Ordinal) == canonical.Contains(':', StringComparison.Ordinal);
    }

    /// <summary>True for a CIDR of more than one address.</summary>
    public static bool IsNetwork(string text) => WithoutWholePrefix(text).Contains('/', StringComparison.Ordinal);

    /// <summary>A network of one address is that address, as Istio has it.</summary>
    private static string WithoutWholePrefix(string text)
    {
        var whole = text.Contains(':', StringComparison.Ordinal) ? "/128" : "/32";
        return text.EndsWith(whole, StringComparison.Ordinal) ? text[..^whole.Length] : text;
    }

    private static List<ServicePort> ReadPorts(ObjectFields spec)
    {
        var ports = new List<ServicePort>();
        foreach (var node in spec.List("ports", ManifestLimits.ListItems))
        {
            if (ObjectFields.Of(spec.Scope, node, _portFields, "a port") is not { } fields) continue;
            if (fields.Map.Find("number") is null) fields.Fail("number", "is required");
            var number = fields.Integer("number", 1, 65535);
            var target = fields.Integer("targetPort", 0, 65535);
            var name = fields.String("name");
            // Istio takes capitals in these names, which DNS compares without case.
            if (name is not null && KubernetesNames.CheckLabel(name.ToLowerInvariant()) is { } wrong) fields.Fail("name", wrong);
            var protocol = ReadProtocol(fields);
            if (number is null) continue;
            if (ports.Exists(p => p.Number == number)) fields.Fail("number", $"the port {number} is there twice");
            if (name is not null && ports.Exists(p => name.Equals(p.Name, StringComparison.OrdinalIgnoreCase))) fields.Fail("name", $"the port name '{name}' is there twice");
            ports.Add(new ServicePort(number.Value, name, protocol, target == number || target == 0 ? null : target));
        }
        return ports;
    }

    private static string ReadProtocol(ObjectFields port)
    {
        if (port.String("protocol") is not { } text) return "TCP";
        var known = Array.Find(_protocols, p => p.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (known is null) port.Fail("protocol", $"{ManifestNode.Quote(text)} is not a protocol that Istio knows: {string.Join(", ", _protocols)}");
        return known ?? "TCP";
    }

    private static string? ReadLocation(ObjectFields spec)
    {
        switch (spec.String("location"))
        {
            case null: return null;
            case "MESH_EXTERNAL": return "MESH_EXTERNAL";
            case "MESH_INTERNAL": return "MESH_INTERNAL";
            case var other:
                spec.Fail("location", $"{ManifestNode.Quote(other)} is neither MESH_EXTERNAL nor MESH_INTERNAL");
                return null;
        }
    }

    private static Resolution ReadResolution(ObjectFields spec)
    {
        if (spec.String("resolution") is not { } text) return Resolution.None;
        if (_resolutions.TryGetValue(text, out var resolution)) return resolution;
        spec.Fail("resolution", $"{ManifestNode.Quote(text)} is none of {string.Join(", ", _resolutions.Keys)}");
        return Resolution.None;
    }

    private static List<string> ReadExportTo(ObjectFields spec)
    {
        var exports = new List<string>();
        foreach (var node in spec.List("exportTo", ManifestLimits.ListItems))
        {
            if (!ObjectFields.TryString(spec.Scope, node, out var text)) continue;
            if (text is not ("." or "*" or Nobody) && KubernetesNames.CheckLabel(text) is { } wrong) spec.Scope.Fail(node, $"{wrong}; or use '.' for the own namespace, '*' for all, '~' for nobody");
            else if (exports.Contains(text)) spec.Scope.Warn(node, $"'{text}' is there twice");
            else exports.Add(text);
        }
        if (exports.Count > 1 && exports.Contains(Nobody)) spec.Fail("exportTo", "'~' (nobody) must stand alone");
        else if (exports.Count > 1 && exports.Contains("*")) spec.Scope.Warn(spec.Map.Find("exportTo")!, "'*' makes the hosts visible to all, so that what stands beside it has no effect");
        else if (exports is [Nobody]) spec.Scope.Warn(spec.Map.Find("exportTo")!, "'~' makes the hosts visible to nobody, so that no query is answered by them");
        return exports;
    }
}
