using System.Diagnostics.CodeAnalysis;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Directory;

/// <summary>Keeps one <see cref="DeclarationShape"/> of each content, as long as a declaration uses it. For the directory's writer only.</summary>
internal sealed class ShapePool
{
    private readonly Dictionary<DeclarationShape, DeclarationShape> _shapes = new(new ByContent());

    public int Count => _shapes.Count;

    /// <summary>The pooled shape equal to this one, with one use more.</summary>
    public DeclarationShape Take(DeclarationShape shape)
    {
        if (!_shapes.TryGetValue(shape, out var pooled)) _shapes.Add(pooled = shape, shape);
        pooled.Uses++;
        return pooled;
    }

    /// <summary>The pooled shape of a declaration, with one use more. Makes one only for a declaration that is like no other.</summary>
    public DeclarationShape Take(HostDeclaration declaration)
    {
        if (!_shapes.GetAlternateLookup<HostDeclaration>().TryGetValue(declaration, out var pooled)) return Take(DeclarationShape.Of(declaration));
        pooled.Uses++;
        return pooled;
    }

    /// <summary>Gives one use back.</summary>
    public void Release(DeclarationShape shape)
    {
        if (--shape.Uses == 0) _shapes.Remove(shape);
    }

    private sealed class ByContent : IEqualityComparer<DeclarationShape>, IAlternateEqualityComparer<HostDeclaration, DeclarationShape>
    {
        public bool Equals(DeclarationShape? x, DeclarationShape? y) =>
            ReferenceEquals(x, y) || (x is not null && y is not null
                && x.Kind == y.Kind && x.Namespace == y.Namespace && x.Eligible == y.Eligible && x.Resolution == y.Resolution && x.ExternalName == y.ExternalName
                && x.ExportTo.SequenceEqual(y.ExportTo) && x.Ports.SequenceEqual(y.Ports) && x.Endpoints.SequenceEqual(y.Endpoints, EndpointByContent.Instance));

        public bool Equals(HostDeclaration x, DeclarationShape y) =>
            x.Document.Kind == y.Kind && x.Document.Namespace == y.Namespace && x.Eligible == y.Eligible && x.Resolution == y.Resolution && x.ExternalName == y.ExternalName
            && x.ExportTo.SequenceEqual(y.ExportTo) && x.Ports.SequenceEqual(y.Ports) && x.Endpoints.SequenceEqual(y.Endpoints, EndpointByContent.Instance);

        public int GetHashCode([DisallowNull] DeclarationShape shape) =>
            Hash(shape.Kind, shape.Namespace, shape.Eligible, shape.Resolution, shape.ExternalName, shape.ExportTo, shape.Ports, shape.Endpoints);

        public int GetHashCode(HostDeclaration shape) =>
            Hash(shape.Document.Kind, shape.Document.Namespace, shape.Eligible, shape.Resolution, shape.ExternalName, shape.ExportTo, shape.Ports, shape.Endpoints);

        public DeclarationShape Create(HostDeclaration declaration) => DeclarationShape.Of(declaration);

        private static int Hash(
            DocumentKind kind, string recordNamespace, bool eligible, Resolution resolution, string? externalName,
            IReadOnlyList<string> exportTo, IReadOnlyList<ServicePort> ports, IReadOnlyList<ServiceEndpoint> endpoints)
        {
            var hash = new HashCode();
            hash.Add(kind);
            hash.Add(recordNamespace);
            hash.Add(eligible);
            hash.Add(resolution);
            hash.Add(externalName);
            for (var i = 0; i < exportTo.Count; i++) hash.Add(exportTo[i]);
            for (var i = 0; i < ports.Count; i++) hash.Add(ports[i]);
            for (var i = 0; i < endpoints.Count; i++) hash.Add(endpoints[i].Address);
            return hash.ToHashCode();
        }
    }

    // A record with dictionaries compares them by reference; two documents that say the same must compare equal.
    private sealed class EndpointByContent : IEqualityComparer<ServiceEndpoint>
    {
        public static EndpointByContent Instance { get; } = new();

        public bool Equals(ServiceEndpoint? x, ServiceEndpoint? y) =>
            ReferenceEquals(x, y) || (x is not null && y is not null && x.Address == y.Address && SameMap(x.Ports, y.Ports) && SameMap(x.Labels, y.Labels));

        public int GetHashCode([DisallowNull] ServiceEndpoint endpoint) => endpoint.Address.GetHashCode(StringComparison.Ordinal);

        private static bool SameMap<T>(IReadOnlyDictionary<string, T>? x, IReadOnlyDictionary<string, T>? y)
        {
            if (x is null || y is null) return x is null && y is null;
            if (x.Count != y.Count) return false;
            foreach (var (key, value) in x)
                if (!y.TryGetValue(key, out var other) || !EqualityComparer<T>.Default.Equals(value, other)) return false;
            return true;
        }
    }
}
