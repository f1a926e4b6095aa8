using MeshDns.Contracts.Messages;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>What a seed came to.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Problems">Everything that was not as promised; empty when all was.</param>
/// <param name="Trace">What happened.</param>
/// <param name="Counts">How much of what happened, by name: a world in which nothing happens keeps every promise.</param>
internal sealed record LogRunResult(int Seed, IReadOnlyList<string> Problems, IReadOnlyList<string> Trace, IReadOnlyDictionary<string, long> Counts);

/// <summary>One random life of a cluster: minutes of changes and faults, then peace, in which everything has to come right by itself; then the judge.</summary>
internal sealed class LogRun
{
    private const long FaultMs = 110_000;

    private readonly LogWorld _world;
    private readonly List<LogClient> _clients = [];
    private readonly LogOperator? _operator;
    private int _judged;

    private LogRun(LogWorld world) => (_world, _operator) = (world, world.Kind.HasOperator ? new LogOperator(world) : null);

    /// <summary>Runs a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="bug">What is planted.</param>
    /// <param name="kindOf">The mistake in whose kind of world it runs; that of <paramref name="bug"/> if it is not said.</param>
    public static LogRunResult Run(int seed, LogBug bug = LogBug.None, LogBug? kindOf = null)
    {
        var run = new LogRun(new LogWorld(seed, bug, kindOf ?? bug));
        try
        {
            run.Live();
            run.Judge();
        }
        catch (Exception e) { run._world.Problems.Add(e.ToString()); }
        return new LogRunResult(seed, run._world.Problems, run._world.Trace, run.Counts());
    }

    private Dictionary<string, long> Counts() => new()
    {
        ["applied"] = _clients.Sum(c => c.Applied),
        ["settings"] = _operator?.Applied ?? 0,
        ["settings refused"] = _operator?.Refused ?? 0,
        ["replayed"] = _clients.Sum(c => c.Replayed),
        ["judged"] = _judged,
        ["terms"] = _world.Terms,
        ["resent"] = _world.AllNodes.Sum(n => n.Api.Resent),
        ["images"] = _world.Images,
        ["reads"] = _world.Reads.Count,
        ["rows"] = _world.Log.Primary.End.Number,
    };

    private void Live()
    {
        var watch = new LogWatch(_world);
        for (var i = 1; i <= _world.Kind.Owners; i++) _world.Start("n" + i);
        for (var i = 1; i <= _world.Kind.Edges; i++) _world.Start("e" + i);
        _world.Membership.Begin();
        watch.Begin();
        for (var i = 0; i < 4; i++)
        {
            var client = new LogClient(_world, i, areTwins: i == 3);
            _clients.Add(client);
            client.Begin();
        }
        _operator?.Begin();
        Pass(4000);
        var faults = new LogFaults(_world);
        faults.Begin(FaultMs);
        while (!faults.IsOver && _world.NowMs < 600_000) Pass(500);
        _world.Network.Heal();
        _world.Log.Heal();
        _world.IsCalm = true;
        _world.Say("all is repaired");
        Settle();
        Pass(3000);
        foreach (var client in _clients) client.IsStopped = true;
        _operator?.IsStopped = true;
        Pass(10_000);
        // An incarnation that was superseded, and that nobody asks, does not know it.
        foreach (var node in _world.Owners.ToArray()) Change(node, _world.NowMs + 3000);
        Pass(6000);
        new LogComparison(_world).Run();
        watch.IsStopped = true;
        Pass(1000);
        foreach (var node in _world.AllNodes) _world.History.Add(new NodeRecord(node.Name, NodeCondition.Up, node.UpSince, node.DownSince ?? _world.NowMs));
    }

    private void Pass(long ms) => _world.Agenda.RunUntil(_world.NowMs + ms);

    private void Settle()
    {
        var end = _world.NowMs + 15_000;
        while (Unsettled(_world) is { } what)
        {
            if (_world.NowMs > end)
            {
                _world.Problems.Add("15 s after all was repaired: " + what);
                return;
            }
            Pass(250);
        }
        foreach (var node in _world.Owners.ToArray()) Change(node, _world.NowMs + 10_000);
    }

    /// <summary>What is not yet as it has to be when nothing fails; null for nothing.</summary>
    public static string? Unsettled(LogWorld world)
    {
        foreach (var node in world.Nodes.Values)
        {
            if (!node.IsUp || !node.Process.IsRunning) return $"{node.Name} is not running";
            if (node.Followed.AgeMs is not { } age || age > (world.Kind.HasStandby ? 6000 : 3000)) return $"the directory of {node.Name}, at {node.Followed.Position}, is {node.Followed.AgeMs} ms old";
            if (node.Followed.Lost is not null) return $"what {node.Name} knows of a lost past is not written";
            if (!node.IsOwner) continue;
            if (node.Api.Known is not { } known) return $"{node.Name} knows no allocator";
            if (!world.Owners.Any(o => o.Terms.Any(t => t.IsServing && t.Term == known.Term))) return $"{node.Name} knows the allocator {known.Term}, which does not serve";
        }
        return null;
    }

    private void Change(LogNode node, long end)
    {
        var request = new ChangeRequest { Changes = [Make.Put(Make.Entry("last", ["last.example"], ["10.0.0.1"], port: 1 + _world.Random.Next(60000)))] };
        node.Api.Change(request, "last " + _world.Random.Next(), 3000, reply =>
        {
            if (reply.Outcome == ChangeOutcome.Applied) return;
            if (_world.NowMs < end) _world.Agenda.After(300, () => Change(node, end));
            else _world.Problems.Add($"{node.Name} takes no change though all is well: {reply.Outcome} {reply.Detail}");
        });
    }

    private void Judge()
    {
        _world.History.Add(new TwinRecord("t0.example", "t1.example"));
        // The comparison looks at the images.
        var past = LoggedPast.Of([.. _world.Log.Primary.Rows], []);
        var verdict = HistoryJudge.Check(_world.History, past, new JudgeOptions { SettleMs = _world.Kind.MayLosePast ? 6000 : 3500, TtlMs = LogWorld.MaxTtlMs });
        foreach (var breach in verdict.Breaches) if (!breach.Sentence.Contains("default/last", StringComparison.Ordinal)) _world.Problems.Add(breach.ToString());
        _judged = verdict.AnswersJudged;
    }
}
