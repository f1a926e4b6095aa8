using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MeshDns.Contracts.Vips;

/// <summary>An IPv4 or IPv6 network in canonical form: host bits are zero (RFC 4632, RFC 4291).</summary>
public readonly record struct Cidr
{
    private Cidr(AddressFamily family, UInt128 bits, int prefixLength)
    {
        Family = family;
        Bits = bits;
        PrefixLength = prefixLength;
    }

    /// <summary>IPv4 or IPv6.</summary>
    public AddressFamily Family { get; }

    /// <summary>The first address as an integer; an IPv4 address fills the lower 32 bits.</summary>
    public UInt128 Bits { get; }

    /// <summary>0 to 32, or 0 to 128.</summary>
    public int PrefixLength { get; }

    /// <summary>The last address as an integer.</summary>
    public UInt128 LastBits => Bits | HostMask(Family, PrefixLength);

    /// <summary>Reads <c>address/prefix</c>; host bits that are set are cleared. False for anything else.</summary>
    public static bool TryParse(string? text, out Cidr cidr)
    {
        cidr = default;
        var slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (slash < 0 || !TryParseAddress(text![..slash], out var address)) return false;
        var width = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        // A leading zero would give one network two spellings.
        if (text.AsSpan(slash + 1) is ['0', _, ..] || !int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefix) || prefix > width) return false;
        cidr = new Cidr(address.AddressFamily, BitsOf(address) & ~HostMask(address.AddressFamily, prefix), prefix);
        return true;
    }

    /// <summary>Reads a network that was already checked.</summary>
    /// <exception cref="FormatException">It is not <c>address/prefix</c>.</exception>
    public static Cidr Parse(string text) => TryParse(text, out var cidr) ? cidr : throw new FormatException($"'{text}' is not address/prefix");

    /// <summary>
    /// Reads an address strictly: four decimal octets or RFC 4291 text, no zone, no short forms such as <c>1.2</c> or <c>0x7f.1</c>.
    /// An IPv4-mapped IPv6 address becomes the IPv4 address.
    /// </summary>
    public static bool TryParseAddress(string? text, out IPAddress address)
    {
        address = IPAddress.None;
        if (string.IsNullOrEmpty(text) || text.Length > 45 || text.Contains('%', StringComparison.Ordinal) || text.Contains('[', StringComparison.Ordinal)) return false;
        if (!IPAddress.TryParse(text, out var parsed)) return false;
        if (parsed.AddressFamily == AddressFamily.InterNetwork && parsed.ToString() != text) return false;
        address = parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed;
        return true;
    }

    /// <summary>True when the address has this family and lies inside.</summary>
    public bool Contains(IPAddress address) => address.AddressFamily == Family && Contains(BitsOf(address));

    /// <summary>True when an address of this family, as an integer, lies inside.</summary>
    public bool Contains(UInt128 bits) => (bits & ~HostMask(Family, PrefixLength)) == Bits;

    /// <summary>An address as an integer in host order.</summary>
    public static UInt128 BitsOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var written);
        return written == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return new IPAddress(Family == AddressFamily.InterNetwork ? bytes[12..] : bytes) + "/" + PrefixLength.ToString(CultureInfo.InvariantCulture);
    }

    private static UInt128 HostMask(AddressFamily family, int prefix)
    {
        var host = (family == AddressFamily.InterNetwork ? 32 : 128) - prefix;
        return host == 128 ? UInt128.MaxValue : (UInt128.One << host) - 1;
    }
}
