using Akka.Actor;
using Akka.Coordination;
using MeshDns.Actors.Store;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// The lease by which the split-brain resolver decides: a row of the database. When the database does not answer, a side that still sees a majority of at least three owners holds it, so that an outage of the database and a lost
/// node together do not end everybody's actor system. Who takes it takes the rows of the unreachable away: their incarnations are over (docs/adr/0029). It decides speed, never correctness: that is the log's own guard.
/// </summary>
internal sealed class DatabaseLease : Lease
{
    private readonly Akka.Cluster.Cluster _cluster;
    private readonly NodeSetup _node;
    private volatile bool _isHeld;

    public DatabaseLease(LeaseSettings settings, ExtendedActorSystem system) : base(settings)
    {
        _cluster = Akka.Cluster.Cluster.Get(system);
        _node = system.Settings.Setup.Get<NodeSetup>().Value;
    }

    /// <inheritdoc/>
    public override Task<bool> Acquire() => Acquire(null!);

    /// <inheritdoc/>
    public override async Task<bool> Acquire(Action<Exception?> leaseLostCallback)
    {
        string[] over = [.. _cluster.State.Unreachable.Select(m => Owners.IncarnationOf(m.UniqueAddress))];
        try { _isHeld = await InTime(PostgresNodes.AcquireAsync(Sessions, Settings.LeaseName, Holder, Settings.TimeoutSettings.HeartbeatTimeout, over)); }
        catch (Exception e) when (e is StoreUnavailableException or TimeoutException or OperationCanceledException)
        {
            _isHeld = SeesMajority();
            _node.Log(ActorLogLevel.Warning, "lease", $"the database does not answer; this side {(_isHeld ? "sees a majority and stays" : "sees no majority of at least three owners")}: {e.Message}", null);
        }
        return _isHeld;
    }

    /// <inheritdoc/>
    public override async Task<bool> Release()
    {
        _isHeld = false;
        try { return await InTime(PostgresNodes.ReleaseAsync(Sessions, Settings.LeaseName, Holder)); }
        catch (Exception e) when (e is StoreUnavailableException or TimeoutException or OperationCanceledException) { return false; }
    }

    /// <inheritdoc/>
    public override bool CheckLease() => _isHeld;

    private string Holder => Owners.IncarnationOf(_cluster.SelfUniqueAddress);

    private bool SeesMajority()
    {
        var owners = _cluster.State.Members.Where(m => m.HasRole(Owners.Role)).ToArray();
        var reachable = owners.Count(m => _cluster.State.Unreachable.All(u => u.Address != m.Address));
        return owners.Length >= 3 && reachable * 2 > owners.Length;
    }

    private PostgresSessions Sessions => _node.Sessions ?? throw new TimeoutException("this node has no database");

    private Task<bool> InTime(Task<bool> asked) => asked.WaitAsync(Settings.TimeoutSettings.OperationTimeout);
}
