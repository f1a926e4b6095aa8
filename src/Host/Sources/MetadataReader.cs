using MeshDns.Contracts.Services;

namespace MeshDns.Host.Sources;

/// <summary>Reads <c>metadata</c>: name, namespace, labels and annotations.</summary>
internal static class MetadataReader
{
    private const string DefaultNamespace = "default";
    private const int MaxAnnotationsSize = 256 << 10;

    private static readonly FieldSet _fields = new(
        ["name", "namespace", "labels", "annotations", "generateName"],
        ["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "ownerReferences", "finalizers", "managedFields", "clusterName"]);

    /// <summary>The document's key, labels and annotations; null when it has no usable name (the errors say why).</summary>
    public static MeshDocument? Read(DocumentScope scope, MapNode root, ApiResource resource)
    {
        if (root.Find("metadata") is not { } node) { scope.Fail(root, "metadata", "is required"); return null; }
        if (ObjectFields.Of(scope, node, _fields, "metadata") is not { } metadata) return null;
        if (metadata.Map.Find("generateName") is not null) metadata.Fail("generateName", "is not supported; give the document a name");
        var name = metadata.String("name");
        if (name is null && metadata.Map.Find("name") is null or ScalarNode { Kind: ScalarKind.String, Text: "" }) metadata.Fail("name", "is required");
        if (name is not null && resource.CheckName(name) is { } wrong) metadata.Fail("name", wrong);
        var ns = metadata.String("namespace") ?? DefaultNamespace;
        if (KubernetesNames.CheckLabel(ns) is { } wrongNamespace) metadata.Fail("namespace", wrongNamespace);
        var labels = ReadLabels(scope, metadata.MapOf("labels"));
        var annotations = ReadMap(scope, metadata.MapOf("annotations"), null);
        if (annotations is not null && annotations.Sum(a => (long)a.Key.Length + a.Value.Length) > MaxAnnotationsSize)
            metadata.Fail("annotations", $"have more than {MaxAnnotationsSize} characters");
        return name is null ? null : new MeshDocument { Key = new DocumentKey(resource.Kind, ns, name), Labels = labels, Annotations = annotations };
    }

    /// <summary>Labels in order of their keys; null when there are none.</summary>
    public static Dictionary<string, string>? ReadLabels(DocumentScope scope, MapNode? map) => ReadMap(scope, map, KubernetesNames.CheckLabelValue);

    private static Dictionary<string, string>? ReadMap(DocumentScope scope, MapNode? map, Func<string, string?>? checkValue)
    {
        if (map is null || map.Fields.Count == 0) return null;
        var result = new Dictionary<string, string>(map.Fields.Count, StringComparer.Ordinal);
        foreach (var field in map.Fields.OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            if (KubernetesNames.CheckKey(field.Name) is { } wrong) scope.Fail(field.Line, field.Value.Path, wrong);
            if (!ObjectFields.TryString(scope, field.Value, out var value)) continue;
            if (checkValue?.Invoke(value) is { } wrongValue) scope.Fail(field.Value, wrongValue);
            result.Add(field.Name, value);
        }
        return result.Count == 0 ? null : result;
    }
}
