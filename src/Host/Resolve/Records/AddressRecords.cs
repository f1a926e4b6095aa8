using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve.Records;

/// <summary>A and AAAA: a host's explicit addresses or its VIP, and the loopback addresses of localhost.</summary>
internal readonly struct AddressRecords : IRecordFamily
{
    private const int MaxSize = 16;

    private static ReadOnlySpan<byte> LoopbackV4 => [127, 0, 0, 1];
    private static ReadOnlySpan<byte> LoopbackV6 => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    /// <inheritdoc/>
    public static bool Has(DnsType type, AnswerSource source, bool isApex) =>
        type is DnsType.A or DnsType.AAAA && source is AnswerSource.Explicit or AnswerSource.Vip;

    /// <inheritdoc/>
    public static LocalRecords Append(in RecordQuestion question, ref MessageWriter writer)
    {
        var v6 = question.Type == DnsType.AAAA;
        if (question.Finding.Kind == FindingKind.Loopback) return Append(question, v6 ? LoopbackV6 : LoopbackV4, ref writer);
        if (question.Finding.Choice.Source == AnswerSource.Vip)
        {
            Span<byte> vip = stackalloc byte[MaxSize];
            vip = vip[..SizeOf(v6)];
            WriteVip(question.Resolver, question.Finding, v6, vip);
            return Append(question, vip, ref writer);
        }
        var addresses = new RotatedAddresses(question.Finding, question.View, question.Rotation, v6);
        var result = LocalRecords.NoData;
        while (result != LocalRecords.Truncated && addresses.TryNext(out var address)) result = Append(question, address, ref writer);
        return result;
    }

    /// <summary>The same in short. False when there is no address of the family.</summary>
    public static bool TryAppend(MeshResolver resolver, DnsType type, in Finding finding, in ClientView view, uint rotation, ref DirectReply reply)
    {
        var v6 = type == DnsType.AAAA;
        var ttl = resolver.Ttl;
        if (finding.Choice.Source == AnswerSource.Vip)
        {
            WriteVip(resolver, finding, v6, reply.Add(DnsSection.Answer, type, ttl, SizeOf(v6)));
            return true;
        }
        if (finding.Entry!.TryGetSoleIPv4(out var sole))
        {
            if (v6) return false;
            MemoryMarshal.Write(reply.Add(DnsSection.Answer, DnsType.A, ttl, sizeof(uint)), sole);
            return true;
        }
        var addresses = new RotatedAddresses(finding, view, rotation, v6);
        var isFound = false;
        while (!reply.IsCut && addresses.TryNext(out var address))
        {
            isFound = true;
            if (reply.HasRoom(address.Length)) address.CopyTo(reply.Add(DnsSection.Answer, type, ttl, address.Length));
        }
        return isFound;
    }

    /// <summary>Copies as many addresses of one family as there is room for. Returns the bytes.</summary>
    public static int CopyTo(in RecordQuestion question, bool v6, Span<byte> destination)
    {
        var size = SizeOf(v6);
        if (question.Finding.Choice.Source == AnswerSource.Vip)
        {
            WriteVip(question.Resolver, question.Finding, v6, destination);
            return size;
        }
        var addresses = new RotatedAddresses(question.Finding, question.View, question.Rotation, v6);
        var length = 0;
        for (; length + size <= destination.Length && addresses.TryNext(out var address); length += size) address.CopyTo(destination[length..]);
        return length;
    }

    private static int SizeOf(bool v6) => v6 ? 16 : 4;

    private static LocalRecords Append(in RecordQuestion question, scoped ReadOnlySpan<byte> address, ref MessageWriter writer) =>
        writer.TryWriteRecord(question.Owner, question.Type, DnsClass.IN, question.Resolver.Ttl, address) ? LocalRecords.Written : LocalRecords.Truncated;

    private static void WriteVip(MeshResolver resolver, in Finding finding, bool v6, Span<byte> address)
    {
        var (range, index) = (resolver.Directory.Range, finding.Entry!.VipIndex);
        if (v6) BinaryPrimitives.WriteUInt128BigEndian(address, range.IPv6Bits(index));
        else BinaryPrimitives.WriteUInt32BigEndian(address, range.IPv4Bits(index));
    }

    // Each once, another one first each time.
    private ref struct RotatedAddresses
    {
        private readonly AddressList _addresses;
        private int _at;
        private int _left;

        public RotatedAddresses(scoped in Finding finding, scoped in ClientView view, uint rotation, bool v6)
        {
            _addresses = finding.Entry!.Addresses(finding.Choice, view, v6);
            _left = _addresses.Count;
            if (_left != 0) _at = (int)(rotation % (uint)_left);
        }

        public bool TryNext(out ReadOnlySpan<byte> address)
        {
            while (_left-- > 0)
            {
                var at = _at;
                if (++_at == _addresses.Count) _at = 0;
                if (_addresses.TryGet(at, out address)) return true;
            }
            address = default;
            return false;
        }
    }
}
