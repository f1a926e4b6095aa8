namespace MeshDns.Host.Sources;

/// <summary>What an object of a manifest is to the reader.</summary>
internal enum ObjectKind
{
    /// <summary>Istio's ServiceEntry.</summary>
    ServiceEntry,

    /// <summary>Kubernetes' core Service.</summary>
    Service,

    /// <summary>A list of objects.</summary>
    List,

    /// <summary>A kind that means nothing for names.</summary>
    Other,
}

/// <summary>Tells what an object is by its kind and apiVersion.</summary>
internal static class ObjectKinds
{
    private const string IstioGroup = "networking.istio.io/";

    private static readonly string[] _istioVersions = [IstioGroup + "v1", IstioGroup + "v1beta1", IstioGroup + "v1alpha3"];

    // For slips of the pen: a kind that is nearly one of these, in its group, is not a kind of its own.
    private static readonly FieldSet _coreKinds = new(["Service", "ServiceList", "List", "Endpoints", "EndpointsList"], []);
    private static readonly FieldSet _istioKinds = new(["ServiceEntry", "ServiceEntryList"], []);

    /// <summary>What it is; null with the reason in the scope when it is nothing that may be passed over either.</summary>
    public static ObjectKind? Of(DocumentScope scope, MapNode root)
    {
        var kind = RequiredString(scope, root, "kind");
        var version = RequiredString(scope, root, "apiVersion");
        if (kind is null || version is null) return null;
        // Other groups have a Service too, such as Knative's.
        var isCore = !version.Contains('/', StringComparison.Ordinal);
        switch (kind)
        {
            case "ServiceEntry" or "ServiceEntryList" when !_istioVersions.Contains(version):
                scope.Fail(root, "apiVersion", $"{ManifestNode.Quote(version)} is not a version of {kind}; use one of {string.Join(", ", _istioVersions)}");
                return null;
            case "ServiceEntry":
                return ObjectKind.ServiceEntry;
            case "List" when version != "v1":
            case "Service" or "ServiceList" when isCore && version != "v1":
                scope.Fail(root, "apiVersion", $"{ManifestNode.Quote(version)} is not a version of {kind}; use v1");
                return null;
            case "Service" when isCore:
                return ObjectKind.Service;
            case "List" or "ServiceEntryList":
            case "ServiceList" when isCore:
                return ObjectKind.List;
            case "Endpoints" or "EndpointsList" when isCore:
            case "EndpointSlice" or "EndpointSliceList" when version.StartsWith("discovery.k8s.io/", StringComparison.Ordinal):
                scope.Fail(root, "kind", $"{kind} is not supported by this version yet");
                return null;
        }
        var near = isCore ? _coreKinds : version.StartsWith(IstioGroup, StringComparison.Ordinal) ? _istioKinds : null;
        if (near?.Nearest(kind) is not { } meant) return ObjectKind.Other;
        scope.Fail(root, "kind", $"{ManifestNode.Quote(kind)} is not a known kind; did you mean '{meant}'?");
        return null;
    }

    /// <summary>Refuses a kind that means nothing for names.</summary>
    public static void Refuse(DocumentScope scope, MapNode root) =>
        scope.Fail(root, "kind", $"{ManifestNode.Quote(TextOf(root, "kind")!)} is not a known kind; known are ServiceEntry, Service and List");

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
