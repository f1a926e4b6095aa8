using MeshDns.Actors.Directory;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>What a seed came to.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Problems">Everything that was not as promised; empty when all was.</param>
/// <param name="Trace">What happened.</param>
/// <param name="Log">What the nodes logged.</param>
/// <param name="Applied">Changes that were applied.</param>
/// <param name="Judged">Answers that promise 5 had something to say about.</param>
/// <param name="Forwarded">Changes that one node forwarded to another.</param>
/// <param name="ForwardsFound">Those of them that a node did not do, because it found that another had.</param>
internal sealed record ClusterRunResult(int Seed, IReadOnlyList<string> Problems, IReadOnlyList<string> Trace, IReadOnlyList<LogLine> Log, int Applied, int Judged, int Forwarded, int ForwardsFound);

/// <summary>One random life of a cluster: minutes of changes and faults, then peace, in which everything has to come right by itself; then the judge.</summary>
internal sealed class ClusterRun
{
    private const double FaultSeconds = 150;

    // What a node is right to alarm about when a standby that lagged was promoted.
    private static readonly string[] _lossAlarms = ["rewound", "no longer has", "cannot join again"];

    private readonly ClusterWorld _world;
    private readonly List<string> _problems = [];
    private readonly List<ClusterClient> _clients = [];

    private ClusterRun(Simulated simulated, PlantedBug bug) => _world = new ClusterWorld(simulated, bug);

    public static ClusterRunResult Run(int seed, BugKind bug = BugKind.None)
    {
        var simulated = new Simulated(seed);
        var run = new ClusterRun(simulated, new PlantedBug(bug));
        var judged = 0;
        try
        {
            simulated.Run(run.LiveAsync);
            judged = run.Judge();
        }
        catch (Exception e) { run._problems.Add(e.ToString()); }
        return new ClusterRunResult(seed, run._problems, run._world.Trace, simulated.Log, run._clients.Sum(c => c.Applied), judged, run._world.Network.Forwarded, run._world.Store.ForwardsFound);
    }

    private async Task LiveAsync()
    {
        var watch = new ClusterWatch(_world);
        var owners = 2 + _world.Random.Next(3);
        for (var i = 1; i <= owners; i++) _world.Start("n" + i);
        if (_world.Random.Next(2) == 0) _world.Start("e1");
        _world.Spawn(watch.RunAsync);
        for (var i = 0; i < 4; i++)
        {
            var client = new ClusterClient(_world, i, areTwins: i == 3);
            _clients.Add(client);
            _world.Spawn(client.RunAsync);
        }
        await _world.PassAsync(5);
        var faults = new ClusterFaults(_world);
        await faults.RunAsync(FaultSeconds);
        _world.Network.Heal();
        _world.HealLinks();
        _world.IsDatabaseDown = false;
        _world.Say("all is repaired");
        await SettleAsync();
        await _world.PassAsync(5);
        foreach (var client in _clients) client.IsStopped = true;
        await _world.PassAsync(15);
        await CompareAsync();
        watch.IsStopped = true;
        await _world.PassAsync(1);
        foreach (var node in _world.AllNodes)
        {
            if (node.UpSince is { } up) _world.History.Add(new NodeRecord(node.Name, NodeCondition.Up, up, node.DownSince ?? _world.NowMs));
            foreach (var violation in node.Violations) _problems.Add($"the directory of {node.Name} refused a fact: {violation}");
        }
    }

    // Within a lease and what starting takes, every stream has an owner that has recovered, and every node takes changes.
    private async Task SettleAsync()
    {
        var begin = _world.NowMs;
        while (Unsettled() is { } what)
        {
            if (_world.NowMs - begin > 15_000)
            {
                _problems.Add("15 s after all was repaired: " + what);
                return;
            }
            await _world.PassAsync(0.25);
        }
        foreach (var node in _world.Nodes.Values) await ChangeAsync(node, begin + 25_000);
    }

    // A reply may still be lost now and then, and an edge may have to look for an owner; a client that asks again gets its change through.
    private async Task ChangeAsync(ClusterNode node, long end)
    {
        while (true)
        {
            var port = 1 + _world.Random.Next(60000);
            var reply = await node.ChangeAsync(new ChangeRequest { Changes = [Make.Put(Make.Entry("last", ["last.example"], ["10.0.0.1"], port: port))] }, TimeSpan.FromSeconds(5));
            if (reply?.Outcome == ChangeOutcome.Applied) return;
            if (_world.NowMs > end)
            {
                _problems.Add($"{node.Name} takes no change though all is well: {reply?.Outcome} {reply?.Detail}");
                return;
            }
            await _world.PassAsync(1);
        }
    }

    private string? Unsettled()
    {
        if (_world.Nodes.Values.FirstOrDefault(n => !n.IsUp) is { } down) return $"{down.Name} has not joined";
        if (_world.Nodes.Values.FirstOrDefault(n => !n.Mesh.IsReady) is { } starting) return $"{starting.Name} is not ready";
        foreach (var row in _world.Store.Ownership)
        {
            var owner = _world.Nodes.Values.FirstOrDefault(n => n.Mesh.Identity.Node == row.Node && n.Mesh.Identity.Incarnation == row.Incarnation);
            if (owner is null) return $"{row.Stream} belongs to '{row.Node}' {row.Incarnation}, which is not there";
            if (!owner.Mesh.Local.ByStream[row.Stream].IsReady()) return $"{row.Stream} of {row.Node} has not recovered";
        }
        return _world.Store.Ownership.Count == Streams.All(_world.Shards).Count ? null : "there are streams that nobody ever owned";
    }

    // Nothing has changed for a while: every directory says what the owners say.
    private async Task CompareAsync()
    {
        await _world.PassAsync(5);
        if (Unsettled() is { } what)
        {
            _problems.Add("at the end: " + what);
            return;
        }
        var leases = new Dictionary<HostName, int>();
        var declared = new Dictionary<HostName, int>();
        foreach (var row in _world.Store.Ownership)
        {
            var local = _world.Nodes[row.Node].Mesh.Local;
            if (local.ByStream[row.Stream].Fence()!.Value.Seq != row.Seq) _problems.Add($"at the end: {row.Node} has {row.Stream} at {local.ByStream[row.Stream].Fence()!.Value.Seq}, the journal at {row.Seq}");
            if (row.Stream == Streams.Vips) leases = local.Allocator.View.State.Leases.ToDictionary(l => l.Host, l => l.Index);
            else foreach (var (host, declarations) in local.ShardOf[row.Stream].View.State.Hosts) declared[host] = declarations.Length;
        }
        var wanted = Text(declared.Select(d => (d.Key, leases.GetValueOrDefault(d.Key, HostEntry.NoVip), d.Value)));
        foreach (var node in _world.Nodes.Values)
        {
            var found = Text(node.Directory.Hosts.Select(h => (h.Host, h.VipIndex, h.Declarations.Length)));
            if (found != wanted) _problems.Add($"at the end: the directory of {node.Name} says\n  {found}, the owners\n  {wanted}");
            if (node.Directory.Age > TimeSpan.FromSeconds(3)) _problems.Add($"at the end: the directory of {node.Name} is {node.Directory.Age} old");
        }
        if (_world.Failure is { } failure) _problems.Add("something failed: " + failure);

        static string Text(IEnumerable<(HostName Host, int Vip, int Count)> hosts) => string.Join(' ', hosts.OrderBy(h => h.Host).Select(h => $"{h.Host}:{h.Vip}:{h.Count}"));
    }

    private int Judge()
    {
        _world.History.Add(new TwinRecord("t0.example", "t1.example"));
        var verdict = HistoryJudge.Check(_world.History, _world.Store.Image(), new JudgeOptions
        {
            SettleMs = 3500,
            TtlMs = (long)ClusterWorld.MaxTtl.TotalMilliseconds,
            MaxAgeMs = (long)ClusterWorld.MaxAge.TotalMilliseconds,
        });
        foreach (var breach in verdict.Breaches) if (!breach.Sentence.Contains("default/last", StringComparison.Ordinal)) _problems.Add(breach.ToString());
        foreach (var alarm in _world.Simulated.Alarms.Where(a => !_world.IsLossy || !_lossAlarms.Any(text => a.Message.Contains(text, StringComparison.Ordinal))))
            _problems.Add($"alarm at {alarm.At.TotalSeconds:0.000}: {alarm.Source}: {alarm.Message} {alarm.Error}");
        return verdict.AnswersJudged;
    }
}
