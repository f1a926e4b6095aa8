using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Sources;

/// <summary>Reads <c>status.addresses</c> of a ServiceEntry, the VIPs that its hosts had where it comes from; all else in a status means nothing here.</summary>
internal static class ServiceEntryStatus
{
    private static readonly FieldSet _addressFields = new(["host", "value"], []);

    /// <summary>The addresses by host; null for none.</summary>
    public static IReadOnlyList<HostAddress>? Read(DocumentScope scope, MapNode root, DocumentSpec spec)
    {
        var entry = (ServiceEntrySpec)spec;
        if (root.Find("status") is not { } node) return null;
        if (node is not MapNode status) { scope.Ignore(node); return null; }
        foreach (var field in status.Fields.Where(field => field.Name != "addresses")) scope.Ignore(field.Value);
        if (status.Find("addresses") is not { } addresses) return null;
        if (addresses is not ListNode list) { scope.Fail(addresses, $"must be a list, not {addresses.Description}"); return null; }
        if (list.Items.Count > ManifestLimits.StatusAddresses) { scope.Fail(list, $"has {list.Items.Count} items, at most {ManifestLimits.StatusAddresses} are allowed"); return null; }
        var wishes = new List<HostAddress>(list.Items.Count);
        foreach (var item in list.Items)
            if (ReadOne(scope, item, entry) is { } wish && !wishes.Contains(wish)) wishes.Add(wish);
        return wishes.Count == 0 ? null : wishes;
    }

    private static HostAddress? ReadOne(DocumentScope scope, ManifestNode item, ServiceEntrySpec entry)
    {
        if (ObjectFields.Of(scope, item, _addressFields, "an address") is not { } fields) return null;
        var value = fields.String("value");
        if (value is null && fields.Map.Find("value") is null or ScalarNode { Kind: ScalarKind.String, Text: "" }) fields.Fail("value", "is required");
        if (value is null) return null;
        if (!Cidr.TryParseAddress(value, out var address)) { fields.Fail("value", $"{ManifestNode.Quote(value)} is not an IP address"); return null; }
        if (ReadHost(scope, fields, entry) is not { } host) return null;
        return new HostAddress(host, address.ToString());
    }

    // The first versions of Istio that wrote addresses named no host.
    private static HostName? ReadHost(DocumentScope scope, ObjectFields fields, ServiceEntrySpec entry)
    {
        if (fields.String("host") is not { } text)
        {
            if (entry.Hosts.Count == 1) return entry.Hosts[0];
            scope.Warn(fields.Map, "names no host, and there are several: it is not taken");
            return null;
        }
        if (entry.Patterns?.Contains(text) == true) { scope.Warn(fields.Map, "is for a host that matches no DNS name: it is not taken"); return null; }
        if (HostName.TryParse(text, out var host, out var error)) return host;
        fields.Fail("host", error);
        return null;
    }
}
