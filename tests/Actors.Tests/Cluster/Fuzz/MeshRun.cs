using System.Text.Json;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Cluster.Fuzz;

/// <summary>One random life of a mesh: changes, time, clock steps, faults, stops and crashes; after every step everything is checked (the audit, which costs most, now and then and at the end).</summary>
internal sealed class MeshRun
{
    private readonly Simulated _world;
    private readonly SimulatedStore _store;
    private readonly JournalFaults _faults = new();
    private readonly MeshOptions _options = SimulatedNode.Options();
    private readonly PromiseWitness _witness;
    private readonly ChangeGenerator _generator;
    private readonly List<string> _trace = [];
    private readonly Random _random;
    private SimulatedNode _node = null!;
    private MeshModel _model = new();

    private MeshRun(Simulated world)
    {
        _world = world;
        _random = world.Random;
        _store = new SimulatedStore(world.Clock);
        _witness = new PromiseWitness(_options.Range, _options.Quarantine);
        _generator = new ChangeGenerator(world.Random);
    }

    /// <summary>Runs a seed; the trace says what happened. Throws with seed and trace when anything is not as promised.</summary>
    public static IReadOnlyList<string> Run(int seed, int steps)
    {
        var world = new Simulated(seed);
        var run = new MeshRun(world);
        try { world.Run(() => run.LiveAsync(steps)); }
        catch (Exception e) { throw new InvalidOperationException($"seed {seed}: {e.Message}\nwhat happened:\n{string.Join('\n', run._trace)}", e); }
        return run._trace;
    }

    private async Task LiveAsync(int steps)
    {
        _node = await new SimulatedNode(_world, _store, _faults, _options).StartAsync();
        for (var step = 0; step < steps; step++)
        {
            switch (_random.Next(20))
            {
                case < 9: await ChangeAsync(1); break;
                case < 13: await ChangeAsync(2 + _random.Next(3)); break;
                case < 15: await PassAsync(); break;
                case < 16: StepBack(); break;
                case < 17: await StopAsync(); break;
                default: await CrashAsync(); break;
            }
            await CheckAsync(last: step == steps - 1);
        }
    }

    private async Task ChangeAsync(int count)
    {
        var requests = _generator.Requests(_model, count);
        var faulty = _random.Next(5) < 2;
        if (faulty) _faults.Rule = RandomFault;
        var deadline = TimeSpan.FromSeconds(_random.Next(4) == 0 ? 1 : 60);
        var replies = await Task.WhenAll(requests.Select(r => _node.ChangeAsync(r, deadline)));
        await SettleAsync(replies);
        foreach (var (request, reply) in requests.Zip(replies)) Take(request, reply, faulty || deadline < TimeSpan.FromSeconds(2), alone: count == 1);
        if (count == 1 && requests[0].IdempotencyKey is not null) await RepeatAsync(requests[0], replies[0]!);
    }

    private async Task CrashAsync()
    {
        var requests = _generator.Requests(_model, _random.Next(4));
        _faults.Rule = RandomFault;
        var replies = requests.Select(r => _node.ChangeAsync(r)).ToArray();
        await _world.PassAsync(TimeSpan.FromMilliseconds(_random.Next(3) * _random.Next(1500)));
        _node.Crash();
        _trace.Add("crash");
        var warm = _random.Next(2) == 0 && _node.Directory.IsLoaded ? _node.Directory.Capture() : null;
        var ended = await Task.WhenAll(replies);
        if (_random.Next(3) == 0) StepBack();
        _node = await new SimulatedNode(_world, _store, _faults, _options, warm).StartAsync();
        await SettleAsync(ended);
        foreach (var (request, reply) in requests.Zip(ended)) Take(request, reply, faulty: true, alone: false);
    }

    private async Task StopAsync()
    {
        _trace.Add("stop and start");
        await _node.Mesh.StopAsync();
        _node = await new SimulatedNode(_world, _store, _faults, _options).StartAsync();
    }

    private async Task PassAsync()
    {
        var time = TimeSpan.FromMinutes(1 + _random.Next(100));
        _trace.Add($"{time} pass");
        // In one leap: what matters is the time, not a poll of the feed every second of it.
        _world.Clock.Leap(time);
        await _world.PassAsync(TimeSpan.FromSeconds(2));
    }

    private void StepBack()
    {
        var by = TimeSpan.FromMinutes(_random.Next(120));
        _trace.Add($"the wall clock goes back {by}");
        _world.Clock.StepWall(-by);
    }

    // No more faults; and whatever is still on its way arrives, or is fenced.
    private async Task SettleAsync(ChangeReply?[] replies)
    {
        _faults.Rule = null;
        if (replies.Any(r => r is null || r.Outcome == ChangeOutcome.Unknown)) await _world.PassAsync(TimeSpan.FromSeconds(60));
        await _node.ReadyAsync();
    }

    private JournalFault RandomFault(JournalCall call)
    {
        var before = TimeSpan.FromMilliseconds(_random.Next(8) switch { 0 => _random.Next(2000), 1 => _random.Next(15_000), 2 => _random.Next(100) == 0 ? 45_000 : 0, _ => _random.Next(5) });
        var after = TimeSpan.FromMilliseconds(_random.Next(4) == 0 ? _random.Next(1000) : 0);
        if (_random.Next(6) != 0) return new JournalFault(FaultKind.None, before, after);
        var kind = call == JournalCall.Append ? (FaultKind)(1 + _random.Next(4)) : FaultKind.Unavailable;
        return new JournalFault(kind, before, after);
    }

    private void Take(ChangeRequest request, ChangeReply? reply, bool faulty, bool alone)
    {
        _trace.Add($"{(alone ? "" : "(with others) ")}{Describe(request)} -> {(reply is null ? "no reply" : $"{reply.Outcome} {(reply.Outcome == ChangeOutcome.Refused ? reply.Reason : "")} {reply.Detail}")}");
        var expected = _model.Refusal(request);
        var after = request.DryRun ? _model : _model.After(request);
        switch (reply?.Outcome)
        {
            case ChangeOutcome.Applied:
                Assert.Null(expected);
                Assert.Equal(request.Changes.Select(c => _model.Action(request, c)), reply.Results.Select(r => r.Action));
                _model = after;
                break;
            case ChangeOutcome.Refused when expected is not null:
                Assert.Equal(expected, reply.Reason);
                break;
            case ChangeOutcome.Refused when reply.Reason == RefusalReason.PoolExhausted:
                if (alone) Assert.True(_witness.CertainlyFree < NeededBy(_model.After(request)), "refused for want of VIPs, but there were enough");
                break;
            case ChangeOutcome.Refused:
                Assert.True(faulty && reply.Reason == RefusalReason.Contention, $"refused: {reply.Reason} {reply.Detail}");
                break;
            case ChangeOutcome.Unavailable:
                Assert.True(faulty, $"unavailable without a fault: {reply.Detail}");
                break;
            default:
                Assert.True(faulty, $"unknown without a fault: {reply?.Detail}");
                if (expected is null && _model.Difference(_node.Documents(), Keys(request)) is not null) _model = after;
                break;
        }
        Assert.Null(_model.Difference(_node.Documents(), Keys(request)));
        foreach (var key in Keys(request)) if (_model.Documents.ContainsKey(key)) _model.Learn(key, _node.Documents()[key].Version);
    }

    private async Task RepeatAsync(ChangeRequest request, ChangeReply first)
    {
        var events = _node.Events();
        if (_random.Next(3) == 0)
        {
            _node.Crash();
            _node = await new SimulatedNode(_world, _store, _faults, _options).StartAsync();
            events = _node.Events();
        }
        var again = await _node.ChangeAsync(request);
        if (first.Outcome == ChangeOutcome.Applied && !request.DryRun)
        {
            _trace.Add("the same again");
            Assert.Equal(JsonSerializer.Serialize(first, ReplyJson.Default.ChangeReply), JsonSerializer.Serialize(again, ReplyJson.Default.ChangeReply));
            Assert.Equal(events, _node.Events());
        }
        else if (first.Outcome == ChangeOutcome.Unknown && again!.Outcome == ChangeOutcome.Applied)
        {
            // It finds out, or does it now: either way it is done, and done once.
            _trace.Add("the same again, and now it is done");
            if (!request.DryRun) _model = _model.After(request);
            Assert.Null(_model.Difference(_node.Documents(), Keys(request)));
            foreach (var key in Keys(request)) if (_model.Documents.ContainsKey(key)) _model.Learn(key, _node.Documents()[key].Version);
        }
        else Take(request, again, faulty: false, alone: true);
    }

    private async Task CheckAsync(bool last)
    {
        var held = _witness.Holders.ToDictionary(h => h.Value, h => h.Key);
        _witness.Watch(_store);
        Assert.Null(_model.Difference(_node.Documents()));
        var eligible = _model.Eligible();
        var leases = _node.Leases();
        Assert.Equal(_witness.Holders.OrderBy(h => h.Key).Select(h => (h.Value, h.Key)), leases.OrderBy(l => l.Value).Select(l => (l.Key, l.Value)));
        Assert.Equal(eligible.Order(), leases.Keys.Order());
        foreach (var (host, index) in held)
            if (eligible.Contains(host) && leases[host] != index) Assert.True(_witness.IsTaken(index), $"promise 2: {host} moved from {index} to {leases[host]} for no reason");
        if (last || _random.Next(3) == 0) Assert.Empty(_node.Audit().Breaches);
        await _node.CaughtUpAsync();
        CheckDirectory(leases);
    }

    private void CheckDirectory(Dictionary<HostName, int> leases)
    {
        Assert.Empty(_node.Violations);
        var hosts = _model.Hosts;
        Assert.Equal(hosts.Select(h => h.Key).Order(), _node.Directory.Hosts.Select(h => h.Host).Order());
        foreach (var entry in _node.Directory.Hosts)
        {
            var documents = hosts[entry.Host];
            Assert.Equal(leases.TryGetValue(entry.Host, out var index) ? index : -1, entry.VipIndex);
            Assert.Equal(documents.Count(), entry.Declarations.Length);
            Assert.Equal(AnswerOf(entry.Host, [.. documents]), entry.Choose(ClientView.Default).Source);
        }
    }

    // The oldest record that has an address answers, as the owner of the host tells their ages.
    private AnswerSource AnswerOf(HostName host, MeshDocument[] documents)
    {
        foreach (var declaration in _node.Mesh.Local.OwnerOf(host).View.State.DeclarationsOf(host))
        {
            var record = documents.Where(d => d.Key.Namespace == declaration.Document.Namespace).ToArray();
            if (record.Any(MeshModel.HasAddress)) return AnswerSource.Explicit;
            if (record.Any(d => MeshModel.IsEligible(d, host))) return AnswerSource.Vip;
        }
        return AnswerSource.NoAddress;
    }

    // At least so many VIPs are asked for anew: more than the free ones means that the refusal was right.
    private int NeededBy(MeshModel after) => after.Eligible().Count(h => !_witness.Holders.Values.Contains(h)) + after.Addresses().Except(_model.Addresses()).Count() * _options.Range.Capacity;

    private static IEnumerable<DocumentKey> Keys(ChangeRequest request) => request.Changes.Select(c => c.Key);

    private static string Describe(ChangeRequest request) =>
        (request.DryRun ? "dry " : "") + (request.IdempotencyKey is { } key ? key + " " : "") + request.Source + (request.TakeOver ? " takes over" : "") + ": " + string.Join(", ", request.Changes.Select(c => c.Document is { } d
            ? $"put {c.Key.Name} {d.ServiceEntry!.Resolution}{(d.Labels is null ? "" : " opted out")} [{string.Join(' ', d.ServiceEntry.Hosts)}] [{string.Join(' ', d.ServiceEntry.Addresses)}]"
            : $"delete {c.Key.Name}"));
}
