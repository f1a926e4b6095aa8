namespace MeshDns.Host.Sources;

/// <summary>Checks one document: its metadata, then its spec.</summary>
internal static class DocumentReader
{
    private static readonly FieldSet _fields = new(["apiVersion", "kind", "metadata", "spec"], ["status"]);
    private static readonly FieldSet _statusFields = new(["apiVersion", "kind", "metadata", "spec", "status"], []);

    /// <summary>The checked document, or null with the reasons in the scope.</summary>
    public static ManifestDocument? Read(DocumentScope scope, MapNode map, ApiResource resource)
    {
        if (map.Size > ManifestLimits.DocumentSize) { scope.Fail(map, $"the document has {map.Size} characters, at most {ManifestLimits.DocumentSize} are allowed"); return null; }
        ObjectFields.Of(scope, map, resource.ReadStatus is null ? _fields : _statusFields);
        var metadata = MetadataReader.Read(scope, map, resource);
        var spec = resource.ReadSpec(scope, map, metadata);
        var wishes = spec is null ? null : resource.ReadStatus?.Invoke(scope, map, spec);
        if (scope.Failed || metadata is null) return null;
        return new ManifestDocument(metadata with { Spec = spec }, scope.Ignored, scope.Warnings, scope.File, scope.Number) { Wishes = wishes };
    }
}
