using System.Runtime.CompilerServices;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve.Records;

namespace MeshDns.Host.Resolve;

/// <content>Where a name may be found: as it is declared, as a service of a host, backwards, or as what a short name stands for.</content>
public sealed partial class MeshResolver
{
    /// <summary>What somebody has declared, at this name or at one that the client may mean by it.</summary>
    internal bool TryFindDeclared(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view, out Finding finding)
    {
        var none = default(NoRecorder);
        return TryFindHost(foldedName, directory.HashOf(foldedName), type, view, out finding) || TryFindBySearch(foldedName, type, view, ref none, out finding);
    }

    // A declared name: exact first, one of its services, then the longest wildcard (rule 1). False when the client sees none.
    private bool TryFindHost(ReadOnlySpan<byte> foldedName, int hash, DnsType type, in ClientView view, out Finding finding)
    {
        var stage = Stage.Exact;
        var match = directory.FindExact(foldedName, hash, view);
        if (match.Entry is null)
        {
            if (ServiceName.IsOne(foldedName) && TryFindService(foldedName, type, view, out finding)) return true;
            stage = Stage.Wildcard;
            match = directory.FindWildcard(foldedName, view);
        }
        finding = match.Entry is null ? default : Of(KindOf(foldedName, type, match, view), match, stage);
        return match.Entry is not null;
    }

    // The name of a port of a host, which exists where the port does.
    private bool TryFindService(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view, out Finding finding)
    {
        finding = default;
        if (!ServiceName.TryParse(foldedName, out var service)) return false;
        var none = default(NoRecorder);
        var (match, stage) = (directory.FindExact(service.Host, view), Stage.Exact);
        if (match.Entry is null) (match, stage) = (directory.FindWildcard(service.Host, view), Stage.Wildcard);
        var isMeant = match.Entry is null && TrySearch(service.Host, view, ref none, out match);
        if (isMeant) stage = Stage.Search;
        if (match.Choice.Source is not (AnswerSource.Explicit or AnswerSource.Vip)) return false;
        var ports = match.Entry!.Ports(match.Choice, view);
        var isThere = service.Kind switch
        {
            ServiceNameKind.Port => ports.Find(service.Port, service.Protocol) is not null,
            ServiceNameKind.Protocol => ports.HasNamed(service.Protocol),
            _ => HttpsRecords.AreOf(ports, service),
        };
        if (!isThere) return false;
        var kind = service.Kind switch
        {
            ServiceNameKind.Port when SrvRecords.Has(type, match.Choice.Source, isApex: false) => FindingKind.Srv,
            ServiceNameKind.Https when HttpsRecords.Has(type, match.Choice.Source, isApex: false) => FindingKind.Https,
            _ => OfName(foldedName, type, isOurs: true),
        };
        finding = Of(kind == FindingKind.None && isMeant ? FindingKind.NoData : kind, match, stage);
        return true;
    }

    // The address of a VIP or of a declared host, backwards; in a mesh zone also what lies above one.
    private bool TryFindReverse(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view, out Finding finding)
    {
        finding = default;
        if (!ReverseName.IsOne(foldedName)) return false;
        Span<byte> address = stackalloc byte[16];
        if (!ReverseName.TryParse(foldedName, address, out var size, out var bits)) return false;
        if (bits != size * 8)
        {
            if (!directory.IsLoaded || !directory.Zones.TryMatch(foldedName, out var apex) || apex == 0) return false;
            finding = new Finding(Origin.Local, OfNode(apex, type), Stage.Reverse);
            return true;
        }
        var hosts = new ReverseHosts(directory, view, address[..size]);
        var match = default(DirectoryMatch);
        var kind = FindingKind.NoData;
        while (kind != FindingKind.Ptr && hosts.MoveNext())
        {
            match = new DirectoryMatch(hosts.Current, hosts.Choice);
            if (!hosts.Current.IsWildcard) kind = hosts.Choice.Source == AnswerSource.Vip && IsExpired() ? FindingKind.Stale : FindingKind.Ptr;
        }
        if (match.Entry is null) return false;
        if (!PtrRecords.Has(type, match.Choice.Source, isApex: false)) kind = OfName(foldedName, type, isOurs: false);
        finding = Of(kind, match, Stage.Reverse);
        return true;
    }

    // What the client may mean by a short name, or by one to which a search domain was appended (rule 2). It is ours for every type.
    private bool TryFindBySearch<TRecorder>(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view, ref TRecorder recorder, out Finding finding)
        where TRecorder : struct, IDecisionRecorder
    {
        finding = default;
        if (!TrySearch(foldedName, view, ref recorder, out var match)) return false;
        var kind = KindOf(foldedName, type, match, view);
        finding = Of(kind == FindingKind.None ? FindingKind.NoData : kind, match, Stage.Search);
        return true;
    }

    [SkipLocalsInit]
    private bool TrySearch<TRecorder>(ReadOnlySpan<byte> foldedName, in ClientView view, ref TRecorder recorder, out DirectoryMatch match)
        where TRecorder : struct, IDecisionRecorder
    {
        Span<byte> buffer = stackalloc byte[DnsLimits.MaxNameSize];
        var candidates = new SearchCandidates(foldedName, directory.Zones.ClusterDomain, view.Namespace, buffer);
        while (candidates.MoveNext())
        {
            match = directory.FindExact(candidates.Name, view);
            if (match.Entry is null && candidates.IsStripped) match = directory.FindWildcard(candidates.Name, view);
            recorder.RecordCandidate(candidates.Name, match);
            if (match.Choice.Answers) return true;
        }
        match = default;
        return false;
    }
}
