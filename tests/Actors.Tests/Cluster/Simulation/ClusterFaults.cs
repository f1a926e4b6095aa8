using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>Makes things go wrong, several at a time, and notes for the judge what each of them excuses.</summary>
internal sealed class ClusterFaults
{
    private readonly ClusterWorld _world;
    private readonly Random _random;
    private readonly HashSet<string> _busy = [];
    private readonly List<Task> _running = [];
    private TimeSpan _forward;
    private int _failovers;
    private bool _isLosing;

    public ClusterFaults(ClusterWorld world)
    {
        _world = world;
        _random = new Random(world.Random.Next());
    }

    /// <summary>Makes faults for so long; ends when the last of them is over.</summary>
    public async Task RunAsync(double seconds)
    {
        var end = _world.NowMs + (long)(seconds * 1000);
        while (_world.NowMs < end)
        {
            await _world.PassAsync(0.5 + (_random.NextDouble() * 10));
            _running.Add(MakeAsync());
        }
        await Task.WhenAll(_running);
    }

    private Task MakeAsync() => _random.Next(18) switch
    {
        0 or 1 or 2 => OnNodeAsync(CrashAsync),
        3 => OnNodeAsync(FlapAsync),
        4 or 5 => OnNodeAsync(StopAsync),
        6 or 7 => OnNodeAsync(PauseAsync),
        8 => OnNodeAsync(DrainAsync),
        9 or 10 => CutDatabaseAsync(),
        11 or 12 => PartAsync(),
        13 => DisturbNetworkAsync(),
        14 => RestartDatabaseAsync(),
        15 => ScaleAsync(),
        16 => StepClocks(),
        _ => _world.IsLossy && _failovers < 2 ? LoseAsync() : OnNodeAsync(PauseAsync),
    };

    private double Seconds(double most) => _random.NextDouble() * most * (_random.Next(3) == 0 ? 1 : 0.3);

    // One fault at a time handles a node's process.
    private async Task OnNodeAsync(Func<ClusterNode, Task> fault)
    {
        ClusterNode[] free = [.. _world.Nodes.Values.Where(n => !_busy.Contains(n.Name) && n.IsUp)];
        if (free.Length == 0) return;
        var node = free[_random.Next(free.Length)];
        _busy.Add(node.Name);
        var from = _world.NowMs;
        try { await fault(node); }
        finally { _busy.Remove(node.Name); }
        // What it takes others to notice is theirs to excuse only where they read through it.
        Note(fault.Method.Name, from, [node.Name, .. Edges]);
    }

    private IEnumerable<string> Edges => _world.Nodes.Keys.Where(n => n.StartsWith('e'));

    private async Task CrashAsync(ClusterNode node)
    {
        _world.Say($"{node.Name} dies");
        node.Crash();
        await _world.PassAsync(Seconds(20));
        _world.Start(node.Name);
    }

    private async Task FlapAsync(ClusterNode node)
    {
        for (var i = 0; i < 5; i++)
        {
            _world.Say($"{node.Name} dies, flapping");
            node.Crash();
            await _world.PassAsync(Seconds(0.5));
            node = _world.Start(node.Name);
            await _world.PassAsync(Seconds(4));
        }
    }

    private async Task StopAsync(ClusterNode node)
    {
        _world.Say($"{node.Name} stops");
        await node.StopAsync();
        await _world.PassAsync(Seconds(10));
        _world.Start(node.Name);
    }

    private async Task PauseAsync(ClusterNode node)
    {
        var from = _world.NowMs;
        _world.Say($"{node.Name} is held");
        node.Life.Pause();
        await _world.PassAsync(Seconds(_random.Next(6) == 0 ? 70 : 20));
        var dies = _random.Next(6) == 0;
        _world.History.Add(new NodeRecord(node.Name, NodeCondition.Paused, from, _world.NowMs));
        _world.Say($"{node.Name} {(dies ? "dies while held" : "goes on")}");
        if (dies) node.Crash();
        node.Life.Resume();
        if (dies) _world.Start(node.Name);
    }

    private async Task DrainAsync(ClusterNode node)
    {
        _world.Say($"{node.Name} drains");
        _world.Spawn(() => node.Mesh.Control.DrainAsync(node.Name, CancellationToken.None));
        await _world.PassAsync(1 + Seconds(20));
        _world.Say($"{node.Name} stops, drained");
        await node.StopAsync();
        _world.Start(node.Name);
    }

    private async Task CutDatabaseAsync()
    {
        var names = _world.Nodes.Keys.Where(n => n.StartsWith('n') && _world.LinkOf(n) == LinkState.Well).ToArray();
        if (names.Length == 0) return;
        var name = names[_random.Next(names.Length)];
        var state = (LinkState)(1 + _random.Next(3));
        var from = _world.NowMs;
        _world.Say($"the link of {name} to the database: {state}");
        _world.SetLink(name, state);
        await _world.PassAsync(0.5 + Seconds(_random.Next(5) == 0 ? 90 : 20));
        _world.SetLink(name, LinkState.Well);
        _world.Say($"the link of {name} to the database is well again");
        Note("link " + state, from, [name, .. Edges]);
    }

    private async Task PartAsync()
    {
        var names = _world.Nodes.Keys.ToArray();
        var one = names[_random.Next(names.Length)];
        var others = names.Where(n => n != one && _random.Next(2) == 0).ToArray();
        var (there, back) = _random.Next(3) switch { 0 => (true, true), 1 => (true, false), _ => (false, true) };
        var from = _world.NowMs;
        _world.Say($"{one} is parted from {string.Join(' ', others)}, {there} {back}");
        foreach (var other in others) Part(other, _world.Network.Part);
        await _world.PassAsync(0.5 + Seconds(25));
        foreach (var other in others) Part(other, _world.Network.Join);
        _world.Say($"{one} is together again with {string.Join(' ', others)}");
        Note("partition", from, [.. Edges]);

        void Part(string other, Action<string, string> part)
        {
            if (there) part(ClusterWorld.AddressOf(one), ClusterWorld.AddressOf(other));
            if (back) part(ClusterWorld.AddressOf(other), ClusterWorld.AddressOf(one));
        }
    }

    private async Task DisturbNetworkAsync()
    {
        var from = _world.NowMs;
        var network = _world.Network;
        (network.LostPerMille, network.LatePerMille, network.LatencyMs) = (_random.Next(300), _random.Next(200), 1 + _random.Next(400));
        _world.Say($"the network loses {network.LostPerMille} and delays {network.LatePerMille} of 1000 messages");
        await _world.PassAsync(1 + Seconds(15));
        (network.LostPerMille, network.LatePerMille, network.LatencyMs) = (0, 0, 2);
        _world.Say("the network is well again");
        Note("network", from, [.. Edges]);
    }

    private async Task RestartDatabaseAsync()
    {
        if (_world.IsDatabaseDown) return;
        var from = _world.NowMs;
        _world.Say("the database goes down");
        _world.IsDatabaseDown = true;
        await _world.PassAsync(0.2 + Seconds(_random.Next(6) == 0 ? 60 : 12));
        _world.IsDatabaseDown = false;
        _world.Say("the database is up");
        Note("database restart", from, null);
    }

    // 3 to 5 and down to 2.
    private async Task ScaleAsync()
    {
        if (!_busy.Add("scale")) return;
        foreach (var name in ((string[])["n4", "n5"]).Where(n => !_world.Nodes.ContainsKey(n)).ToArray()) _world.Start(name);
        await _world.PassAsync(3 + Seconds(25));
        foreach (var name in (string[])["n5", "n4"])
        {
            if (!_world.Nodes.TryGetValue(name, out var node) || !node.IsUp || !_busy.Add(name)) continue;
            _world.Say($"{name} leaves for good");
            await node.StopAsync();
            _world.Nodes.Remove(name);
            _busy.Remove(name);
        }
        if (_world.Nodes.TryGetValue("n3", out var third) && third.IsUp && _busy.Add("n3"))
        {
            _world.Say("n3 leaves for a while");
            await third.StopAsync();
            await _world.PassAsync(Seconds(20));
            _world.Start("n3");
            _busy.Remove("n3");
        }
        _busy.Remove("scale");
    }

    // A database that runs ahead ends quarantines early, by as much: only so much as the margin of two TTLs takes.
    private Task StepClocks()
    {
        var by = TimeSpan.FromSeconds(_random.Next(3) == 0 ? _random.Next(4) : -_random.Next(100));
        if (by > TimeSpan.Zero && (_forward += by) > TimeSpan.FromSeconds(6)) return Task.CompletedTask;
        _world.Store.ClockOffset += by;
        _world.Say($"the database's clock steps by {by}");
        var names = _world.Nodes.Keys.ToArray();
        var name = names[_random.Next(names.Length)];
        _world.Nodes[name].Clock.WallOffset += TimeSpan.FromSeconds(_random.Next(-30, 30));
        return Task.CompletedTask;
    }

    // A standby that lagged by up to some seconds is promoted.
    private async Task LoseAsync()
    {
        // A second standby would have copied what the first failover took away.
        if (_isLosing) return;
        _isLosing = true;
        _failovers++;
        var from = _world.NowMs;
        var copy = _world.Store.Copy();
        _world.Say("the standby begins to lag");
        await _world.PassAsync(Seconds(6));
        _world.IsDatabaseDown = true;
        await _world.PassAsync(Seconds(5));
        _world.Store.Rewind(copy, "lost " + _failovers);
        _world.IsDatabaseDown = false;
        _world.Say("the standby that lagged is promoted");
        _world.History.Add(new FaultRecord("lossy failover", from, _world.NowMs, null, Lossy: true));
        _isLosing = false;
    }

    private void Note(string kind, long from, string[]? nodes) => _world.History.Add(new FaultRecord(kind, from, _world.NowMs, nodes));
}
