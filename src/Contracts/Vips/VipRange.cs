using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MeshDns.Contracts.Vips;

/// <summary>
/// The two ranges that VIPs come from. A VIP is an index: the lower 16 bits of its IPv4 address, and equally of its IPv6 address
/// (240.240.1.2 and 2001:2::102 are index 0x0102). Usable is every index of the IPv4 range whose last octet is neither 0 nor 255.
/// </summary>
public sealed class VipRange
{
    private readonly uint _v4Base;
    private readonly UInt128 _v6Base;
    private readonly int _first;
    private readonly int _last;

    /// <summary>Takes an IPv4 range of prefix 16 to 30 and an IPv6 range of prefix 112 or shorter.</summary>
    /// <exception cref="ArgumentException">A range of another family or size.</exception>
    public VipRange(Cidr v4, Cidr v6)
    {
        if (v4.Family != AddressFamily.InterNetwork || v4.PrefixLength is < 16 or > 30) throw new ArgumentException("the IPv4 VIP range needs a prefix of 16 to 30", nameof(v4));
        if (v6.Family != AddressFamily.InterNetworkV6 || v6.PrefixLength > 112) throw new ArgumentException("the IPv6 VIP range needs a prefix of 112 or shorter", nameof(v6));
        V4 = v4;
        V6 = v6;
        _v4Base = (uint)v4.Bits & 0xFFFF0000;
        _v6Base = v6.Bits;
        _first = (int)((uint)v4.Bits & 0xFFFF);
        _last = _first + (1 << (32 - v4.PrefixLength)) - 1;
        for (var i = _first; i <= _last; i++) if (IsUsable(i)) Capacity++;
    }

    /// <summary>The default ranges: 240.240.0.0/16 and 2001:2::/48.</summary>
    public static VipRange Default { get; } = new(Cidr.Parse("240.240.0.0/16"), Cidr.Parse("2001:2::/48"));

    /// <summary>The IPv4 range.</summary>
    public Cidr V4 { get; }

    /// <summary>The IPv6 range.</summary>
    public Cidr V6 { get; }

    /// <summary>The number of usable indexes: 65,024 for a /16.</summary>
    public int Capacity { get; }

    /// <summary>The lowest index of the IPv4 range, usable or not.</summary>
    public int First => _first;

    /// <summary>The highest index of the IPv4 range, usable or not.</summary>
    public int Last => _last;

    /// <summary>True for an index that may be granted.</summary>
    public bool IsUsable(int index) => index >= _first && index <= _last && (index & 0xFF) is not (0 or 255);

    /// <summary>The IPv4 address of an index, as a host-order integer.</summary>
    public uint IPv4Bits(int index) => _v4Base | (uint)index;

    /// <summary>The IPv6 address of an index, as a host-order integer.</summary>
    public UInt128 IPv6Bits(int index) => _v6Base | (UInt128)(uint)index;

    /// <summary>The IPv4 address of an index.</summary>
    public IPAddress IPv4(int index)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, IPv4Bits(index));
        return new IPAddress(bytes);
    }

    /// <summary>The IPv6 address of an index.</summary>
    public IPAddress IPv6(int index)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, IPv6Bits(index));
        return new IPAddress(bytes);
    }

    /// <summary>The usable index that an address of either family stands for; false for any other address.</summary>
    public bool TryIndexOf(IPAddress address, out int index)
    {
        var bits = Cidr.BitsOf(address);
        index = (int)(uint)(bits & 0xFFFF);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? (uint)bits == IPv4Bits(index) && IsUsable(index)
            : bits == IPv6Bits(index) && IsUsable(index);
    }

    /// <summary>The same; does not allocate.</summary>
    /// <param name="address">4 or 16 bytes.</param>
    /// <param name="index">The index.</param>
    public bool TryIndexOf(ReadOnlySpan<byte> address, out int index)
    {
        var isV4 = address.Length == sizeof(uint);
        var bits = isV4 ? BinaryPrimitives.ReadUInt32BigEndian(address) : BinaryPrimitives.ReadUInt128BigEndian(address);
        index = (int)(uint)(bits & 0xFFFF);
        return bits == (isV4 ? IPv4Bits(index) : IPv6Bits(index)) && IsUsable(index);
    }

    /// <summary>True when the address lies in one of the two ranges, usable as a VIP or not.</summary>
    public bool Contains(IPAddress address) => V4.Contains(address) || V6.Contains(address);

    /// <summary>
    /// The span of indexes that a CIDR covers. False when it covers none. A CIDR that covers every usable index reports
    /// <paramref name="whole"/>: it excludes nothing (behaviour.md).
    /// </summary>
    public bool TryCovered(Cidr cidr, out int first, out int last, out bool whole)
    {
        first = last = 0;
        whole = false;
        var (low, high) = cidr.Family == AddressFamily.InterNetwork
            ? ((UInt128)IPv4Bits(_first), (UInt128)IPv4Bits(_last))
            : (IPv6Bits(_first), IPv6Bits(_last));
        var from = cidr.Bits > low ? cidr.Bits : low;
        var to = cidr.LastBits < high ? cidr.LastBits : high;
        if (from > to) return false;
        first = (int)(uint)(from & 0xFFFF);
        last = (int)(uint)(to & 0xFFFF);
        whole = true;
        for (var i = _first; i <= _last && whole; i++) if (IsUsable(i) && (i < first || i > last)) whole = false;
        return true;
    }
}
