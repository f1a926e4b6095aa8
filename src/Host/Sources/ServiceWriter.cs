using System.Text.Json.Nodes;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;
using static MeshDns.Host.Sources.ManifestWriter;

namespace MeshDns.Host.Sources;

/// <summary>Writes the spec of a Kubernetes Service; the VIP of one that has no address of its own stands where Kubernetes has cluster IPs.</summary>
internal static class ServiceWriter
{
    public static JsonObject Write(ServiceSpec service, IReadOnlyList<HostAddress> vips)
    {
        var addresses = service.ClusterIPs.Count > 0 || service.Headless || service.ExternalName is not null ? service.ClusterIPs : [.. vips.Select(vip => vip.Value)];
        var spec = new JsonObject { ["type"] = service.Type };
        if (service.Headless) spec["clusterIP"] = "None";
        if (addresses.Count > 0)
        {
            spec["clusterIP"] = addresses[0];
            spec["clusterIPs"] = Array(addresses, a => JsonValue.Create(a));
        }
        if (service.ExternalName is { } name) spec["externalName"] = name;
        if (service.Ports.Count > 0) spec["ports"] = Array(service.Ports, p => Port(p, "port"));
        if (service.PublishNotReadyAddresses) spec["publishNotReadyAddresses"] = true;
        return spec;
    }
}
