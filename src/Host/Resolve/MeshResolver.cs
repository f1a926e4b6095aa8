using System.Runtime.CompilerServices;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve.Records;

namespace MeshDns.Host.Resolve;

/// <summary>
/// Decides what a name gets from the mesh, by the rules of behaviour.md; writing it is <see cref="AnswerWriter"/>'s. Any thread; nothing here
/// allocates or waits.
/// </summary>
/// <param name="directory">This node's replica.</param>
/// <param name="settings">What the settings say at first.</param>
/// <param name="time">The clock of the knowledge's age.</param>
public sealed partial class MeshResolver(MeshDirectory directory, MeshResolverOptions settings, TimeProvider time)
{
    private MeshResolverOptions _options = settings;

    /// <summary>Knowledge older than this does not deny a name of a mesh zone; the owner is asked.</summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(2);

    /// <summary>TTL cap of what is forwarded before the first load, seconds: a declared name's public address must not be cached past the start.</summary>
    public const uint NotReadyTtl = 5;

    /// <summary>The replica.</summary>
    public MeshDirectory Directory => directory;

    /// <summary>What the settings say now.</summary>
    public MeshResolverOptions Options => Volatile.Read(ref _options);

    /// <summary>The TTL of our address and CNAME records now, seconds.</summary>
    public uint Ttl => Options.TtlFor(directory);

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>Takes over other settings, whole, for the queries that come from here on. Any thread.</summary>
    public void Adopt(MeshResolverOptions options) => Volatile.Write(ref _options, options);

    /// <summary>What a client sees.</summary>
    /// <param name="clientAddress">4 or 16 bytes; none for a client of which nothing is known.</param>
    public ClientView ViewOf(ReadOnlySpan<byte> clientAddress) => Options.Clients.ViewOf(clientAddress);

    /// <summary>
    /// What a name gets: without capture it is nobody's of the mesh (rule 6); a special name, unless it may be declared and is (rule 7); a declared name, exact,
    /// then by the longest wildcard (rules 1, 3, 11); an address backwards (rule 4); a name that the client may mean by this one (rule 2); a mesh zone, where what
    /// is not declared does not exist (rules 4, 10); else not ours (rules 1, 10).
    /// </summary>
    /// <param name="foldedName">Lower case, wire form.</param>
    /// <param name="hash">The directory's hash of it.</param>
    /// <param name="type">What is asked.</param>
    /// <param name="view">What the client sees.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Finding Decide(ReadOnlySpan<byte> foldedName, int hash, DnsType type, in ClientView view)
    {
        var none = default(NoRecorder);
        return Decide(foldedName, hash, type, view, ref none, isTarget: false);
    }

    /// <summary>The same for a name that a CNAME led to: that one means what it says, whatever search domains the client has.</summary>
    public Finding DecideTarget(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view)
    {
        var none = default(NoRecorder);
        return Decide(foldedName, directory.HashOf(foldedName), type, view, ref none, isTarget: true);
    }

    /// <summary>The same, and the recorder hears of the steps.</summary>
    internal Finding Decide<TRecorder>(ReadOnlySpan<byte> foldedName, int hash, DnsType type, in ClientView view, ref TRecorder recorder, bool isTarget)
        where TRecorder : struct, IDecisionRecorder
    {
        if (!view.Capture)
        {
            recorder.Record(DecisionStep.NoCapture, Finding.Forward);
            return Finding.Forward;
        }
        if (TryFindSpecial(foldedName, hash, type, view, ref recorder, out var finding)) return finding;
        if (TryFindHost(foldedName, hash, type, view, out finding))
        {
            recorder.Record(DecisionStep.Host, finding);
            return finding;
        }
        recorder.Record(DecisionStep.NoHost, default);
        if (TryFindReverse(foldedName, type, view, out finding))
        {
            recorder.Record(DecisionStep.Reverse, finding);
            return finding;
        }
        if (!isTarget && TryFindBySearch(foldedName, type, view, ref recorder, out finding))
        {
            recorder.Record(DecisionStep.Search, finding);
            return finding;
        }
        if (TryFindInZone(foldedName, type, view, out finding))
        {
            recorder.Record(DecisionStep.Zone, finding);
            return finding;
        }
        finding = NotOurs();
        recorder.Record(DecisionStep.NotOurs, finding);
        return finding;
    }

    // One below localhost is answered as declared, or as a mesh zone has it, where somebody said so; it is never forwarded.
    private bool TryFindSpecial<TRecorder>(
        ReadOnlySpan<byte> foldedName, int hash, DnsType type, in ClientView view, ref TRecorder recorder, out Finding finding) where TRecorder : struct, IDecisionRecorder
    {
        if (!SpecialNames.TryFind(foldedName, type, out finding)) return false;
        recorder.Record(DecisionStep.Special, finding);
        if (!SpecialNames.CanBeDeclared(foldedName)) return true;
        if ((!TryFindHost(foldedName, hash, type, view, out var declared) || !declared.IsLocal) && !TryFindInZone(foldedName, type, view, out declared)) return true;
        finding = declared;
        recorder.Record(DecisionStep.SpecialDeclared, finding);
        return true;
    }

    // A name in a mesh zone that no declaration covers: the apex, an empty non-terminal, or NXDOMAIN (rule 4). False outside the zones.
    private bool TryFindInZone(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view, out Finding finding)
    {
        finding = default;
        if (!directory.Zones.TryMatch(foldedName, out var apex)) return false;
        if (!directory.IsLoaded) finding = new Finding(Origin.Local, FindingKind.NotReady, Stage.Zone);
        else if (apex != 0 && Options.AskOwners && directory.Age > StaleAfter) finding = Finding.AskOwner;
        else finding = Deny(foldedName, type, view, apex);
        return true;
    }

    /// <summary>What a name of a mesh zone gets that nobody declares.</summary>
    public Finding Deny(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view) =>
        directory.Zones.TryMatch(foldedName, out var apex) ? Deny(foldedName, type, view, apex) : new Finding(Origin.Local, FindingKind.NXDomain, Stage.Zone);

    private Finding Deny(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view, int apex) => apex == 0 || directory.HasNamesBelow(foldedName, view)
        ? new Finding(Origin.Local, OfNode(apex, type), Stage.Zone)
        : new Finding(Origin.Local, FindingKind.NXDomain, Stage.Zone);

    private Finding NotOurs()
    {
        if (directory.IsLoaded) return Finding.Forward;
        return Options.ForwardWhenNotReady
            ? Finding.Forward with { MaxTtl = NotReadyTtl }
            : new Finding(Origin.Local, FindingKind.NotReady, Stage.Error);
    }

    /// <summary>
    /// True when a name outside the mesh zones exists here, so that an upstream's NXDOMAIN does not hold for it: a host that is answered (rule 4), or a name
    /// above one (rule 1). Asked of the name that a denial speaks of, the last of its chain of CNAMEs (RFC 6604).
    /// </summary>
    /// <param name="foldedName">Lower case, wire form.</param>
    /// <param name="view">What the client sees.</param>
    public bool Exists(ReadOnlySpan<byte> foldedName, in ClientView view)
    {
        if (!view.Capture) return false;
        var match = directory.FindExact(foldedName, view);
        if (match.Entry is null && ServiceName.IsOne(foldedName) && TryFindService(foldedName, DnsType.SRV, view, out _)) return true;
        if (match.Entry is null) match = directory.FindWildcard(foldedName, view);
        return match.Choice.Answers || directory.HasNamesBelow(foldedName, view);
    }

    private Finding Of(FindingKind kind, in DirectoryMatch match, Stage stage) => kind == FindingKind.None
        ? NotOurs() with { Entry = match.Entry, Choice = match.Choice }
        : new Finding(Origin.Local, kind, stage, match.Entry, match.Choice);

    // None: outside the zones a host has only what is declared of it. One without an address is not answered there at all: it shadows shorter wildcards.
    private FindingKind KindOf(ReadOnlySpan<byte> foldedName, DnsType type, in DirectoryMatch match, in ClientView view)
    {
        var choice = match.Choice;
        if (AddressRecords.Has(type, choice.Source, isApex: false)) return choice.Source == AnswerSource.Vip && IsExpired() ? FindingKind.Stale : FindingKind.Addresses;
        if (AliasRecords.Has(type, choice.Source, isApex: false)) return FindingKind.Cname;
        if (HttpsRecords.Has(type, choice.Source, isApex: false) && HttpsRecords.AreOf(match.Entry!.Ports(choice, view))) return FindingKind.Https;
        return OfName(foldedName, type, choice.Answers);
    }

    // What a name gets for a type that its records don't have. Outside the zones some types are ours, the others somebody else may have (rule 4).
    private FindingKind OfName(ReadOnlySpan<byte> foldedName, DnsType type, bool isOurs)
    {
        if (isOurs && type == DnsType.ANY) return FindingKind.AnyMinimal;
        if (isOurs && type is DnsType.A or DnsType.AAAA or DnsType.SRV or DnsType.HTTPS or DnsType.SVCB) return FindingKind.NoData;
        return directory.Zones.TryMatch(foldedName, out var apex) ? OfNode(apex, type) : FindingKind.None;
    }

    // A name that exists in a mesh zone, for the types that its records don't have.
    private static FindingKind OfNode(int apex, DnsType type) =>
        ApexRecords.Has(type, AnswerSource.Invisible, isApex: apex == 0) ? FindingKind.Apex : type == DnsType.ANY ? FindingKind.AnyMinimal : FindingKind.NoData;

    /// <summary>True when what is known is too old to name a VIP (rule 11).</summary>
    internal bool IsExpired()
    {
        var options = Options;
        return !options.ServeExpired && directory.Age > options.MaxAgeFor(directory);
    }
}
