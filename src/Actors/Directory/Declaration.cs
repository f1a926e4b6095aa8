using System.Net.Sockets;
using System.Text;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Directory;

/// <summary>What one document says about one host, packed: a million of them must fit in memory.</summary>
public sealed class Declaration
{
    private readonly byte[] _v4;
    private readonly byte[] _v6;

    internal Declaration(DeclarationShape shape, ulong documentHash, long created, byte[] v4, byte[] v6)
    {
        Shape = shape;
        DocumentHash = documentHash;
        Created = created;
        _v4 = v4;
        _v6 = v6;
    }

    /// <summary>What it shares with others.</summary>
    public DeclarationShape Shape { get; }

    /// <summary>Stands for the document; its text is not kept.</summary>
    public ulong DocumentHash { get; }

    /// <summary>When the document was created, milliseconds since the Unix epoch.</summary>
    public long Created { get; }

    /// <summary>Explicit IPv4 addresses, four bytes each in network order.</summary>
    public ReadOnlySpan<byte> IPv4 => _v4;

    /// <summary>Explicit IPv6 addresses, sixteen bytes each in network order.</summary>
    public ReadOnlySpan<byte> IPv6 => _v6;

    /// <summary>True with at least one explicit address. A CIDR is none.</summary>
    public bool HasAddresses => _v4.Length + _v6.Length != 0;

    /// <summary>Oldest first; the document's hash decides between equals, so that every node has the same order.</summary>
    internal static int CompareAge(Declaration x, Declaration y) =>
        x.Created != y.Created ? x.Created.CompareTo(y.Created) : x.DocumentHash.CompareTo(y.DocumentHash);

    internal static Declaration Of(HostDeclaration declaration, ShapePool shapes)
    {
        var shape = shapes.Take(new DeclarationShape(declaration.Document.Kind, declaration.Document.Namespace, declaration));
        var (v4, v6) = Pack(declaration.Addresses);
        return new Declaration(shape, HashOf(declaration.Document), declaration.Created, v4, v6);
    }

    /// <summary>FNV-1a with 64 bits: it is saved to disk, so it must never change. Two documents of one host collide once in 2^64.</summary>
    internal static ulong HashOf(DocumentKey document)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in Encoding.UTF8.GetBytes(document.ToString())) hash = (hash ^ b) * 1099511628211UL;
        return hash;
    }

    private static (byte[] V4, byte[] V6) Pack(IReadOnlyList<string> addresses)
    {
        if (addresses.Count == 0) return ([], []);
        var v4 = new List<byte>(4);
        var v6 = new List<byte>();
        foreach (var text in addresses)
        {
            if (!Cidr.TryParseAddress(text, out var address)) continue; // a CIDR declares no address to answer with
            (address.AddressFamily == AddressFamily.InterNetwork ? v4 : v6).AddRange(address.GetAddressBytes());
        }
        return ([.. v4], [.. v6]);
    }
}
