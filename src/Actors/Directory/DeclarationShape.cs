using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Directory;

/// <summary>
/// The part of a declaration that many hosts share: everything but who, when and the addresses. Interned by <see cref="ShapePool"/>, because a
/// million hosts have a handful of port lists.
/// </summary>
public sealed class DeclarationShape
{
    private DeclarationShape(HostDeclaration declaration)
    {
        Kind = declaration.Document.Kind;
        Precedence = SpecKinds.Of(Kind).Precedence;
        Namespace = declaration.Document.Namespace;
        Eligible = declaration.Eligible;
        Resolution = declaration.Resolution;
        Ports = declaration.Ports;
        Endpoints = declaration.Endpoints;
        ExportTo = declaration.ExportTo;
        ExternalName = declaration.ExternalName;
        IsForAll = ExportTo.Count == 0 || ExportTo.Contains("*");
        // An ExternalName that is an address, or no name at all, cannot be a CNAME's target; the declaration then has no address.
        CnameTarget = HostName.TryParse(ExternalName, out var target, out _) && !target.IsWildcard ? target.ToWire() : null;
    }

    /// <summary>The kind of the document.</summary>
    public DocumentKind Kind { get; }

    /// <summary>The kind's, copied here because queries compare it.</summary>
    public byte Precedence { get; }

    /// <summary>The record's namespace: the document's.</summary>
    public string Namespace { get; }

    /// <summary>True when the host should have a VIP because of this declaration.</summary>
    public bool Eligible { get; }

    /// <summary>How endpoints are found.</summary>
    public Resolution Resolution { get; }

    /// <summary>Declared ports.</summary>
    public IReadOnlyList<ServicePort> Ports { get; }

    /// <summary>Backends.</summary>
    public IReadOnlyList<ServiceEndpoint> Endpoints { get; }

    /// <summary>Namespaces that see it; empty means all.</summary>
    public IReadOnlyList<string> ExportTo { get; }

    /// <summary>True when every client sees it.</summary>
    public bool IsForAll { get; }

    /// <summary>The CNAME target of an ExternalName Service, as declared.</summary>
    public string? ExternalName { get; }

    /// <summary>The same in folded wire form; null when there is none or it is no name.</summary>
    public byte[]? CnameTarget { get; }

    /// <summary>Declarations that use it; kept by <see cref="ShapePool"/>.</summary>
    internal int Uses { get; set; }

    internal static DeclarationShape Of(HostDeclaration declaration) => new(declaration);
}
