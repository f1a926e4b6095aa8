using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>Checks one document: its metadata, then its spec.</summary>
internal static class DocumentReader
{
    private static readonly FieldSet _fields = new(["apiVersion", "kind", "metadata", "spec"], ["status"]);

    /// <summary>The checked document, or null with the reasons in the scope.</summary>
    public static ManifestDocument? Read(DocumentScope scope, MapNode map, DocumentKind kind)
    {
        if (map.Size > ManifestLimits.DocumentSize) { scope.Fail(map, $"the document has {map.Size} characters, at most {ManifestLimits.DocumentSize} are allowed"); return null; }
        ObjectFields.Of(scope, map, _fields);
        var metadata = MetadataReader.Read(scope, map, kind);
        var entry = kind == DocumentKind.ServiceEntry ? ServiceEntryReader.Read(scope, map) : null;
        var service = kind == DocumentKind.Service ? ServiceReader.Read(scope, map) : null;
        if (scope.Failed || metadata is null) return null;
        return new ManifestDocument(metadata with { ServiceEntry = entry, Service = service }, scope.Ignored, scope.Warnings, scope.File, scope.Number);
    }
}
