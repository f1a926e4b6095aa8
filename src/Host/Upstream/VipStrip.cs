using System.Buffers.Binary;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;

namespace MeshDns.Host.Upstream;

/// <summary>Finds records that point into the VIP ranges, and counts them.</summary>
internal sealed class VipStrip(VipRange vips)
{
    private const ushort IPv4Hint = 4;
    private const ushort IPv6Hint = 6;
    private const int IPv4Size = 4;
    private const int IPv6Size = 16;
    private const uint MappedPrefix = 0xFFFF;

    /// <summary>How many were found.</summary>
    public int Count { get; private set; }

    /// <summary>Begins to count anew.</summary>
    public void Reset() => Count = 0;

    /// <summary>
    /// True for an A or AAAA record with an address of a VIP range (an IPv4-mapped one too: sockets take it for the IPv4 address), and for an SVCB
    /// or HTTPS record that hints at one (RFC 9460 section 7.3). A record whose hints cannot be read is forbidden too.
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
        return vips.V6.Contains(bits) || (bits >> 32 == MappedPrefix && vips.V4.Contains((uint)bits));
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
