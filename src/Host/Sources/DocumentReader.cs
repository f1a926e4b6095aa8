using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>Checks one document: its metadata, then its spec.</summary>
internal static class DocumentReader
{
    private static readonly FieldSet _fields = new(["apiVersion", "kind", "metadata", "spec"], ["status"]);

    // The status of a ServiceEntry has the VIPs of its hosts.
    private static readonly FieldSet _entryFields = new(["apiVersion", "kind", "metadata", "spec", "status"], []);

    /// <summary>The checked document, or null with the reasons in the scope.</summary>
    public static ManifestDocument? Read(DocumentScope scope, MapNode map, DocumentKind kind)
    {
        if (map.Size > ManifestLimits.DocumentSize) { scope.Fail(map, $"the document has {map.Size} characters, at most {ManifestLimits.DocumentSize} are allowed"); return null; }
        ObjectFields.Of(scope, map, kind == DocumentKind.ServiceEntry ? _entryFields : _fields);
        var metadata = MetadataReader.Read(scope, map, kind);
        var entry = kind == DocumentKind.ServiceEntry ? ServiceEntryReader.Read(scope, map) : null;
        var wishes = entry is not null ? StatusReader.Read(scope, map, entry) : null;
        var service = kind == DocumentKind.Service ? ServiceReader.Read(scope, map) : null;
        if (scope.Failed || metadata is null) return null;
        var document = metadata with { ServiceEntry = entry, Service = service };
        if (service is { ExternalName: null, Headless: false, ClusterIPs.Count: 0 } && HostDeclaration.IsOptedOut(document))
            scope.Warn(map, $"there is no clusterIP, and the label {HostDeclaration.AutoAllocateLabel} opts out of a VIP: the name is known and has no address");
        return new ManifestDocument(document, scope.Ignored, scope.Warnings, scope.File, scope.Number) { Wishes = wishes };
    }
}
