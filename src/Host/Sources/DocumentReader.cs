using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>Checks one document: what it is, then its metadata and its spec.</summary>
internal static class DocumentReader
{
    private static readonly FieldSet _fields = new(["apiVersion", "kind", "metadata", "spec"], ["status"]);

    private static readonly string[] _serviceEntryVersions = ["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"];

    /// <summary>The checked document, or null with the reasons in <paramref name="errors"/>.</summary>
    public static ManifestDocument? Read(ManifestErrors errors, string file, int number, ManifestNode root)
    {
        var scope = new DocumentScope(errors, file, number, root);
        if (root is not MapNode map) { scope.Fail(root, $"a document must be a map of fields, not {root.Description}"); return null; }
        if (map.Size > ManifestLimits.DocumentSize) { scope.Fail(root, $"the document has {map.Size} characters, at most {ManifestLimits.DocumentSize} are allowed"); return null; }
        if (ReadKind(scope, map) is not { } kind) return null;
        ObjectFields.Of(scope, map, _fields);
        var metadata = MetadataReader.Read(scope, map, kind);
        var entry = kind == DocumentKind.ServiceEntry ? ServiceEntryReader.Read(scope, map) : null;
        var service = kind == DocumentKind.Service ? ServiceReader.Read(scope, map) : null;
        if (scope.Failed || metadata is null) return null;
        return new ManifestDocument(metadata with { ServiceEntry = entry, Service = service }, scope.Ignored, scope.Warnings, file, number);
    }

    private static DocumentKind? ReadKind(DocumentScope scope, MapNode root)
    {
        var kind = RequiredString(scope, root, "kind");
        var version = RequiredString(scope, root, "apiVersion");
        if (kind is null || version is null) return null;
        switch (kind)
        {
            case "ServiceEntry" when _serviceEntryVersions.Contains(version):
                return DocumentKind.ServiceEntry;
            case "ServiceEntry":
                scope.Fail(root, "apiVersion", $"{ManifestNode.Quote(version)} is not a version of ServiceEntry; use one of {string.Join(", ", _serviceEntryVersions)}");
                return null;
            case "Service" when version == "v1":
                return DocumentKind.Service;
            case "Service":
                scope.Fail(root, "apiVersion", $"{ManifestNode.Quote(version)} is not a version of Service; use v1");
                return null;
            case "EndpointSlice" or "Endpoints":
                scope.Fail(root, "kind", $"{kind} is not supported by this version yet");
                return null;
            default:
                scope.Fail(root, "kind", $"{ManifestNode.Quote(kind)} is not a known kind; known are ServiceEntry, Service and List");
                return null;
        }
    }

    private static string? RequiredString(DocumentScope scope, MapNode root, string field)
    {
        if (root.Find(field) is { } node) return ObjectFields.TryString(scope, node, out var text) ? text : null;
        scope.Fail(root, field, "is required");
        return null;
    }
}
