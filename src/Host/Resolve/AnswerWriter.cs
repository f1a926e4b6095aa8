using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>Writes the records of what <see cref="MeshResolver"/> found, following CNAMEs as long as they stay in the mesh. Allocates nothing.</summary>
/// <param name="resolver">Decides about the CNAMEs' targets.</param>
public sealed class AnswerWriter(MeshResolver resolver)
{
    /// <summary>The most CNAMEs in an answer, whoever they come from.</summary>
    public const int MaxChain = 11;

    internal const uint SoaRefresh = 3600;
    internal const uint SoaRetry = 1200;
    internal const uint SoaExpire = 604800;

    private static ReadOnlySpan<byte> LoopbackV4 => [127, 0, 0, 1];
    private static ReadOnlySpan<byte> LoopbackV6 => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

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
            var target = finding.Choice.Record!.Shape.CnameTarget;
            if (answer.Links == MaxChain)
            {
                answer.Result = LocalRecords.Unavailable;
                answer.Error = EdeCode.Other;
                return;
            }
            if (!writer.TryWriteCname(answer.LastName, resolver.Ttl, target))
            {
                answer.Result = LocalRecords.Truncated;
                return;
            }
            answer.Result = LocalRecords.Written;
            if (type == DnsType.CNAME) return;
            answer.LastName = answer.Target = target;
            finding = Find(target, type, view);
        }
        answer.LastStage = finding.Stage;
        AppendLast(type, finding, view, ref answer, ref writer);
        if (answer.Result is LocalRecords.NoData or LocalRecords.NXDomain) AppendSoa(answer.LastName, answer.LastStage, ref writer);
    }

    internal DirectReply NewDirectReply() => new(resolver.Directory, resolver.Options);

    /// <summary>See <see cref="MeshResolver.Decide"/>; for a name that a CNAME led to.</summary>
    public Finding Find(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view) => resolver.Decide(foldedName, resolver.Directory.HashOf(foldedName), type, view);

    /// <summary>See <see cref="MeshResolver.Exists"/>.</summary>
    public bool Exists(ReadOnlySpan<byte> foldedName, in ClientView view) => resolver.Exists(foldedName, view);

    // The SOA of a negative answer, owned by the zone that holds the name, else by the name (RFC 2308 section 3).
    [SkipLocalsInit]
    private void AppendSoa(ReadOnlySpan<byte> name, Stage stage, ref MessageWriter writer)
    {
        Span<byte> folded = stackalloc byte[DnsLimits.MaxNameSize];
        DnsName.Fold(name, folded);
        var apex = stage == Stage.Special ? SpecialNames.ApexOffset(name)
            : resolver.Directory.Zones.TryMatch(folded[..name.Length], out var offset) ? offset : 0;
        writer.StartSection(DnsSection.Authority);
        WriteSoa(name[apex..], ref writer);
    }

    private void AppendLast(DnsType type, in Finding finding, in ClientView view, ref Answer answer, ref MessageWriter writer)
    {
        var ttl = resolver.Ttl;
        var owner = answer.LastName;
        switch (finding.Kind)
        {
            case FindingKind.Addresses:
                answer.Result = AppendAddresses(owner, type, finding, view, answer.Rotation, ref writer);
                return;
            case FindingKind.Loopback:
                var isWritten = type == DnsType.A ? writer.TryWriteA(owner, ttl, LoopbackV4) : writer.TryWriteAaaa(owner, ttl, LoopbackV6);
                answer.Result = isWritten ? LocalRecords.Written : LocalRecords.Truncated;
                return;
            case FindingKind.AnyMinimal:
                answer.Result = writer.TryWriteHinfo(owner, ttl, "RFC8482"u8, []) ? LocalRecords.Written : LocalRecords.Truncated;
                return;
            case FindingKind.Apex:
                // The zone names itself as its server, as RFC 6303 section 3 has it for zones that no other server answers.
                isWritten = type == DnsType.NS ? writer.TryWriteNs(owner, resolver.Options.NegativeTtl, owner) : WriteSoa(owner, ref writer);
                answer.Result = isWritten ? LocalRecords.Written : LocalRecords.Truncated;
                return;
            case FindingKind.NoData:
                answer.Result = LocalRecords.NoData;
                return;
            case FindingKind.NXDomain:
                answer.Result = LocalRecords.NXDomain;
                return;
            case FindingKind.NotReady or FindingKind.Stale or FindingKind.AskOwner:
                // Only a query's own name is asked of an owner; a CNAME's target that is not known fails instead of being denied.
                answer.Result = LocalRecords.Unavailable;
                answer.Error = finding.Kind switch { FindingKind.Stale => EdeCode.StaleAnswer, FindingKind.AskOwner => EdeCode.NoReachableAuthority, _ => EdeCode.NotReady };
                return;
            default:
                answer.Result = LocalRecords.NotOurs;
                answer.MaxTtl = finding.MaxTtl;
                return;
        }
    }

    private LocalRecords AppendAddresses(ReadOnlySpan<byte> owner, DnsType type, in Finding finding, in ClientView view, uint rotation, ref MessageWriter writer)
    {
        var v6 = type == DnsType.AAAA;
        if (finding.Choice.Source == AnswerSource.Vip) return AppendVip(owner, v6, finding.Entry!.VipIndex, ref writer);
        var addresses = finding.Entry!.Addresses(finding.Choice, view, v6);
        if (addresses.Count == 0) return LocalRecords.NoData;
        var at = (int)(rotation % (uint)addresses.Count);
        for (var left = addresses.Count; left > 0; left--)
        {
            if (addresses.TryGet(at, out var address) && !WriteAddress(owner, v6, address, ref writer)) return LocalRecords.Truncated;
            if (++at == addresses.Count) at = 0;
        }
        return LocalRecords.Written;
    }

    private LocalRecords AppendVip(ReadOnlySpan<byte> owner, bool v6, int index, ref MessageWriter writer)
    {
        Span<byte> address = stackalloc byte[16];
        if (v6) BinaryPrimitives.WriteUInt128BigEndian(address, resolver.Directory.Range.IPv6Bits(index));
        else BinaryPrimitives.WriteUInt32BigEndian(address, resolver.Directory.Range.IPv4Bits(index));
        return WriteAddress(owner, v6, address[..(v6 ? 16 : 4)], ref writer) ? LocalRecords.Written : LocalRecords.Truncated;
    }

    private bool WriteAddress(ReadOnlySpan<byte> owner, bool v6, scoped ReadOnlySpan<byte> address, ref MessageWriter writer) =>
        v6 ? writer.TryWriteAaaa(owner, resolver.Ttl, address) : writer.TryWriteA(owner, resolver.Ttl, address);

    // The names are those of RFC 6303 section 3; the serial is when the directory was last known to be current.
    private bool WriteSoa(ReadOnlySpan<byte> zone, ref MessageWriter writer)
    {
        var ttl = resolver.Options.NegativeTtl;
        var soa = new SoaData
        {
            PrimaryName = zone,
            Mailbox = "\u0006nobody\u0007invalid\0"u8,
            Serial = (uint)(resolver.Directory.ReadAt / 1000),
            Refresh = SoaRefresh,
            Retry = SoaRetry,
            Expire = SoaExpire,
            Minimum = ttl,
        };
        return writer.TryWriteSoa(zone, ttl, soa);
    }
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

    /// <summary>The step that decided about the last name.</summary>
    public Stage LastStage { get; set; }

    /// <summary>Why the answer is <see cref="LocalRecords.Unavailable"/>.</summary>
    public EdeCode Error { get; set; }

    /// <summary>For a chain that leaves the mesh: no TTL above this, seconds.</summary>
    public uint MaxTtl { get; set; }
}
