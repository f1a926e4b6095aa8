using System.Net;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Sources;

/// <summary>Reads the spec of a Kubernetes Service.</summary>
internal static class ServiceReader
{
    private static readonly FieldSet _fields = new(
        ["type", "clusterIP", "clusterIPs", "externalName", "ports", "publishNotReadyAddresses"],
        [
            "selector", "externalIPs", "sessionAffinity", "sessionAffinityConfig", "loadBalancerIP", "loadBalancerSourceRanges", "loadBalancerClass",
            "externalTrafficPolicy", "internalTrafficPolicy", "healthCheckNodePort", "ipFamilies", "ipFamilyPolicy", "ipFamily",
            "allocateLoadBalancerNodePorts", "trafficDistribution", "topologyKeys",
        ]);

    private static readonly FieldSet _portFields = new(["name", "port", "protocol", "targetPort"], ["appProtocol", "nodePort"]);

    private static readonly string[] _types = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];
    private static readonly string[] _protocols = ["TCP", "UDP", "SCTP"];

    /// <summary>The spec; its use is limited to documents whose scope has not failed.</summary>
    public static ServiceSpec? Read(DocumentScope scope, MapNode root, MeshDocument? metadata)
    {
        if (root.Find("spec") is not { } node) { scope.Fail(root, "spec", "is required"); return null; }
        if (ObjectFields.Of(scope, node, _fields, "spec") is not { } spec) return null;
        var type = ReadType(spec);
        var isExternal = type == "ExternalName";
        var clusterIPs = ReadClusterIPs(spec, type, out var headless);
        if (headless) scope.Warn(spec.Map, "headless: its addresses are its endpoints, which this build does not read: the name is known and has no address");
        var service = new ServiceSpec
        {
            Type = type,
            ClusterIPs = clusterIPs,
            Headless = headless,
            ExternalName = ReadExternalName(spec, isExternal),
            Ports = ReadPorts(spec),
            PublishNotReadyAddresses = spec.Boolean("publishNotReadyAddresses") ?? false,
        };
        if (service is { ExternalName: null, Headless: false, ClusterIPs.Count: 0 } && metadata is not null && HostDeclaration.IsOptedOut(metadata))
            scope.Warn(root, $"there is no clusterIP, and the label {HostDeclaration.AutoAllocateLabel} opts out of a VIP: the name is known and has no address");
        return service;
    }

    private static string ReadType(ObjectFields spec)
    {
        if (spec.String("type") is not { } text) return "ClusterIP";
        var type = Array.Find(_types, t => t == text);
        if (type is null) spec.Fail("type", $"{ManifestNode.Quote(text)} is none of {string.Join(", ", _types)}");
        return type ?? "ClusterIP";
    }

    private static List<string> ReadClusterIPs(ObjectFields spec, string type, out bool headless)
    {
        headless = false;
        var single = spec.String("clusterIP");
        var nodes = spec.List("clusterIPs", 2);
        if (single is null && nodes.Count == 0) return [];
        if (type == "ExternalName") { spec.Fail(single is null ? "clusterIPs" : "clusterIP", "must not be set for an ExternalName service"); return []; }
        var texts = new List<(ManifestNode Node, string Text)>();
        foreach (var node in nodes) if (ObjectFields.TryString(spec.Scope, node, out var text)) texts.Add((node, text));
        if (spec.Scope.Failed) return [];
        if (single is not null && texts.Count > 0 && !IsSame(texts[0].Text, single)) { spec.Scope.Fail(texts[0].Node, $"must be the same as clusterIP, {ManifestNode.Quote(single)}"); return []; }
        if (texts.Count == 0) texts.Add((spec.Map.Find("clusterIP")!, single!));
        if (texts.Exists(t => t.Text == "None")) return ReadHeadless(spec, texts, type, out headless);
        return ReadAddresses(spec, texts);
    }

    private static List<string> ReadHeadless(ObjectFields spec, List<(ManifestNode Node, string Text)> texts, string type, out bool headless)
    {
        headless = true;
        if (texts.Count > 1) spec.Fail("clusterIPs", "'None' must stand alone");
        if (type != "ClusterIP") spec.Scope.Fail(texts[0].Node, $"'None' (headless) is for the type ClusterIP, not {type}");
        return [];
    }

    private static List<string> ReadAddresses(ObjectFields spec, List<(ManifestNode Node, string Text)> texts)
    {
        var addresses = new List<IPAddress>();
        foreach (var (node, text) in texts)
        {
            if (!Cidr.TryParseAddress(text, out var address)) spec.Scope.Fail(node, $"{ManifestNode.Quote(text)} is neither an IP address nor 'None'");
            else if (addresses.Exists(a => a.AddressFamily == address.AddressFamily)) spec.Scope.Fail(node, "the two cluster IPs must be of different families");
            else addresses.Add(address);
        }
        return [.. addresses.Select(a => a.ToString())];
    }

    private static bool IsSame(string a, string b) =>
        a == b || Cidr.TryParseAddress(a, out var first) && Cidr.TryParseAddress(b, out var second) && first.Equals(second);

    private static string? ReadExternalName(ObjectFields spec, bool isExternal)
    {
        if (spec.Map.Find("externalName") is not { } node)
        {
            if (isExternal) spec.Fail("externalName", "is required for an ExternalName service");
            return null;
        }
        // Kubernetes keeps a left-over externalName when the type changes; it has no effect there either.
        if (!isExternal) { spec.Scope.Ignore(node); return null; }
        if (!ObjectFields.TryString(spec.Scope, node, out var text)) return null;
        if (!HostName.TryParse(text, out var host, out var error)) { spec.Scope.Fail(node, error); return null; }
        if (host.IsWildcard) spec.Scope.Fail(node, "must not be a wildcard");
        return host.Text;
    }

    private static List<ServicePort> ReadPorts(ObjectFields spec)
    {
        var ports = new List<ServicePort>();
        var nodes = spec.List("ports", ManifestLimits.ListItems);
        foreach (var node in nodes)
        {
            if (ObjectFields.Of(spec.Scope, node, _portFields, "a port") is not { } fields) continue;
            if (fields.Map.Find("port") is null) fields.Fail("port", "is required");
            var number = fields.Integer("port", 1, 65535);
            var name = fields.String("name");
            if (name is null && nodes.Count > 1) fields.Fail("name", "is required when there are several ports");
            if (name is not null && KubernetesNames.CheckLabel(name) is { } wrong) fields.Fail("name", wrong);
            var protocol = ReadProtocol(fields);
            var target = ReadTargetPort(fields);
            if (number is null) continue;
            if (ports.Exists(p => p.Number == number && p.Protocol == protocol)) fields.Fail("port", $"the port {number} is there twice for {protocol}");
            if (name is not null && ports.Exists(p => p.Name == name)) fields.Fail("name", $"the port name '{name}' is there twice");
            ports.Add(new ServicePort(number.Value, name, protocol, target == number ? null : target));
        }
        return ports;
    }

    private static string ReadProtocol(ObjectFields port)
    {
        if (port.String("protocol") is not { } text) return "TCP";
        var known = Array.Find(_protocols, p => p.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (known is null) port.Fail("protocol", $"{ManifestNode.Quote(text)} is none of {string.Join(", ", _protocols)}");
        return known ?? "TCP";
    }

    /// <summary>A number, null for the default (absent, 0 or empty); a name means a port of the pods, which are not known here, so it is noted as ignored.</summary>
    private static int? ReadTargetPort(ObjectFields port)
    {
        if (port.Map.Find("targetPort") is not { } node) return null;
        if (node is not ScalarNode { Kind: ScalarKind.String } name) return ObjectFields.Integer(port.Scope, node, 0, 65535) is { } number and > 0 ? number : null;
        if (name.Text.Length == 0) return null;
        var valid = name.Text.Length <= 15 && KubernetesNames.CheckLabel(name.Text) is null && name.Text.Any(char.IsAsciiLetter);
        if (valid) port.Scope.Ignore(node);
        else port.Scope.Fail(node, $"{ManifestNode.Quote(name.Text)} is neither a port number nor a port name of at most 15 characters");
        return null;
    }
}
