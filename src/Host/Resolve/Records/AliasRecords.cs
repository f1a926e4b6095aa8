using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve.Records;

/// <summary>CNAME: where an ExternalName Service leads. It answers every type but ANY.</summary>
internal readonly struct AliasRecords : IRecordFamily
{
    /// <inheritdoc/>
    public static bool Has(DnsType type, AnswerSource source, bool isApex) => source == AnswerSource.Cname && type != DnsType.ANY;

    /// <inheritdoc/>
    public static LocalRecords Append(in RecordQuestion question, ref MessageWriter writer) =>
        writer.TryWriteCname(question.Owner, question.Resolver.Ttl, TargetOf(question.Finding)) ? LocalRecords.Written : LocalRecords.Truncated;

    /// <summary>Where it leads: folded wire form.</summary>
    public static byte[] TargetOf(in Finding finding) => finding.Choice.Record!.Shape.CnameTarget!;
}
