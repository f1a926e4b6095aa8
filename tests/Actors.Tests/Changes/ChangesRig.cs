using MeshDns.Actors.Changes;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Tests.Log;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>
/// Decides changes one after the other, with eight buckets, fourteen VIPs and an hour of quarantine. After each, replay must give the same state, hosts and leases must be what the documents say,
/// and a directory that reads the facts must agree.
/// </summary>
internal sealed class ChangesRig
{
    public static readonly HostName ClusterDomain = HostName.Parse("cluster.local");

    public const long QuarantineMs = 3_600_000;

    private static readonly ChangeDecision _decision = new(LogRows.Fold, new ChangePlanner(LogRows.Buckets.Count, LogRows.Range));
    private readonly List<string> _violations = [];
    private long _position;

    public ChangesRig()
    {
        MeshEvent[] first =
        [
            new ClusterFounded("c", LogRows.Range.V4.ToString(), LogRows.Range.V6.ToString(), LogRows.Buckets.Count) { At = Now },
            new QuarantineChanged(QuarantineMs) { At = Now }, new SettingsChanged(30_000, [], ClusterDomain.Text) { At = Now },
        ];
        State = LogRows.Fold.Fold(LogRows.Fold.Empty, first);
        Directory = new MeshDirectory(LogRows.Range, new MeshZones([ClusterDomain]), LogRows.Buckets.Count, TimeProvider.System, _violations.Add);
        Tell(Streams.All(LogRows.Buckets.Count), first);
    }

    public MeshState State { get; private set; }

    public MeshDirectory Directory { get; }

    /// <summary>What the last change wrote.</summary>
    public IReadOnlyList<MeshEvent> Facts { get; private set; } = [];

    public long Now { get; private set; } = 1_000_000;

    public static int Capacity => LogRows.Range.Capacity;

    public Dictionary<DocumentKey, StoredDocument> Documents => Tables().SelectMany(t => t.Documents).ToDictionary(d => d.Key, d => d.Value);

    public Dictionary<HostName, int> Leases => State.Ledger.Leases.ToDictionary(l => l.Host, l => l.Index);

    public void Pass(TimeSpan time) => Now += (long)time.TotalMilliseconds;

    public int? LeaseOf(string host) => State.Ledger.TryGetLease(HostName.Parse(host), out var index) ? index : null;

    public IReadOnlyList<HostDeclaration> DeclarationsOf(string host) => State.Tables[LogRows.Buckets.Of(HostName.Parse(host))].DeclarationsOf(HostName.Parse(host));

    /// <summary>What a change would come to on a state.</summary>
    public static DecidedChange Decide(MeshState state, ChangeRequest request, long at) => _decision.Decide(state, request, at);

    public ChangeReply Change(ChangeRequest request)
    {
        var decided = _decision.Decide(State, request, Now);
        Assert.Equal(DigestOf(LogRows.Fold.Fold(State, decided.Facts)), DigestOf(decided.After));
        (State, Facts) = (decided.After, decided.Facts);
        if (Facts.Count == 0) return decided.Reply;
        Tell([], Facts);
        AssertConsistent();
        return decided.Reply;
    }

    /// <summary>A change that must be applied.</summary>
    public ChangeReply Applied(params DocumentChange[] changes) => Applied(Make.Request(changes));

    public ChangeReply Applied(ChangeRequest request)
    {
        var reply = Change(request);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, $"{reply.Outcome} {reply.Reason} {reply.Detail}");
        return reply;
    }

    /// <summary>A change that must be refused, with a sentence and without a trace.</summary>
    public ChangeReply Refused(RefusalReason reason, ChangeRequest request)
    {
        var before = DigestOf(State);
        var reply = Change(request);
        Assert.Equal((ChangeOutcome.Refused, reason), (reply.Outcome, reply.Reason));
        Assert.NotEqual("", reply.Detail);
        Assert.Empty(Facts);
        Assert.Equal(before, DigestOf(State));
        return reply;
    }

    public static string[] Hosts(string prefix, int count) => [.. Enumerable.Range(0, count).Select(i => $"{prefix}{i}.example")];

    private static string DigestOf(MeshState state) => MeshImage.Of(state, LogRows.Buckets, new VipLedgerCore(LogRows.Range)).Digest;

    private IEnumerable<ShardTable> Tables() => Enumerable.Range(0, State.Tables.Count).Select(b => State.Tables[b]);

    private void Tell(IReadOnlyList<string> reset, IEnumerable<MeshEvent> facts) =>
        Directory.Apply(new FeedBatch(reset, [.. facts], new DirectoryPosition(++_position, "t"), Now));

    private void AssertConsistent()
    {
        Assert.Empty(State.Ledger.Breaches());
        Assert.Empty(_violations);
        var said = Documents.Values.SelectMany(d => HostDeclaration.Of(d.Document, d.Created, ClusterDomain)).ToLookup(h => h.Host, h => h.Declaration);
        Assert.Equal(said.SelectMany(g => g.Select(d => (g.Key, d.Document.ToString()))).Order(), Tables().SelectMany(t => t.Hosts).SelectMany(h => h.Value.Select(d => (h.Key, d.Document.ToString()))).Order());
        Assert.Equal(said.Where(g => g.Any(d => d.Eligible)).Select(g => g.Key).Order(), Leases.Keys.Order());
        Assert.Equal(said.Select(g => g.Key).Order(), Directory.Hosts.Select(h => h.Host).Order());
        Assert.All(Directory.Hosts, h => Assert.Equal(Leases.TryGetValue(h.Host, out var index) ? index : -1, h.VipIndex));
    }
}
