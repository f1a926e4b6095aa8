using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// Writes the replies that nearly every query gets, the addresses of the very name that was asked or a denial, byte for byte as <see cref="LocalReply"/>
/// would by way of <see cref="AnswerWriter"/> and <see cref="MessageWriter"/>: every name is a pointer into the question, so there is nothing to compress.
/// </summary>
/// <param name="directory">The zones, the VIPs' addresses and the serial.</param>
/// <param name="options">The TTLs.</param>
internal sealed class DirectReply(MeshDirectory directory, MeshResolverOptions options)
{
    private const int FlagsOffset = 2;
    private const int HeadSize = 12; // owner, type, class, TTL, data length
    private const ushort OwnerIsQuestion = 0xC000 | DnsLimits.HeaderSize;

    // nobody.invalid and the times of RFC 6303 section 3, which AnswerWriter has as well.
    private static ReadOnlySpan<byte> Mailbox => "\u0006nobody\u0007invalid\0"u8;

    /// <summary>Writes the addresses; false, and nothing of the buffer counts, when the record has no address of the family.</summary>
    /// <param name="query">The client's query, of type A or AAAA.</param>
    /// <param name="finding">What it gets: addresses.</param>
    /// <param name="view">What the client sees.</param>
    /// <param name="opt">The OPT record, if the query has one.</param>
    /// <param name="rotation">Which address goes first.</param>
    /// <param name="reply">Takes the reply.</param>
    /// <param name="limit">The most bytes that the client takes; at least 512.</param>
    /// <param name="length">The reply's length.</param>
    public bool TryWriteAddresses(in DnsQuery query, in Finding finding, in ClientView view, in OptRecord opt, uint rotation, Span<byte> reply, int limit, out int length)
    {
        var question = query.Question;
        question.CopyTo(reply[DnsLimits.HeaderSize..]);
        length = DnsLimits.HeaderSize + question.Length;
        var room = limit - (query.HasEdns ? opt.Size : 0);
        var v6 = query.Type == DnsType.AAAA;
        var isCut = false;
        int count;
        if (finding.Choice.Source == AnswerSource.Vip) count = WriteVip(finding.Entry!.VipIndex, v6, reply, ref length);
        else if (finding.Entry!.TryGetSoleIPv4(out var sole)) count = v6 ? 0 : WriteSole(sole, reply, ref length);
        else count = WriteAll(finding.Entry.Addresses(finding.Choice, view, v6), v6, rotation, reply, room, ref length, out isCut);
        if (count == 0 && !isCut) return false;
        WriteHeader(query, count, isCut, reply);
        if (query.HasEdns) WriteOpt(opt, reply, ref length);
        return true;
    }

    /// <summary>Writes a reply without a record but the SOA of the zone that holds the name, else of the name itself (RFC 2308 section 3).</summary>
    /// <param name="query">The client's query; its name is no special one (RFC 6761).</param>
    /// <param name="rcode">NOERROR or NXDOMAIN.</param>
    /// <param name="opt">The OPT record, if the query has one.</param>
    /// <param name="reply">Takes the reply: it always fits.</param>
    /// <param name="length">The reply's length.</param>
    [SkipLocalsInit]
    public void WriteDenial(in DnsQuery query, Rcode rcode, in OptRecord opt, Span<byte> reply, out int length)
    {
        var question = query.Question;
        question.CopyTo(reply[DnsLimits.HeaderSize..]);
        length = DnsLimits.HeaderSize + question.Length;
        Span<byte> folded = stackalloc byte[DnsLimits.MaxNameSize];
        var name = query.QuestionName;
        DnsName.Fold(name, folded);
        var apex = directory.Zones.TryMatch(folded[..name.Length], out var offset) ? offset : 0;
        var ttl = options.NegativeTtl;
        var zone = (ushort)(OwnerIsQuestion + apex);
        var record = reply[length..];
        var dataSize = 2 + Mailbox.Length + 20;
        WriteHead(DnsType.SOA, zone, ttl, dataSize, record);
        var data = record[HeadSize..];
        BinaryPrimitives.WriteUInt16BigEndian(data, zone);
        Mailbox.CopyTo(data[2..]);
        var numbers = data[(2 + Mailbox.Length)..];
        BinaryPrimitives.WriteUInt32BigEndian(numbers, (uint)(directory.ReadAt / 1000));
        BinaryPrimitives.WriteUInt32BigEndian(numbers[4..], AnswerWriter.SoaRefresh);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[8..], AnswerWriter.SoaRetry);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[12..], AnswerWriter.SoaExpire);
        BinaryPrimitives.WriteUInt32BigEndian(numbers[16..], ttl);
        length += HeadSize + dataSize;
        WriteHeader(query, 0, false, reply);
        DnsHeader.SetRcode(reply, rcode);
        DnsHeader.SetCount(reply, DnsSection.Authority, 1);
        if (query.HasEdns) WriteOpt(opt, reply, ref length);
    }

    private static void WriteHeader(in DnsQuery query, int count, bool isCut, Span<byte> reply)
    {
        var flags = DnsFlags.Response | DnsFlags.Authoritative | DnsFlags.RecursionAvailable | (query.Flags & (DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled));
        if (isCut) flags |= DnsFlags.Truncated;
        BinaryPrimitives.WriteUInt16BigEndian(reply, query.Id);
        BinaryPrimitives.WriteUInt16BigEndian(reply[FlagsOffset..], (ushort)flags);
        // One question, the answers, no authority, and OPT.
        BinaryPrimitives.WriteUInt64BigEndian(reply[4..], (1UL << 48) | ((ulong)count << 32) | (query.HasEdns ? 1u : 0u));
    }

    private int WriteSole(uint address, Span<byte> reply, ref int length)
    {
        WriteHead(DnsType.A, OwnerIsQuestion, options.TtlFor(directory), sizeof(uint), reply[length..]);
        MemoryMarshal.Write(reply[(length + HeadSize)..], address);
        length += HeadSize + sizeof(uint);
        return 1;
    }

    private int WriteVip(int index, bool v6, Span<byte> reply, ref int length)
    {
        var record = reply[length..];
        if (v6) BinaryPrimitives.WriteUInt128BigEndian(record[HeadSize..], directory.Range.IPv6Bits(index));
        else BinaryPrimitives.WriteUInt32BigEndian(record[HeadSize..], directory.Range.IPv4Bits(index));
        var size = v6 ? 16 : 4;
        WriteHead(v6 ? DnsType.AAAA : DnsType.A, OwnerIsQuestion, options.TtlFor(directory), size, record);
        length += HeadSize + size;
        return 1;
    }

    private int WriteAll(in AddressList addresses, bool v6, uint rotation, Span<byte> reply, int room, ref int length, out bool isCut)
    {
        isCut = false;
        if (addresses.Count == 0) return 0;
        var written = 0;
        var type = v6 ? DnsType.AAAA : DnsType.A;
        var at = (int)(rotation % (uint)addresses.Count);
        for (var left = addresses.Count; left > 0; left--)
        {
            if (addresses.TryGet(at, out var address))
            {
                isCut = length + HeadSize + address.Length > room;
                if (isCut) return written;
                WriteHead(type, OwnerIsQuestion, options.TtlFor(directory), address.Length, reply[length..]);
                address.CopyTo(reply[(length + HeadSize)..]);
                length += HeadSize + address.Length;
                written++;
            }
            if (++at == addresses.Count) at = 0;
        }
        return written;
    }

    private static void WriteHead(DnsType type, ushort owner, uint ttl, int dataSize, Span<byte> record)
    {
        BinaryPrimitives.WriteUInt64BigEndian(record, ((ulong)owner << 48) | ((ulong)type << 32) | ((ulong)DnsClass.IN << 16) | (ttl >> 16));
        BinaryPrimitives.WriteUInt32BigEndian(record[8..], (ttl << 16) | (uint)dataSize);
    }

    private static void WriteOpt(in OptRecord opt, Span<byte> reply, ref int length)
    {
        var record = reply[length..];
        record[0] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(record[1..], (ushort)DnsType.OPT);
        BinaryPrimitives.WriteUInt16BigEndian(record[3..], opt.UdpPayloadSize);
        BinaryPrimitives.WriteUInt32BigEndian(record[5..], opt.DnssecOk ? 0x8000u : 0);
        var cookie = opt.Cookie;
        BinaryPrimitives.WriteUInt16BigEndian(record[9..], (ushort)(cookie.IsEmpty ? 0 : cookie.Length + 4));
        length += 11;
        if (cookie.IsEmpty) return;
        BinaryPrimitives.WriteUInt16BigEndian(record[11..], (ushort)EdnsOptionCode.Cookie);
        BinaryPrimitives.WriteUInt16BigEndian(record[13..], (ushort)cookie.Length);
        cookie.CopyTo(record[15..]);
        length += 4 + cookie.Length;
    }
}
