using System.Text.Json;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// This node's place in the cluster: beats, reads who else is alive and who owns what, and claims and gives up streams so that each comes to the owner that
/// all nodes want. Timers here decide how fast that goes and nothing else.
/// </summary>
public sealed class Membership : Actor<Membership.Message>, IClusterMap
{
    private static readonly TimeSpan _giveUpDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _soonest = TimeSpan.FromMilliseconds(20);

    // Of a node that nobody can join and that has what it wants. Whoever misses a stream asks for a beat at once.
    private static readonly TimeSpan _beatAlone = TimeSpan.FromMinutes(1);

    private readonly IJournal _journal;
    private readonly NodeIdentity _node;
    private readonly MeshOptions _options;
    private readonly LocalStreams _local;
    private readonly Func<MemberReport> _report;
    private readonly IReadOnlyList<string> _streams;
    private readonly Dictionary<string, long> _ownerlessSince = [];
    private readonly Dictionary<NodeIdentity, long> _seenSince = [];
    private readonly Dictionary<NodeIdentity, (long ExpiresAt, long SeenAt)> _lastBeats = [];
    private readonly HashSet<string> _adopted = [];
    private readonly Dictionary<string, Task> _givingUp = [];
    private HashSet<string> _leaving = [];
    private string _adoptedAmong = "";
    private ClusterMap _map = ClusterMap.Empty;
    private ITimer? _timer;
    private long _beatAt;
    private bool _isMember;
    private bool _hasPlanned;
    private int _beatAsked;
    private int _failures;
    private int _taking = 1;
    private long _rebalanced;

    /// <summary>Makes it; it beats once <see cref="JoinAsync"/> has succeeded and it is started.</summary>
    /// <param name="system">What it runs on.</param>
    /// <param name="journal">What the nodes agree through.</param>
    /// <param name="node">This node.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="local">Its streams.</param>
    /// <param name="report">What it says of itself; the state is filled in here.</param>
    public Membership(ActorSystem system, IJournal journal, NodeIdentity node, MeshOptions options, LocalStreams local, Func<MemberReport> report) : base(system, "membership", 256)
    {
        _journal = journal;
        _node = node;
        _options = options;
        _local = local;
        _report = report;
        _streams = Streams.All(options.Shards);
    }

    /// <inheritdoc/>
    public ClusterMap Current => Volatile.Read(ref _map);

    /// <summary>True while the last beat that succeeded is less than a lease ago: nobody can have been told yet that this node is gone. Where nobody else can be, always.</summary>
    public bool IsAlive => Volatile.Read(ref _isMember) && (_journal.IsExclusive || System.Time.GetElapsedTime(Interlocked.Read(ref _beatAt)) < _options.Lease);

    /// <summary>True once it has decided about every stream at least once.</summary>
    public bool HasPlanned => Volatile.Read(ref _hasPlanned);

    /// <summary>True while it takes streams: it is neither draining nor leaving.</summary>
    public bool IsTaking => Volatile.Read(ref _taking) == 1;

    /// <summary>Streams that this node has claimed or given up since its start.</summary>
    public long Rebalanced => Interlocked.Read(ref _rebalanced);

    /// <summary>Becomes a member, or says why not.</summary>
    /// <param name="previous">The incarnation before, from the node's own data directory; empty for none.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="JournalUnavailableException">The journal cannot be used now, or the name is still taken; it may be tried again.</exception>
    /// <exception cref="InvalidOperationException">The cluster's members cannot work with this version.</exception>
    public async Task JoinAsync(string previous, CancellationToken cancel)
    {
        var reply = await _journal.JoinAsync(Beat("joining") with { Previous = previous }, cancel);
        switch (reply.Outcome)
        {
            case JoinOutcome.NameTaken: throw new JournalUnavailableException(reply.Detail);
            case JoinOutcome.ProtocolMismatch: throw new InvalidOperationException(reply.Detail);
            default: System.Log(ActorLogLevel.Information, Name, $"{_node.Node} has joined as {_node.Incarnation}", null); break;
        }
    }

    /// <inheritdoc/>
    public void Refresh()
    {
        if (Interlocked.Exchange(ref _beatAsked, 1) == 0 && !Tell(new Message(null, isDrain: false))) Volatile.Write(ref _beatAsked, 0);
    }

    /// <summary>True when this node is alive; after a pause or a fault it beats first, and waits for that.</summary>
    public async Task<bool> EnsureAliveAsync(TimeSpan deadline)
    {
        var begin = System.Time.GetTimestamp();
        for (var attempt = 0; !IsAlive; attempt++)
        {
            var left = deadline - System.Time.GetElapsedTime(begin);
            if (left <= TimeSpan.Zero) return false;
            if (attempt > 0) await Task.Delay(System.BackOff(attempt - 1), System.Time);
            try { await Ask<bool>(done => new Message(done, isDrain: false), left); }
            catch (MeshUnavailableException) { return IsAlive; }
        }
        return true;
    }

    /// <summary>Gives up every stream and takes no more; the next beat tells the others. Ends when all are given up, or with the deadline.</summary>
    public async Task DrainAsync(TimeSpan deadline)
    {
        Volatile.Write(ref _taking, 0);
        try { await Ask<bool>(done => new Message(done, isDrain: true), deadline); }
        catch (MeshUnavailableException e) { System.Log(ActorLogLevel.Warning, Name, "the node leaves before all its streams are given up: " + e.Message, null); }
    }

    /// <summary>Removes this node from the members at once.</summary>
    public async Task LeaveAsync(CancellationToken cancel)
    {
        try { await _journal.LeaveAsync(_node, cancel); }
        catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException or OperationCanceledException)
        {
            System.Log(ActorLogLevel.Warning, Name, "the others learn by the lease that this node has left: " + e.Message, null);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask StartingAsync()
    {
        _timer ??= System.Time.CreateTimer(_ => Refresh(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        _journal.MembersChanged -= Refresh;
        _journal.MembersChanged += Refresh;
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    protected override async ValueTask ReceiveAsync(Message message)
    {
        Volatile.Write(ref _beatAsked, 0);
        var next = _options.Heartbeat;
        try
        {
            var read = await BeatAsync();
            Volatile.Write(ref _failures, 0);
            if (read is not null)
            {
                await MoveAsync(read);
                next = IsAtRest ? _beatAlone : NextBeat(read);
            }
        }
        catch (Exception e) when (e is JournalUnavailableException or JournalInDoubtException)
        {
            if (Interlocked.Increment(ref _failures) == 1) System.Log(ActorLogLevel.Warning, Name, "cannot beat: " + e.Message, null);
        }
        finally { _timer?.Change(next, Timeout.InfiniteTimeSpan); }
        if (message is { Done: { } drained, IsDrain: true }) _ = EndDrainAsync(drained);
        else message.Done?.TrySetResult(true);
    }

    /// <inheritdoc/>
    protected override async ValueTask StoppedAsync()
    {
        _journal.MembersChanged -= Refresh;
        if (_timer is not null) await _timer.DisposeAsync();
    }

    private async Task<ClusterRead?> BeatAsync()
    {
        var askedAt = System.Time.GetTimestamp();
        var fences = _local.All.Select(s => s.Fence()).ToArray();
        // What is being given up may still be this node's in what is read now, and be given up by the time that it is looked at.
        _leaving = [.. _givingUp.Where(g => !g.Value.IsCompleted).Select(g => g.Key)];
        var read = WithoutGhosts(await WithinAsync(_journal.HeartbeatAsync(Beat(IsTaking ? "up" : "draining"), Stopping)));
        Volatile.Write(ref _isMember, read.IsMember);
        if (!read.IsMember)
        {
            // Another node of this name has taken over, or the row was removed while this node was away. It may come back; what it owned has gone.
            System.Log(ActorLogLevel.Warning, Name, "this node is no longer a member; it joins again", null);
            foreach (var stream in _local.All) stream.Lose(long.MaxValue);
            var joined = await WithinAsync(_journal.JoinAsync(Beat("joining"), Stopping));
            if (joined.Outcome != JoinOutcome.Joined) System.Log(ActorLogLevel.Alarm, Name, "this node cannot join again: " + joined.Detail, null);
            return null;
        }
        Interlocked.Exchange(ref _beatAt, askedAt);
        Volatile.Write(ref _map, ClusterMap.Of(read, _options.Lease));
        NoticeRewound(fences, read);
        return read;
    }

    // The row of a node that died counts as alive once more when the database's clock, set back, comes to its end a second time. A row that has stood still for
    // two leases by this node's own clock is nobody's.
    private ClusterRead WithoutGhosts(ClusterRead read)
    {
        var now = System.Time.GetTimestamp();
        foreach (var gone in _lastBeats.Keys.Except(read.Members.Select(m => m.Node)).ToArray()) _lastBeats.Remove(gone);
        foreach (var member in read.Members)
            if (!_lastBeats.TryGetValue(member.Node, out var last) || last.ExpiresAt != member.ExpiresAt) _lastBeats[member.Node] = (member.ExpiresAt, now);
        return read with { Members = [.. read.Members.Where(m => m.Node == _node || System.Time.GetElapsedTime(_lastBeats[m.Node].SeenAt, now) < 2 * _options.Lease)] };
    }

    // A standby that lagged was promoted: what an idle owner wrote, or its claim, is gone, and nothing but this would tell it before its next append.
    private void NoticeRewound(Fence?[] fences, ClusterRead read)
    {
        var rows = read.Ownership.ToDictionary(r => r.Stream);
        foreach (var held in fences.OfType<Fence>())
            if (rows.GetValueOrDefault(held.Stream) is not { } row || row.Epoch < held.Epoch || (row.Epoch == held.Epoch && (row.Term != held.Term || row.Seq < held.Seq))) _local.ByStream[held.Stream].Rewound();
    }

    // An answer that comes after more than half of the lease helps nobody.
    private async Task<T> WithinAsync<T>(Task<T> call)
    {
        try { return await call.WithinAsync(_options.Lease / 2, System.Time); }
        catch (TimeoutException e) { throw new JournalUnavailableException("the journal did not answer within half a lease", e); }
    }

    private async Task MoveAsync(ClusterRead read)
    {
        foreach (var row in read.Ownership)
            if (row.Node.Length > 0 && new NodeIdentity(row.Node, row.Incarnation) != _node && _local.ByStream.TryGetValue(row.Stream, out var lost)) lost.Lose(row.Epoch);
        Observe();
        var moves = OwnershipPlan.Decide(Sight(read));
        foreach (var stream in moves.Releases) if (!_givingUp.TryGetValue(stream, out var task) || task.IsCompleted) _givingUp[stream] = GiveUpAsync(stream);
        if (moves.Claims.Count > 0) await ClaimAsync(moves.Claims);
        Volatile.Write(ref _hasPlanned, true);
    }

    private OwnershipSight Sight(ClusterRead read) => new()
    {
        Me = _node,
        Streams = _streams,
        Read = read,
        Map = Current,
        Holds = stream => _local.ByStream[stream] is var local && (local.IsOwner() || local.IsAdopting()),
        IsLeaving = _leaving.Contains,
        Abstains = stream => _local.ByStream[stream].Abstains(),
        Adopted = _adopted.Contains,
        IsOrphaned = stream => _ownerlessSince.TryGetValue(stream, out var since) && System.Time.GetElapsedTime(since) > 2 * _options.Lease,
        IsSettled = node => _seenSince.TryGetValue(node, out var since) && System.Time.GetElapsedTime(since) >= 2 * _options.Heartbeat,
        IsTaking = IsTaking,
    };

    // Since when streams have had no owner and members have been there, by this node's own clock.
    private void Observe()
    {
        var now = System.Time.GetTimestamp();
        var map = Current;
        foreach (var stream in _streams)
        {
            if (map.OwnerOf(stream) is null) _ownerlessSince.TryAdd(stream, now);
            else _ownerlessSince.Remove(stream);
        }
        var alive = map.Members.Select(m => m.Node).ToHashSet();
        foreach (var gone in _seenSince.Keys.Where(n => !alive.Contains(n)).ToArray()) _seenSince.Remove(gone);
        foreach (var node in alive) _seenSince.TryAdd(node, now);
        var among = string.Join(',', map.Members.Select(m => m.Node.Incarnation));
        if (among == _adoptedAmong) return;
        _adoptedAmong = among;
        _adopted.Clear();
    }

    private async Task ClaimAsync(IReadOnlyList<StreamWish> wishes)
    {
        var askedAt = System.Time.GetTimestamp();
        var claims = await WithinAsync(_journal.ClaimAsync(_node, wishes, System.NextTerm(), Stopping));
        foreach (var claim in claims)
        {
            if (_ownerlessSince.ContainsKey(claim.Fence.Stream) && OwnershipPlan.WantedOwner(claim.Fence.Stream, Current) != _node.Node) _adopted.Add(claim.Fence.Stream);
            _local.ByStream[claim.Fence.Stream].Adopt(claim, askedAt);
        }
        if (claims.Count == 0) return;
        Interlocked.Add(ref _rebalanced, claims.Count);
        System.Log(ActorLogLevel.Information, Name, $"claimed {claims.Count} streams: {Brief(claims.Select(c => $"{c.Fence.Stream} at epoch {c.Fence.Epoch}"))}", null);
        Refresh();
    }

    private async Task GiveUpAsync(string stream)
    {
        Interlocked.Increment(ref _rebalanced);
        try { await _local.ByStream[stream].GiveUpAsync(_giveUpDeadline); }
        catch (MeshUnavailableException e) { System.Log(ActorLogLevel.Warning, Name, $"{stream} is not given up yet: {e.Message}", null); }
    }

    private async Task EndDrainAsync(TaskCompletionSource<bool> drained)
    {
        await Task.WhenAll(_givingUp.Values);
        drained.TrySetResult(true);
    }

    private bool IsAtRest => _journal.IsExclusive && IsTaking && _local.All.All(s => s.IsReady());

    // A member that goes silent is noticed when its lease ends, not a heartbeat later.
    private TimeSpan NextBeat(ClusterRead read)
    {
        var ends = read.Members.Where(m => m.Node != _node && m.IsAlive(read.Now, _options.Lease)).Select(m => m.ExpiresAt - read.Now).DefaultIfEmpty(long.MaxValue).Min();
        if (ends >= _options.Heartbeat.TotalMilliseconds) return _options.Heartbeat;
        return TimeSpan.FromMilliseconds(ends + 5) is var soon && soon > _soonest ? soon : _soonest;
    }

    private MemberBeat Beat(string state)
    {
        var report = _report() with { State = state, Abstains = [.. _local.All.Where(s => s.Abstains()).Select(s => s.Stream)] };
        return new MemberBeat(_node, "", _options.Address, string.Join(',', _options.Roles), _options.Version, MeshProtocol.Current, JsonSerializer.Serialize(report, NodeJson.Default.MemberReport), _options.Lease);
    }

    private static string Brief(IEnumerable<string> items)
    {
        var all = items.ToArray();
        return all.Length <= 4 ? string.Join(", ", all) : string.Join(", ", all.Take(3)) + ", ...";
    }

    /// <summary>What it is told: to beat now, and to say when that is done, or when everything is given up.</summary>
    public readonly record struct Message
    {
        internal Message(TaskCompletionSource<bool>? done, bool isDrain)
        {
            Done = done;
            IsDrain = isDrain;
        }

        internal TaskCompletionSource<bool>? Done { get; }

        internal bool IsDrain { get; }
    }
}
