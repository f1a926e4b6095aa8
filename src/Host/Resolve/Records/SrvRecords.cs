using System.Buffers.Binary;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve.Records;

/// <summary>SRV (RFC 2782): the named ports of a host, at <c>_port._transport.host</c>. Its target is the host, whose addresses go along as they fit.</summary>
internal readonly struct SrvRecords : IRecordFamily
{
    private const ushort Weight = 100; // of the only one there is; CoreDNS says so too
    private const int FixedSize = 6;
    private const int MaxAddresses = 16; // a family

    /// <inheritdoc/>
    public static bool Has(DnsType type, AnswerSource source, bool isApex) => type == DnsType.SRV && source is AnswerSource.Explicit or AnswerSource.Vip;

    /// <inheritdoc/>
    public static LocalRecords Append(in RecordQuestion question, ref MessageWriter writer)
    {
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = buffer[..question.Owner.Length];
        DnsName.Fold(question.Owner, name);
        if (!ServiceName.TryParse(name, out var service) || question.Finding.Entry!.Ports(question.Finding.Choice, question.View).Find(service.Port, service.Protocol) is not { } port)
            return LocalRecords.NoData;
        var target = TargetOf(question.Finding, service);
        Span<byte> data = stackalloc byte[FixedSize + DnsLimits.MaxNameSize];
        data[..FixedSize].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(data[2..], Weight);
        BinaryPrimitives.WriteUInt16BigEndian(data[4..], (ushort)port.Number);
        target.CopyTo(data[FixedSize..]);
        if (!writer.TryWriteRecord(question.Owner, DnsType.SRV, DnsClass.IN, question.Resolver.Ttl, data[..(FixedSize + target.Length)])) return LocalRecords.Truncated;
        AppendAddresses(question, target, ref writer);
        return LocalRecords.Written;
    }

    /// <summary>A wildcard's own name is no host: its target is the name below it that was asked.</summary>
    public static ReadOnlySpan<byte> TargetOf(in Finding finding, in ServiceName service) => finding.Entry!.IsWildcard ? service.Host : finding.Entry.Name;

    // Additional data, left out first where the reply is too large (RFC 2181 section 9), and where the VIP may be another host's by now.
    private static void AppendAddresses(in RecordQuestion question, scoped ReadOnlySpan<byte> target, ref MessageWriter writer)
    {
        if (question.Finding.Choice.Source == AnswerSource.Vip && question.Resolver.IsExpired()) return;
        writer.StartSection(DnsSection.Additional);
        Span<byte> addresses = stackalloc byte[MaxAddresses * 16];
        for (var v6 = 0; v6 <= 1; v6++)
        {
            var (type, size) = v6 == 0 ? (DnsType.A, 4) : (DnsType.AAAA, 16);
            var length = AddressRecords.CopyTo(question, v6 == 1, addresses[..(MaxAddresses * size)]);
            for (var at = 0; at < length; at += size)
                if (!writer.TryWriteRecord(target, type, DnsClass.IN, question.Resolver.Ttl, addresses.Slice(at, size))) return;
        }
    }
}
