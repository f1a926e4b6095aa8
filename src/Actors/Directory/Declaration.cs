using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Directory;

/// <summary>What one document says about one host, packed: a million of them must fit in memory. A sole IPv4 address, which most have, lies in the object itself.</summary>
public sealed class Declaration
{
    private readonly byte[]? _addresses; // those of IPv4, then those of IPv6; null for none or a sole one of IPv4
    private readonly uint _sole;
    private readonly int _v4Length;

    internal Declaration(DeclarationShape shape, ulong documentHash, long created, ReadOnlySpan<byte> v4, ReadOnlySpan<byte> v6)
    {
        Shape = shape;
        DocumentHash = documentHash;
        Created = created;
        _v4Length = v4.Length;
        if (v4.Length == sizeof(uint) && v6.IsEmpty) _sole = MemoryMarshal.Read<uint>(v4);
        else if (v4.Length + v6.Length != 0) _addresses = [.. v4, .. v6];
    }

    /// <summary>What it shares with others.</summary>
    public DeclarationShape Shape { get; }

    /// <summary>Stands for the document; its text is not kept.</summary>
    public ulong DocumentHash { get; }

    /// <summary>When the document was created, milliseconds since the Unix epoch.</summary>
    public long Created { get; }

    /// <summary>Explicit IPv4 addresses, four bytes each in network order.</summary>
    public ReadOnlySpan<byte> IPv4 =>
        _addresses is not null ? _addresses.AsSpan(0, _v4Length) : MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in _sole))[.._v4Length];

    /// <summary>Explicit IPv6 addresses, sixteen bytes each in network order.</summary>
    public ReadOnlySpan<byte> IPv6 => _addresses is not null ? _addresses.AsSpan(_v4Length) : default;

    /// <summary>True with at least one explicit address. A CIDR is none.</summary>
    public bool HasAddresses => _addresses is not null || _v4Length != 0;

    /// <summary>Oldest first; the document's hash decides between equals, so that every node has the same order.</summary>
    internal static int CompareAge(Declaration x, Declaration y) =>
        x.Created != y.Created ? x.Created.CompareTo(y.Created) : x.DocumentHash.CompareTo(y.DocumentHash);

    internal static Declaration Of(HostDeclaration declaration, ShapePool shapes)
    {
        var shape = shapes.Take(declaration);
        var hash = HashOf(declaration.Document);
        if (declaration.Addresses.Count == 1) return OfOne(declaration, shape, hash);
        var v4 = new List<byte>();
        var v6 = new List<byte>();
        for (var i = 0; i < declaration.Addresses.Count; i++)
        {
            if (!Cidr.TryParseAddress(declaration.Addresses[i], out var address)) continue; // a CIDR declares no address to answer with
            (address.AddressFamily == AddressFamily.InterNetwork ? v4 : v6).AddRange(address.GetAddressBytes());
        }
        return new Declaration(shape, hash, declaration.Created, CollectionsMarshal.AsSpan(v4), CollectionsMarshal.AsSpan(v6));
    }

    /// <summary>FNV-1a with 64 bits of the document's text: it is saved to disk, so it must never change. Two documents of one host collide once in 2^64.</summary>
    internal static ulong HashOf(DocumentKey document)
    {
        var hash = Add(14695981039346656037UL, document.Kind.ToString());
        hash = Add(Add(hash, "/"), document.Namespace);
        return Add(Add(hash, "/"), document.Name);
    }

    private static Declaration OfOne(HostDeclaration declaration, DeclarationShape shape, ulong hash)
    {
        Span<byte> bytes = stackalloc byte[16];
        var length = 0;
        if (Cidr.TryParseAddress(declaration.Addresses[0], out var address)) address.TryWriteBytes(bytes, out length);
        return length == sizeof(uint)
            ? new Declaration(shape, hash, declaration.Created, bytes[..length], [])
            : new Declaration(shape, hash, declaration.Created, [], bytes[..length]);
    }

    private static ulong Add(ulong hash, string text)
    {
        Span<byte> utf8 = stackalloc byte[256];
        if (!Encoding.UTF8.TryGetBytes(text, utf8, out var length)) utf8 = Encoding.UTF8.GetBytes(text);
        else utf8 = utf8[..length];
        foreach (var b in utf8) hash = (hash ^ b) * 1099511628211UL;
        return hash;
    }
}
