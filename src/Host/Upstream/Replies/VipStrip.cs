using System.Buffers.Binary;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>Finds records that point into the VIP ranges, and counts them.</summary>
internal sealed class VipStrip(VipRange vips)
{
    private const ushort IPv4Hint = 4;
    private const ushort IPv6Hint = 6;
    private const int IPv4Size = 4;
    private const int IPv6Size = 16;
    private const ulong WellKnownPrefix = 0x0064_FF9B_0000_0000; // 64:ff9b::/96 of RFC 6052.
    private const ulong LocalUsePrefix = 0x0064_FF9B_0001; // 64:ff9b:1::/48 of RFC 8215.
    private const ulong SixToFourPrefix = 0x2002; // 2002::/16 of RFC 3056.

    /// <summary>How many were found.</summary>
    public int Count { get; private set; }

    /// <summary>Begins to count anew.</summary>
    public void Reset() => Count = 0;

    /// <summary>
    /// True for an A or AAAA record with an address of a VIP range, or an IPv6 one that carries such an IPv4 address, and for an SVCB or HTTPS record
    /// that hints at one (RFC 9460 section 7.3). A record whose hints cannot be read is forbidden too.
    /// </summary>
    public bool IsForbidden(ReadOnlySpan<byte> message, in RecordView record)
    {
        ReadOnlySpan<byte> data = record.Rdata(message);
        bool isForbidden = record.Type switch
        {
            DnsType.A => IsVipV4(data),
            DnsType.AAAA => IsVipV6(data),
            DnsType.SVCB or DnsType.HTTPS => HasForbiddenHint(data),
            _ => false,
        };
        if (isForbidden)
            Count++;
        return isForbidden;
    }

    private bool IsVipV4(ReadOnlySpan<byte> address) => address.Length == IPv4Size && vips.V4.Contains(BinaryPrimitives.ReadUInt32BigEndian(address));

    private bool IsVipV6(ReadOnlySpan<byte> address)
    {
        if (address.Length != IPv6Size)
            return false;
        UInt128 bits = BinaryPrimitives.ReadUInt128BigEndian(address);
        return vips.V6.Contains(bits) || CarriesVip((ulong)(bits >> 64), (ulong)bits);
    }

    // Who connects to such an address reaches the IPv4 address in it: by its own socket, or by a translator on the way.
    private bool CarriesVip(ulong high, ulong low)
    {
        // ::/96 and ::ffff:0:0/96 (RFC 4291 section 2.5.5), 64:ff9b::/96 (RFC 6052 section 2.1).
        if ((high == 0 && low >> 32 is 0 or 0xFFFF) || (high == WellKnownPrefix && low >> 32 == 0))
            return vips.V4.Contains((uint)low);
        if (high >> 48 == SixToFourPrefix)
            return vips.V4.Contains((uint)(high >> 16));
        if (high >> 16 != LocalUsePrefix)
            return false;
        // Of this network a translator's prefix may be 48, 56, 64 or 96 bits long (RFC 6052 section 2.2; bits 64 to 71 are left out).
        return vips.V4.Contains((uint)(((high & 0xFFFF) << 16) | ((low >> 40) & 0xFFFF)))
            || vips.V4.Contains((uint)(((high & 0xFF) << 24) | ((low >> 32) & 0xFF_FFFF)))
            || vips.V4.Contains((uint)(low >> 24))
            || vips.V4.Contains((uint)low);
    }

    private bool HasForbiddenHint(ReadOnlySpan<byte> data)
    {
        if (data.Length < 2 || !DnsName.TrySkipUncompressed(data, 2, out int at))
            return true;
        while (data.Length - at >= 4)
        {
            ushort key = BinaryPrimitives.ReadUInt16BigEndian(data[at..]);
            int length = BinaryPrimitives.ReadUInt16BigEndian(data[(at + 2)..]);
            at += 4;
            if (length > data.Length - at)
                return true;
            if (key is IPv4Hint or IPv6Hint && HasVip(data.Slice(at, length), key == IPv4Hint ? IPv4Size : IPv6Size))
                return true;
            at += length;
        }
        return at != data.Length;
    }

    private bool HasVip(ReadOnlySpan<byte> addresses, int size)
    {
        for (; addresses.Length >= size; addresses = addresses[size..])
        {
            if (size == IPv4Size ? IsVipV4(addresses[..size]) : IsVipV6(addresses[..size]))
                return true;
        }
        return false;
    }
}
