using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve.Records;

namespace MeshDns.Host.Resolve;

/// <summary>Writes the records of what <see cref="MeshResolver"/> found, following CNAMEs as long as they stay in the mesh. Allocates nothing.</summary>
/// <param name="resolver">Decides about the CNAMEs' targets.</param>
public sealed class AnswerWriter(MeshResolver resolver)
{
    /// <summary>The most CNAMEs in an answer, whoever they come from.</summary>
    public const int MaxChain = 11;

    /// <summary>
    /// Writes the answer section and, where it denies, the SOA; how it went and what the rest of the reply needs is left in <paramref name="answer"/>.
    /// </summary>
    /// <param name="owner">The owner of the records: the name as the client spelt it.</param>
    /// <param name="type">What is asked.</param>
    /// <param name="finding">What the name gets.</param>
    /// <param name="view">What the client sees.</param>
    /// <param name="answer">Its <see cref="Answer.Rotation"/> says which address goes first, its <see cref="Answer.Links"/> how many CNAMEs came before.</param>
    /// <param name="writer">The reply.</param>
    public void Append(ReadOnlySpan<byte> owner, DnsType type, Finding finding, in ClientView view, ref Answer answer, ref MessageWriter writer)
    {
        answer.LastName = owner;
        for (; finding.Kind == FindingKind.Cname; answer.Links++)
        {
            if (answer.Links == MaxChain)
            {
                answer.Result = LocalRecords.Unavailable;
                answer.Error = EdeCode.Other;
                return;
            }
            answer.Result = AliasRecords.Append(new RecordQuestion(resolver, answer.LastName, type, finding, view, answer.Rotation), ref writer);
            if (answer.Result != LocalRecords.Written || type == DnsType.CNAME) return;
            answer.LastName = answer.Target = AliasRecords.TargetOf(finding);
            finding = resolver.DecideTarget(answer.Target, type, view);
        }
        AppendLast(new RecordQuestion(resolver, answer.LastName, type, finding, view, answer.Rotation), ref answer, ref writer);
    }

    /// <summary>The same in short, for addresses and denials of a name that RFC 6761 does not answer.</summary>
    internal void Append(ReadOnlySpan<byte> owner, DnsType type, in Finding finding, in ClientView view, uint rotation, ref DirectReply reply)
    {
        if (finding.Kind != FindingKind.Addresses || !AddressRecords.TryAppend(resolver, type, finding, view, rotation, ref reply))
            ApexRecords.AppendDenial(resolver, owner, ref reply);
    }

    /// <summary>See <see cref="MeshResolver.DecideTarget"/>.</summary>
    public Finding Find(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view) => resolver.DecideTarget(foldedName, type, view);

    /// <summary>See <see cref="MeshResolver.Exists"/>.</summary>
    public bool Exists(ReadOnlySpan<byte> foldedName, in ClientView view) => resolver.Exists(foldedName, view);

    private static void AppendLast(in RecordQuestion question, ref Answer answer, ref MessageWriter writer)
    {
        switch (question.Finding.Origin)
        {
            case Origin.Upstream:
                answer.Result = LocalRecords.NotOurs;
                answer.MaxTtl = question.Finding.MaxTtl;
                return;
            case Origin.Owner:
                // Only a query's own name is asked of an owner; a CNAME's target that is not known fails instead of being denied.
                answer.Result = LocalRecords.Unavailable;
                answer.Error = EdeCode.NoReachableAuthority;
                return;
        }
        answer.Result = AppendOwn(question, ref writer);
        if (answer.Result == LocalRecords.Unavailable) answer.Error = question.Finding.Kind == FindingKind.Stale ? EdeCode.StaleAnswer : EdeCode.NotReady;
        if (answer.Result is LocalRecords.NoData or LocalRecords.NXDomain) ApexRecords.AppendDenial(question, ref writer);
    }

    private static LocalRecords AppendOwn(in RecordQuestion question, ref MessageWriter writer) => question.Finding.Kind switch
    {
        FindingKind.Addresses or FindingKind.Loopback => AddressRecords.Append(question, ref writer),
        FindingKind.Srv => SrvRecords.Append(question, ref writer),
        FindingKind.Https => HttpsRecords.Append(question, ref writer),
        FindingKind.Ptr => PtrRecords.Append(question, ref writer),
        FindingKind.Apex => ApexRecords.Append(question, ref writer),
        FindingKind.AnyMinimal => writer.TryWriteHinfo(question.Owner, question.Resolver.Ttl, "RFC8482"u8, []) ? LocalRecords.Written : LocalRecords.Truncated,
        FindingKind.NoData => LocalRecords.NoData,
        FindingKind.NXDomain => LocalRecords.NXDomain,
        _ => LocalRecords.Unavailable,
    };
}

/// <summary>How writing an answer section went.</summary>
public ref struct Answer
{
    /// <summary>Nothing written yet, for a query whose TTLs nobody caps.</summary>
    public Answer() => MaxTtl = uint.MaxValue;

    /// <summary>Which address goes first: any number.</summary>
    public uint Rotation { get; init; }

    /// <summary>What was written. <see cref="LocalRecords.NotOurs"/>: the chain of CNAMEs leaves the mesh at <see cref="LastName"/>.</summary>
    public LocalRecords Result { get; set; }

    /// <summary>The last name of the chain; the owner itself without CNAMEs.</summary>
    public ReadOnlySpan<byte> LastName { get; set; }

    /// <summary>The target of the last CNAME, in folded wire form; null without any.</summary>
    public byte[]? Target { get; set; }

    /// <summary>CNAMEs written so far, with those of others.</summary>
    public int Links { get; set; }

    /// <summary>Why the answer is <see cref="LocalRecords.Unavailable"/>.</summary>
    public EdeCode Error { get; set; }

    /// <summary>For a chain that leaves the mesh: no TTL above this, seconds.</summary>
    public uint MaxTtl { get; set; }
}
