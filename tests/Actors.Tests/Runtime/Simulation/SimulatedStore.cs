using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Tests.Simulation;

/// <summary>The journal's tables in memory, with the rules of the real ones: fences, keys and the lease tables. It survives its nodes.</summary>
internal sealed class SimulatedStore(SimulatedClock clock)
{
    private const long ReplyLifetimeMs = 24 * 60 * 60 * 1000L;
    private const long ForwardedLifetimeMs = 5 * 60 * 1000L;

    private SortedDictionary<string, OwnershipRow> _ownership = new(StringComparer.Ordinal);
    private Dictionary<string, List<JournalRow>> _events = [];
    private Dictionary<string, (byte[] Payload, StreamPosition Position)> _snapshots = [];
    private Dictionary<string, (RememberedReply Reply, long At)> _replies = [];
    private SortedDictionary<string, MemberRow> _members = new(StringComparer.Ordinal);
    private TimeSpan _lease = TimeSpan.FromSeconds(5);
    private Dictionary<int, VipLeaseRow> _leases = [];
    private HashSet<VipClaimRow> _claims = [];
    private Dictionary<string, string> _settings = [];

    /// <summary>The last incarnation of each node, as its data directory would have it.</summary>
    public Dictionary<string, string> DataDirectories { get; } = [];

    public long Now => (clock.GetUtcNow() + ClockOffset).ToUnixTimeMilliseconds();

    /// <summary>How far the database's clock is ahead of the world's.</summary>
    public TimeSpan ClockOffset { get; set; }

    /// <summary>Which history the database is on; a failover that loses something begins another.</summary>
    public string Timeline { get; set; } = "";

    /// <summary>A planted fault: appends are taken from whoever asks, at the end of the stream.</summary>
    public bool IgnoresFences { get; init; }

    /// <summary>A planted fault: who claims what it owns already gets the same term and epoch again.</summary>
    public bool KeepsEpochs { get; init; }

    /// <summary>How often somebody found that another node had carried a forwarded change out, or had said that nobody would.</summary>
    public int ForwardsFound { get; private set; }

    /// <summary>Raised after a commit.</summary>
    public event Action? Committed;

    /// <summary>Raised when members or owners have changed.</summary>
    public event Action? MembersMoved;

    public IReadOnlyCollection<OwnershipRow> Ownership => _ownership.Values;

    /// <summary>Every fact with the true time of its commit, in commit order.</summary>
    public List<(string Stream, MeshEvent Fact, TimeSpan CommittedAt)> Facts { get; } = [];

    public IReadOnlyDictionary<string, string> Settle(IReadOnlyDictionary<string, string> settings)
    {
        if (_settings.Count == 0) _settings = new Dictionary<string, string>(settings);
        return _settings;
    }

    public IReadOnlyList<StreamClaim> Claim(NodeIdentity node, IReadOnlyList<StreamWish> wishes, string term)
    {
        var granted = new List<StreamClaim>();
        foreach (var wish in wishes)
        {
            var row = _ownership.GetValueOrDefault(wish.Stream);
            if ((row?.Term ?? "", row?.Epoch ?? 0) != (wish.SeenTerm, wish.SeenEpoch)) continue;
            if (row is { Node.Length: > 0 } && new NodeIdentity(row.Node, row.Incarnation) is var owner && owner != node && IsAlive(owner)) continue;
            if (!KeepsEpochs || row is null || new NodeIdentity(row.Node, row.Incarnation) != node)
                _ownership[wish.Stream] = row = new OwnershipRow(wish.Stream, node.Node, node.Incarnation, term, (row?.Epoch ?? 0) + 1, row?.Seq ?? 0);
            granted.Add(new StreamClaim(FenceOf(row), Now, Timeline));
        }
        if (granted.Count > 0) MembersMoved?.Invoke();
        return granted;
    }

    /// <summary>Gives streams to a rival, whoever owns them.</summary>
    public void Steal(IEnumerable<string> streams)
    {
        foreach (var stream in streams)
        {
            var row = _ownership.GetValueOrDefault(stream);
            _ownership[stream] = new OwnershipRow(stream, "rival", "rival", "rival", (row?.Epoch ?? 0) + 1, row?.Seq ?? 0);
        }
    }

    public void Release(IReadOnlyList<Fence> streams)
    {
        foreach (var fence in streams)
            if (_ownership.TryGetValue(fence.Stream, out var row) && FenceOf(row) with { Seq = fence.Seq } == fence)
                _ownership[fence.Stream] = row with { Node = "", Incarnation = "" };
        MembersMoved?.Invoke();
    }

    public bool Contains(string stream, StreamPosition position) => RowAt(stream, position.Seq) is var row && (row.Term, row.Epoch, row.Seq) == (position.Term, position.Epoch, position.Seq);

    public JoinReply Join(MemberBeat me)
    {
        if (_members.GetValueOrDefault(me.Node.Node) is { } taken && taken.IsAlive(Now, me.Lease) && taken.Node.Incarnation != me.Node.Incarnation && taken.Node.Incarnation != me.Previous)
            return new JoinReply(JoinOutcome.NameTaken, $"{me.Node.Node} is a live member");
        if (_members.Values.FirstOrDefault(m => m.IsAlive(Now, me.Lease) && !MeshProtocol.Fits(me.Protocol, m.Protocol)) is { } other)
            return new JoinReply(JoinOutcome.ProtocolMismatch, $"{other.Node.Node} speaks protocol {other.Protocol}, this node {me.Protocol}");
        _members[me.Node.Node] = RowOf(me);
        MembersMoved?.Invoke();
        return new JoinReply(JoinOutcome.Joined);
    }

    public ClusterRead Heartbeat(MemberBeat me)
    {
        _lease = me.Lease;
        var isMember = _members.GetValueOrDefault(me.Node.Node)?.Node == me.Node;
        if (isMember) _members[me.Node.Node] = RowOf(me);
        return new ClusterRead(isMember, [.. _members.Values], [.. _ownership.Values], Now);
    }

    public void Leave(NodeIdentity node)
    {
        if (_members.GetValueOrDefault(node.Node)?.Node == node) _members.Remove(node.Node);
        MembersMoved?.Invoke();
    }

    public StreamHistory Read(string stream, bool fromStart = false) => !fromStart && _snapshots.TryGetValue(stream, out var snapshot)
        ? new StreamHistory(snapshot.Payload, snapshot.Position.Seq, Rows(stream, snapshot.Position.Seq))
        : new StreamHistory(null, 0, Rows(stream, 0));

    public AppendResult Append(AppendRequest request)
    {
        foreach (var old in _replies.Where(r => r.Value.At < Now - (r.Value.Reply.IsForwarded ? ForwardedLifetimeMs : ReplyLifetimeMs)).Select(r => r.Key).ToArray()) _replies.Remove(old);
        if (request.Replies.FirstOrDefault(r => _replies.ContainsKey(r.Key)) is { } taken)
        {
            if (taken.IsForwarded) ForwardsFound++;
            return new AppendResult(AppendOutcome.KeyTaken, taken.Key);
        }
        foreach (var append in request.Streams)
            if (!_ownership.TryGetValue(append.Fence.Stream, out var row) || (FenceOf(row) != append.Fence && !IgnoresFences)) return new AppendResult(AppendOutcome.Fenced, append.Fence.Stream);
        var leases = new Dictionary<int, VipLeaseRow>(_leases);
        var claims = new HashSet<VipClaimRow>(_claims);
        foreach (var step in request.Streams.SelectMany(s => s.Events).SelectMany(VipGuard.Of))
            if (!TryStep(step, leases, claims)) return new AppendResult(AppendOutcome.GuardRefused, step.ToString()!);
        _leases = leases;
        _claims = claims;
        foreach (var append in request.Streams) Insert(append);
        foreach (var reply in request.Replies) _replies.Add(reply.Key, (reply, Now));
        Committed?.Invoke();
        return new AppendResult(AppendOutcome.Committed);
    }

    public bool SaveSnapshot(Fence fence, byte[] payload)
    {
        if (!_ownership.TryGetValue(fence.Stream, out var row) || FenceOf(row) with { Seq = fence.Seq } != fence || row.Seq < fence.Seq) return false;
        var last = RowAt(fence.Stream, fence.Seq);
        _snapshots[fence.Stream] = (payload, last.Seq == fence.Seq ? new StreamPosition(last.Term, last.Epoch, fence.Seq) : new StreamPosition("", 0, fence.Seq));
        return true;
    }

    public IReadOnlyList<RememberedReply> FindReplies(IReadOnlyList<string> keys)
    {
        RememberedReply[] found = [.. keys.Where(_replies.ContainsKey).Select(k => _replies[k]).Where(r => r.At >= Now - ReplyLifetimeMs).Select(r => r.Reply)];
        ForwardsFound += found.Count(r => r.IsForwarded);
        return found;
    }

    public FeedRead ReadFeed(IReadOnlyDictionary<string, StreamPosition> from) =>
        new([.. _ownership.Values.Select(o => Feed(o, from.GetValueOrDefault(o.Stream))).OfType<StreamFeed>()], Now);

    public JournalImage Image() => new(
        _settings,
        [.. _ownership.Values.Select(o => new StreamImage(o, _snapshots.GetValueOrDefault(o.Stream).Payload, _snapshots.GetValueOrDefault(o.Stream).Position.Seq, Rows(o.Stream, 0)))],
        [.. _events.Keys.Where(s => !_ownership.ContainsKey(s))],
        [.. _leases.Values],
        [.. _claims]);

    /// <summary>Replaces a stored row, as a damaged disk would.</summary>
    public void Damage(string stream, long seq, string kind, byte[] payload)
    {
        var rows = _events[stream];
        rows[(int)seq - 1] = rows[(int)seq - 1] with { Kind = kind, Payload = payload };
    }

    /// <summary>Replaces a stored snapshot, as a damaged disk would.</summary>
    public void DamageSnapshot(string stream, byte[] payload) => _snapshots[stream] = _snapshots[stream] with { Payload = payload };

    /// <summary>Forgets the rows after a seq, as a database does that failed over to a standby which lagged.</summary>
    public void Rewind(string stream, long seq)
    {
        _events[stream].RemoveAll(r => r.Seq > seq);
        _ownership[stream] = _ownership[stream] with { Seq = seq };
        if (_snapshots.TryGetValue(stream, out var snapshot) && snapshot.Position.Seq > seq) _snapshots.Remove(stream);
    }

    /// <summary>All tables as they are now, as a standby has them that lags from here on.</summary>
    public StoreCopy Copy() => new(
        new SortedDictionary<string, OwnershipRow>(_ownership, StringComparer.Ordinal), _events.ToDictionary(e => e.Key, e => e.Value.Count), new(_snapshots), new(_replies),
        new SortedDictionary<string, MemberRow>(_members, StringComparer.Ordinal), new(_leases), [.. _claims], Facts.Count);

    /// <summary>A standby that lagged is promoted: what was committed since the copy is gone, and the database is on another timeline.</summary>
    public void Rewind(StoreCopy copy, string timeline)
    {
        _ownership = copy.Ownership;
        _events = copy.Events.ToDictionary(e => e.Key, e => _events[e.Key][..e.Value]);
        _snapshots = copy.Snapshots;
        _replies = copy.Replies;
        _members = copy.Members;
        _leases = copy.Leases;
        _claims = copy.Claims;
        Facts.RemoveRange(copy.Facts, Facts.Count - copy.Facts);
        Timeline = timeline;
    }

    /// <summary>Puts a row into the lease table that no event stands for.</summary>
    public void PlantLease(int index, string host, string state) => _leases[index] = new VipLeaseRow(index, host, state);

    private bool IsAlive(NodeIdentity node) => _members.GetValueOrDefault(node.Node) is { } row && row.Node == node && row.IsAlive(Now, _lease);

    private MemberRow RowOf(MemberBeat me) => new(me.Node, me.Address, me.Roles, me.Version, me.Protocol, me.Report, Now + (long)me.Lease.TotalMilliseconds);

    private static Fence FenceOf(OwnershipRow row) => new(row.Stream, row.Node, row.Incarnation, row.Term, row.Epoch, row.Seq);

    // Rows have no gaps, so that the seq is the place.
    private List<JournalRow> Rows(string stream, long after) => _events.TryGetValue(stream, out var rows) && after < rows.Count ? rows[(int)Math.Max(0, after)..] : [];

    private JournalRow RowAt(string stream, long seq) => _events.TryGetValue(stream, out var rows) && seq >= 1 && seq <= rows.Count ? rows[(int)seq - 1] : default;

    private void Insert(StreamAppend append)
    {
        var fence = append.Fence;
        if (!_events.TryGetValue(fence.Stream, out var rows)) _events.Add(fence.Stream, rows = []);
        var seq = IgnoresFences ? _ownership[fence.Stream].Seq : fence.Seq;
        foreach (var fact in append.Events)
        {
            var encoded = EventCodec.Encode(fact);
            rows.Add(new JournalRow(++seq, fence.Term, fence.Epoch, encoded.Kind, encoded.Payload));
            Facts.Add((fence.Stream, fact, clock.Elapsed));
        }
        _ownership[fence.Stream] = _ownership[fence.Stream] with { Seq = seq };
    }

    private StreamFeed? Feed(OwnershipRow head, StreamPosition from)
    {
        if (head.Seq == 0 && from.Seq == 0) return null;
        var own = RowAt(head.Stream, from.Seq);
        if (from.Seq > 0 && own.Seq == from.Seq && own.Term == from.Term && own.Epoch == from.Epoch)
            return Rows(head.Stream, from.Seq) is { Count: > 0 } rows ? new StreamFeed(head.Stream, false, null, default, rows) : null;
        var (payload, position) = _snapshots.GetValueOrDefault(head.Stream);
        return new StreamFeed(head.Stream, true, payload, position, Rows(head.Stream, position.Seq));
    }

    private static bool TryStep(GuardStep step, Dictionary<int, VipLeaseRow> leases, HashSet<VipClaimRow> claims)
    {
        switch (step)
        {
            case GuardStep.LeaseInsert lease:
                return Vacate(lease.Index) && leases.Values.All(l => l.State != VipGuard.Leased || l.Host != lease.Host.Text) && leases.TryAdd(lease.Index, new VipLeaseRow(lease.Index, lease.Host.Text, VipGuard.Leased));
            case GuardStep.Reserve reserve:
                return Vacate(reserve.Index) && leases.TryAdd(reserve.Index, new VipLeaseRow(reserve.Index, "", VipGuard.Reserved));
            case GuardStep.LeaseToQuarantine rest:
                return Change(rest.Index, l => l.State == VipGuard.Leased && l.Host == rest.Host.Text, l => l with { State = VipGuard.Quarantined });
            case GuardStep.Unreserve unreserve:
                return Change(unreserve.Index, l => l.State == VipGuard.Reserved, l => l with { State = VipGuard.Quarantined, Host = "" });
            case GuardStep.ClaimInsert claim: return claims.Add(new VipClaimRow(claim.Address, claim.Host.Text));
            case GuardStep.ClaimDelete claim: return claims.Remove(new VipClaimRow(claim.Address, claim.Host.Text));
            default: return false;
        }

        bool Vacate(int index)
        {
            if (leases.TryGetValue(index, out var row) && row.State == VipGuard.Quarantined) leases.Remove(index);
            return true;
        }

        bool Change(int index, Func<VipLeaseRow, bool> when, Func<VipLeaseRow, VipLeaseRow> to)
        {
            if (!leases.TryGetValue(index, out var row) || !when(row)) return false;
            leases[index] = to(row);
            return true;
        }
    }
}

/// <summary>The tables at one moment; of the events only how many there were.</summary>
internal sealed record StoreCopy(
    SortedDictionary<string, OwnershipRow> Ownership, Dictionary<string, int> Events, Dictionary<string, (byte[] Payload, StreamPosition Position)> Snapshots,
    Dictionary<string, (RememberedReply Reply, long At)> Replies, SortedDictionary<string, MemberRow> Members, Dictionary<int, VipLeaseRow> Leases, HashSet<VipClaimRow> Claims, int Facts);
