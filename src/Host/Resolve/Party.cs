using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve;

/// <summary>
/// To whom a place counts (docs/adr/0022-fair-places.md): slots of the client's network and of the domain that is asked for, by keyed hashes. Whose slots are
/// the same share their weight; the keys are the process's own, so that nobody can choose with whom.
/// </summary>
/// <param name="Client">The slot of an IPv4 address, of an IPv6 /64, or of an IPv6 address that a network of one's own gives out.</param>
/// <param name="Domain">The slot of the registered domain.</param>
public readonly record struct Party(ushort Client, ushort Domain)
{
    /// <summary>Slots of either kind.</summary>
    public const int Slots = ushort.MaxValue + 1;

    // 2001:db8:1:2::/64 is one host's to choose from.
    private const int HostPrefixSize = 8;

    private static readonly ulong _seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    /// <summary>The party of a query.</summary>
    /// <param name="client">The client's address: 4 or 16 bytes.</param>
    /// <param name="name">The question's name in wire form.</param>
    public static Party Of(ReadOnlySpan<byte> client, ReadOnlySpan<byte> name) => new(ClientOf(client), DomainOf(name));

    /// <summary>The slot of a name's registered domain.</summary>
    public static ushort DomainOf(ReadOnlySpan<byte> name) => (ushort)DnsName.Hash(RegisteredDomain(name), _seed);

    /// <summary>What in an address makes it another client: a slice of the argument.</summary>
    internal static ReadOnlySpan<byte> Network(ReadOnlySpan<byte> client) => client.Length <= HostPrefixSize || IsGivenOut(client) ? client : client[..HostPrefixSize];

    /// <summary>
    /// The domain that somebody registered, as far as its form tells: a slice of the argument. The last two labels; three below a domain of two letters where the
    /// second-last has at most three; four below arpa; the whole name when it has fewer.
    /// </summary>
    internal static ReadOnlySpan<byte> RegisteredDomain(ReadOnlySpan<byte> name)
    {
        int labels = DnsName.CountLabels(name);
        ReadOnlySpan<byte> last = default;
        ReadOnlySpan<byte> two = default;
        ReadOnlySpan<byte> three = name;
        ReadOnlySpan<byte> four = name;
        ReadOnlySpan<byte> rest = name;
        for (; labels > 0; labels--, rest = DnsName.Parent(rest))
        {
            if (labels == 4)
                four = rest;
            else if (labels == 3)
                three = rest;
            else if (labels == 2)
                two = rest;
            else if (labels == 1)
                last = rest;
        }
        if (two.IsEmpty)
            return name;
        if (DnsName.EqualsIgnoreCase(last, "\u0004arpa\0"u8))
            return four;
        return last[0] == 2 && two[0] <= 3 ? three : two;
    }

    // The framework's hash of characters is keyed with every start; that of names would take 'A' and 'a' in an address for the same.
    private static ushort ClientOf(ReadOnlySpan<byte> client) => (ushort)string.GetHashCode(MemoryMarshal.Cast<byte, char>(Network(client)));

    // fc00::/7 and fe80::/10.
    private static bool IsGivenOut(ReadOnlySpan<byte> client) => (client[0] & 0xFE) == 0xFC || (client[0] == 0xFE && (client[1] & 0xC0) == 0x80);
}
