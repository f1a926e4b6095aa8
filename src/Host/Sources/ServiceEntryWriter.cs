using System.Text.Json.Nodes;
using MeshDns.Contracts.Services;
using static MeshDns.Host.Sources.ManifestWriter;

namespace MeshDns.Host.Sources;

/// <summary>Writes the spec of an Istio ServiceEntry.</summary>
internal static class ServiceEntryWriter
{
    public static JsonObject Write(ServiceEntrySpec entry)
    {
        var spec = new JsonObject { ["hosts"] = Array([.. entry.Hosts.Select(h => h.Text), .. entry.Patterns ?? []], h => JsonValue.Create(h)) };
        if (entry.Addresses.Count > 0) spec["addresses"] = Array(entry.Addresses, a => JsonValue.Create(a));
        if (entry.Ports.Count > 0) spec["ports"] = Array(entry.Ports, p => Port(p, "number"));
        if (entry.Location is { } location) spec["location"] = location;
        spec["resolution"] = ServiceEntryReader.Resolutions.First(r => r.Value == entry.Resolution).Key;
        if (entry.Endpoints.Count > 0) spec["endpoints"] = Array(entry.Endpoints, Endpoint);
        if (entry.ExportTo.Count > 0) spec["exportTo"] = Array(entry.ExportTo, e => JsonValue.Create(e));
        return spec;
    }

    private static JsonObject Endpoint(ServiceEndpoint endpoint)
    {
        var json = new JsonObject { ["address"] = endpoint.Address };
        if (endpoint.Ports is { Count: > 0 } ports) json["ports"] = new JsonObject(ports.Select(p => KeyValuePair.Create<string, JsonNode?>(p.Key, p.Value)));
        if (endpoint.Labels is { Count: > 0 } labels) json["labels"] = Map(labels);
        return json;
    }
}
