namespace MeshDns.Host.Sources;

/// <summary>What an object of a manifest is to the reader.</summary>
internal enum ObjectKind
{
    /// <summary>A document of a kind that declares names.</summary>
    Document,

    /// <summary>A list of objects.</summary>
    List,

    /// <summary>A kind that means nothing for names.</summary>
    Other,
}

/// <summary>Tells what an object is by its kind and apiVersion.</summary>
internal static class ObjectKinds
{
    private const string ListSuffix = "List";

    private static readonly string[] _core = [ListSuffix, "Endpoints", "EndpointsList"];

    // For slips of the pen: a kind that is nearly one of these, in its group, is not a kind of its own.
    private static readonly Dictionary<string, FieldSet> _kinds = DocumentKinds.All.GroupBy(r => r.Group)
        .ToDictionary(g => g.Key, g => new FieldSet([.. g.SelectMany(r => new[] { $"{r.Kind}", r.Kind + ListSuffix }), .. g.Key.Length == 0 ? _core : []], []));

    /// <summary>What it is; null with the reason in the scope when it is nothing that may be passed over either.</summary>
    /// <param name="scope">Where reasons go.</param>
    /// <param name="root">The object.</param>
    /// <param name="resource">What a document, or what is listed, is; null for anything else.</param>
    public static ObjectKind? Of(DocumentScope scope, MapNode root, out ApiResource? resource)
    {
        resource = null;
        var kind = RequiredString(scope, root, "kind");
        var version = RequiredString(scope, root, "apiVersion");
        if (kind is null || version is null) return null;
        var group = ApiResource.GroupOf(version);
        var isList = kind.EndsWith(ListSuffix, StringComparison.Ordinal);
        var listed = isList ? kind[..^ListSuffix.Length] : kind;
        resource = DocumentKinds.All.FirstOrDefault(r => r.Kind.ToString() == listed && (!r.HasNamesakes || r.Group == group));
        if (resource is not null || kind == ListSuffix)
        {
            var versions = resource?.ApiVersions ?? ["v1"];
            if (versions.Contains(version)) return isList ? ObjectKind.List : ObjectKind.Document;
            var known = (versions.Count > 1 ? "one of " : "") + string.Join(", ", versions);
            scope.Fail(root, "apiVersion", $"{ManifestNode.Quote(version)} is not a version of {kind}; use {known}");
            return null;
        }
        if ((group, listed) is ("", "Endpoints") or ("discovery.k8s.io/", "EndpointSlice"))
        {
            scope.Fail(root, "kind", $"{kind} is not supported by this version yet");
            return null;
        }
        if (_kinds.GetValueOrDefault(group)?.Nearest(kind) is not { } meant) return ObjectKind.Other;
        scope.Fail(root, "kind", $"{ManifestNode.Quote(kind)} is not a known kind; did you mean '{meant}'?");
        return null;
    }

    /// <summary>Refuses a kind that means nothing for names.</summary>
    public static void Refuse(DocumentScope scope, MapNode root) =>
        scope.Fail(root, "kind", $"{ManifestNode.Quote(TextOf(root, "kind")!)} is not a known kind; known are {string.Join(", ", DocumentKinds.All.Select(r => r.Kind))} and {ListSuffix}");

    /// <summary>What is told of an object that is passed over; its text is anybody's, so it is bounded.</summary>
    public static SkippedDocument Skipped(string file, int number, MapNode root)
    {
        var metadata = root.Find("metadata") as MapNode;
        return new SkippedDocument(file, number, Bounded(root, "apiVersion")!, Bounded(root, "kind")!, Bounded(metadata, "namespace"), Bounded(metadata, "name"));

        static string? Bounded(MapNode? map, string field) => TextOf(map, field) is { } text ? ManifestNode.Quote(text)[1..^1] : null;
    }

    private static string? TextOf(MapNode? map, string field) => map?.Find(field) is ScalarNode { Kind: ScalarKind.String } scalar ? scalar.Text : null;

    private static string? RequiredString(DocumentScope scope, MapNode root, string field)
    {
        if (root.Find(field) is { } node) return ObjectFields.TryString(scope, node, out var text) ? text : null;
        scope.Fail(root, field, "is required");
        return null;
    }
}
