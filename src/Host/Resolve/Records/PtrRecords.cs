using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve.Records;

/// <summary>PTR: the hosts of a VIP or of an explicit address, below in-addr.arpa and ip6.arpa.</summary>
internal readonly struct PtrRecords : IRecordFamily
{
    /// <inheritdoc/>
    public static bool Has(DnsType type, AnswerSource source, bool isApex) => type == DnsType.PTR && source is AnswerSource.Explicit or AnswerSource.Vip;

    /// <inheritdoc/>
    public static LocalRecords Append(in RecordQuestion question, ref MessageWriter writer)
    {
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var name = buffer[..question.Owner.Length];
        DnsName.Fold(question.Owner, name);
        Span<byte> address = stackalloc byte[16];
        var result = LocalRecords.NoData;
        if (!ReverseName.TryParse(name, address, out var size, out _)) return result;
        var hosts = new ReverseHosts(question.Resolver.Directory, question.View, address[..size]);
        while (hosts.MoveNext())
        {
            if (hosts.Current.IsWildcard || (hosts.Choice.Source == AnswerSource.Vip && question.Resolver.IsExpired())) continue;
            if (!writer.TryWriteRecord(question.Owner, DnsType.PTR, DnsClass.IN, question.Resolver.Ttl, hosts.Current.Name)) return LocalRecords.Truncated;
            result = LocalRecords.Written;
        }
        return result;
    }
}
