using System.Text;
using Akka.Actor;
using Akka.Cluster;
using MeshDns.Actors.Protocol;
using MeshDns.Actors.Store;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Joins by a table in the log's own database, which says who is up and in which cluster. A node joins those who are up, then those who were lately, and forms a cluster only under a lock, when nobody else is there.
/// Where two clusters are alive on one database, the younger one's nodes leave and join the older.
/// </summary>
/// <param name="nodes">The table.</param>
/// <param name="name">The node's name.</param>
/// <param name="versions">What the node works with: it is in no cluster with another that it would misunderstand.</param>
/// <param name="nextTerm">Draws names.</param>
/// <param name="log">What it says.</param>
internal sealed class JoiningByDatabase(PostgresNodes nodes, string name, OwnerVersions versions, Func<string> nextTerm, Action<string> log) : IJoining
{
    private static readonly TimeSpan _attempt = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(100);

    private string _incarnation = "";
    private string _formation = "";
    private long _formedAt;
    private HashSet<string> _replaced = [];

    /// <inheritdoc/>
    public async Task JoinAsync(ActorSystem system, CancellationToken cancel)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        _incarnation = Owners.IncarnationOf(cluster.SelfUniqueAddress);
        // An old row of this very node goes; a living node of the same name stays.
        await nodes.LeaveAsync(cancel);
        if ((await nodes.ReadAsync(cancel)).Any(r => r.Name == name && r.IsAlive)) throw new StoreUnavailableException($"a living node has the name {name}: give this one another node.name");
        while (!await TryEnterAsync(cluster, cancel)) await Task.Delay(_again, cancel);
        await nodes.WriteAsync(_incarnation, cluster.SelfAddress.ToString(), _formation, _formedAt, cancel);
    }

    /// <inheritdoc/>
    public async Task KeepAsync(ActorSystem system, CancellationToken cancel)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        while (!cancel.IsCancellationRequested)
        {
            await WaitAsync(cluster, cancel);
            try
            {
                if (!await nodes.KeepAsync(_incarnation, cancel))
                {
                    log("others have decided that this node was dead: it begins anew");
                    cluster.Down(cluster.SelfAddress);
                    return;
                }
                var rows = await nodes.ReadAsync(cancel);
                DownReplaced(cluster, rows);
                var others = rows.Where(r => r.Name != name && r.IsAlive && r.Formation.Length > 0).ToArray();
                // Two that came at the same moment did not see each other. Its next actor system says why it stays out.
                if (others.Any(r => WhyNot(r) is not null && versions.YieldsTo(r.Versions))) return;
                var older = others.FirstOrDefault(r => r.Formation != _formation && IsOlder(r) && !IsMember(cluster, r.Address));
                if (older is null) continue;
                log($"{older.Name} is in an older cluster on the same database: this node leaves its own and joins that one");
                return;
            }
            catch (StoreUnavailableException)
            {
                // Who is in the cluster stays in it.
            }
        }
    }

    /// <inheritdoc/>
    public async Task StayAsync(Func<NodeReported> report, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try { await nodes.StayAsync(Encoding.UTF8.GetString(MeshWire.Write(report() with { Edges = null })), cancel); }
            catch (StoreUnavailableException)
            {
                // It is told when the database is back.
            }
            await Task.Delay(_beat, cancel);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<NodeReported>> DrainedAsync(CancellationToken cancel)
    {
        var drained = new List<NodeReported>();
        foreach (var row in (await nodes.ReadAsync(cancel)).Where(r => r.IsAlive && r.Report.Length > 0))
        {
            try { drained.Add((NodeReported)MeshWire.Read(MeshWire.KindOf<NodeReported>(), Encoding.UTF8.GetBytes(row.Report))); }
            catch (FormatException)
            {
                // A newer version's.
            }
        }
        return drained;
    }

    /// <inheritdoc/>
    public Task LeaveAsync(CancellationToken cancel) => nodes.LeaveAsync(cancel);

    // A beat, or until a node comes while an incarnation of its name is still a member.
    private async Task WaitAsync(Akka.Cluster.Cluster cluster, CancellationToken cancel)
    {
        for (var waited = TimeSpan.Zero; waited < _beat; waited += _look)
        {
            await Task.Delay(_look, cancel);
            if (Replaced(cluster).Any(m => !_replaced.Contains(Owners.IncarnationOf(m.UniqueAddress)))) return;
        }
    }

    private static IEnumerable<Member> Replaced(Akka.Cluster.Cluster cluster) => cluster.State.Members
        .Where(m => m.Status is MemberStatus.Up or MemberStatus.Leaving or MemberStatus.Exiting)
        .Where(m => cluster.State.Members.Any(other => other.Status == MemberStatus.Joining && Owners.NameOf(other) == Owners.NameOf(m)));

    // A node that comes back has taken the row of the incarnation before away, whose process had ended, since two never share a data directory. Its silence is enough then: nobody has to wait until the resolver decides.
    private void DownReplaced(Akka.Cluster.Cluster cluster, IReadOnlyList<NodeRow> rows)
    {
        Member[] replaced = [.. Replaced(cluster)];
        _replaced = [.. replaced.Select(m => Owners.IncarnationOf(m.UniqueAddress))];
        foreach (var member in replaced.Where(m => rows.All(r => r.Incarnation != Owners.IncarnationOf(m.UniqueAddress))))
        {
            log($"{Owners.NameOf(member)} has begun anew: its incarnation before, {member.Address}, is over");
            cluster.Down(member.Address);
        }
    }

    private string? WhyNot(NodeRow other) => versions.WhyNot(other.Name, other.Versions);

    private bool IsOlder(NodeRow other) => (other.FormedAt, other.Formation).CompareTo((_formedAt, _formation)) < 0;

    private static bool IsMember(Akka.Cluster.Cluster cluster, string address) => cluster.State.Members.Any(m => m.Address.ToString() == address);

    private async Task<bool> TryEnterAsync(Akka.Cluster.Cluster cluster, CancellationToken cancel)
    {
        var others = (await nodes.ReadAsync(cancel)).Where(r => r.Name != name && r.Address.Length > 0 && r.Formation.Length > 0).ToArray();
        var alive = others.Where(r => r.IsAlive).ToArray();
        if (alive.Select(WhyNot).FirstOrDefault(why => why is not null) is { } whyNot) throw new StoreUnavailableException(whyNot);
        if (alive.Length > 0) return await TryJoinAsync(cluster, alive, cancel);
        if (others.Where(r => r.IsRecent).ToArray() is { Length: > 0 } recent && await TryJoinAsync(cluster, recent, cancel)) return true;
        _formation = nextTerm();
        if (await nodes.TryFormAsync(_incarnation, cluster.SelfAddress.ToString(), _formation, cancel) is not { } formedAt) return false;
        _formedAt = formedAt;
        await cluster.JoinAsync(cluster.SelfAddress, cancel);
        log($"this node has formed the cluster {_formation}");
        return true;
    }

    private async Task<bool> TryJoinAsync(Akka.Cluster.Cluster cluster, NodeRow[] rows, CancellationToken cancel)
    {
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        attempt.CancelAfter(_attempt);
        try { await cluster.JoinSeedNodesAsync(rows.Select(r => Address.Parse(r.Address)), attempt.Token); }
        catch (Exception e) when (e is OperationCanceledException or ClusterJoinFailedException or FormatException && !cancel.IsCancellationRequested) { return false; }
        var met = rows.OrderBy(r => (r.FormedAt, r.Formation)).FirstOrDefault(r => IsMember(cluster, r.Address)) ?? rows[0];
        (_formation, _formedAt) = (met.Formation, met.FormedAt);
        log($"this node has joined the cluster {_formation} by {met.Name}");
        return true;
    }
}
