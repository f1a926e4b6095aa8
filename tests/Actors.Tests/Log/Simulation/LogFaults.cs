using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>Makes things go wrong, several at a time, and notes for the judge what each of them excuses.</summary>
internal sealed class LogFaults
{
    private readonly LogWorld _world;
    private readonly Random _random;
    private readonly HashSet<string> _busy = [];
    private long _end;
    private long _forwardMs;
    private int _failovers;
    private bool _isLosing;
    private int _running;

    public LogFaults(LogWorld world)
    {
        _world = world;
        _random = new Random(world.Random.Next());
        world.Faults = this;
    }

    /// <summary>True when the last fault is over.</summary>
    public bool IsOver => _world.NowMs >= _end && _running == 0;

    public void Begin(long forMs)
    {
        _end = _world.NowMs + forMs;
        _world.IsCalm = false;
        Next();
    }

    /// <summary>A process dies where it stands.</summary>
    public void CrashAt(LogNode node) => OnNode(node, "dies", (n, done) =>
    {
        _world.Crash(n);
        After(Spell(20_000), () => Restart(n, done));
    });

    /// <summary>A process is held where it stands, or its machine sleeps.</summary>
    public void HoldAt(LogNode node) => OnNode(node, "is held", Hold);

    private IEnumerable<string> Edges => _world.Nodes.Keys.Where(n => n.StartsWith('e'));

    private long Spell(long most) => (long)(_random.NextDouble() * most * (_random.Next(3) == 0 ? 1 : 0.3));

    private void After(long ms, Action what) => _world.Agenda.After(ms, what);

    private void Next()
    {
        if (_world.NowMs >= _end) return;
        After(500 + _random.Next(10_000), () =>
        {
            if (_world.NowMs < _end) Make();
            Next();
        });
    }

    private void Make()
    {
        if (_world.Kind.Often is { } often && _random.Next(2) == 0)
        {
            MakeOften(often);
            return;
        }
        switch (_random.Next(20))
        {
            case 0 or 1 or 2: if (Any() is { } dying) CrashAt(dying); break;
            case 3: Flap(5); break;
            case 4 or 5: OnNode(Any(), "stops", Stop); break;
            case 6 or 7: OnNode(Any(), "is held", Hold); break;
            case 8: OnNode(Any(), "sleeps", Sleep); break;
            case 9 or 10: CutDatabase(); break;
            case 11 or 12: Part(); break;
            case 13: Disturb(); break;
            case 14: RestartDatabase(); break;
            case 15: Err(); break;
            case 16: StepClocks(); break;
            case 17: if (_world.Kind.HasStandby) CutOff(); else _world.Membership.HandOver(); break;
            case 18: if (_world.Membership.Holder is { Process.IsRunning: true } holder) Twin(holder); break;
            default: if (_world.Kind.IsLossy) Lose(); else OnNode(Any(), "is held", Hold); break;
        }
    }

    private void MakeOften(string often)
    {
        switch (often)
        {
            case "lose": Lose(); break;
            case "fork": Fork(); break;
            case "old": CutOff(); break;
            case "held edge": OnNode(Any(edge: true), "is held", (node, done) => HoldAndPart(node, false, done)); break;
            case "sleep": OnNode(Any(), "sleeps", Sleep); break;
            case "sleeping allocator": OnNode(_world.Membership.Holder, "sleeps", (node, done) => HoldAndPart(node, true, done)); break;
            case "apart":
                Err();
                if (_world.Membership.Holder is { } holder) Part(holder.Name, [.. _world.Nodes.Keys.Where(n => n != holder.Name)], true, true);
                break;
            default: RestartInThePast(); break;
        }
    }

    // Held for longer than a quarantine, and alone with what it knew for a while after that.
    private void HoldAndPart(LogNode node, bool sleeps, Action done) => Hold(node, sleeps, 62_000 + _random.Next(25_000), () =>
    {
        var edges = node.IsOwner ? [.. Edges] : _world.Nodes.Keys.Where(n => n != node.Name).ToArray();
        Part(node.Name, edges, true, true, 30_000);
        done();
    });

    // Its wall clock goes back, it begins anew with the directory that it saved, and cannot reach the database for longer than a quarantine.
    private void RestartInThePast() => OnNode(Any(), "dies, to begin in the past", (node, done) =>
    {
        _world.Crash(node);
        _world.SetWall(node.Name, _world.WallOf(node.Name) - 35_000 - _random.Next(60_000));
        CutDatabase(65_000 + _random.Next(25_000), node.Name);
        After(500, () => Restart(node, done));
    });

    private LogNode? Any(bool edge = false)
    {
        LogNode[] free = [.. _world.Nodes.Values.Where(n => !_busy.Contains(n.Name) && n.IsUp && n.Process.IsRunning && (!edge || !n.IsOwner))];
        return free.Length == 0 ? null : free[_random.Next(free.Length)];
    }

    // One fault at a time handles a node's process. What it takes others to notice is theirs to excuse only where they read through it.
    private void OnNode(LogNode? node, string what, Action<LogNode, Action> fault)
    {
        if (node is null || !node.IsUp || !_busy.Add(node.Name)) return;
        var from = _world.NowMs;
        _running++;
        _world.Say($"{node.Name} {what}");
        fault(node, () =>
        {
            _running--;
            _busy.Remove(node.Name);
            Note(what, from, [node.Name, .. Edges]);
        });
    }

    private void Restart(LogNode node, Action done)
    {
        if (_world.Nodes[node.Name] == node) _world.Start(node.Name);
        done();
    }

    private void Flap(int times) => OnNode(Any(), "dies, flapping", (node, done) => Flap(node, times, done));

    private void Flap(LogNode node, int left, Action done)
    {
        _world.Crash(node);
        After(Spell(500) + 3, () =>
        {
            var next = _world.Start(node.Name);
            if (left == 1) done();
            else After(Spell(4000) + 3, () => Flap(next, left - 1, done));
        });
    }

    private void Stop(LogNode node, Action done)
    {
        node.DownSince ??= _world.NowMs;
        if (_world.Membership.Holder == node) _world.Membership.HandOver();
        After(_world.Membership.Holder == node ? 1500 : 100, () =>
        {
            _world.Crash(node);
            After(Spell(10_000) + 3, () => Restart(node, done));
        });
    }

    private void Hold(LogNode node, Action done) => Hold(node, false, Spell(_random.Next(6) == 0 ? 100_000 : 20_000), done);

    private void Sleep(LogNode node, Action done) => Hold(node, true, Spell(_random.Next(3) == 0 || _world.Kind.Often == "sleep" ? 100_000 : 20_000), done);

    private void Hold(LogNode node, bool sleeps, long forMs, Action done)
    {
        var from = _world.NowMs;
        node.Process.Pause();
        After(forMs + 3, () =>
        {
            var dies = _random.Next(6) == 0;
            _world.History.Add(new NodeRecord(node.Name, NodeCondition.Paused, from, _world.NowMs));
            _world.Say($"{node.Name} {(dies ? "dies while held" : sleeps ? "wakes" : "goes on")}");
            // What is cut off while it wakes has nobody to learn from.
            if (sleeps && (_world.Kind.Often == "sleep" || _random.Next(3) == 0)) CutDatabase(Spell(60_000), node.Name);
            if (dies)
            {
                _world.Crash(node);
                _world.Start(node.Name);
            }
            else node.Process.Resume(sleeps);
            done();
        });
    }

    private void CutDatabase(long forMs = 0, string? name = null)
    {
        var names = _world.Nodes.Keys.Where(n => n.StartsWith('n') && _world.Log.LinkOf(n) == LinkState.Well && (name is null || n == name)).ToArray();
        if (names.Length == 0) return;
        name = names[_random.Next(names.Length)];
        var state = forMs > 0 ? LinkState.Cut : (LinkState)(1 + _random.Next(3));
        Over("link " + state, 500 + (forMs > 0 ? forMs : Spell(_random.Next(5) == 0 ? 90_000 : 20_000)), [name, .. Edges], () => _world.Log.SetLink(name, state), () => _world.Log.SetLink(name, LinkState.Well), $"of {name}");
    }

    private void Part()
    {
        var names = _world.Nodes.Keys.ToArray();
        var one = names[_random.Next(names.Length)];
        var others = names.Where(n => n != one && _random.Next(2) == 0).ToArray();
        var (there, back) = _random.Next(3) switch { 0 => (true, true), 1 => (true, false), _ => (false, true) };
        Part(one, others, there, back);
    }

    private void Part(string one, string[] others, bool there, bool back, long forMs = 0)
    {
        Over("partition", 500 + (forMs > 0 ? forMs : Spell(25_000)), [.. Edges], () => Each(_world.Network.Part), () => Each(_world.Network.Join), $"of {one} from {string.Join(' ', others)}, {there} {back}");

        void Each(Action<string, string> part)
        {
            foreach (var other in others)
            {
                if (there) part(one, other);
                if (back) part(other, one);
            }
        }
    }

    private void Disturb()
    {
        var network = _world.Network;
        Over("network", 1000 + Spell(15_000), [.. Edges],
            () => (network.LostPerMille, network.LatePerMille, network.LatencyMs) = (_random.Next(300), _random.Next(200), 1 + _random.Next(400)),
            () => (network.LostPerMille, network.LatePerMille, network.LatencyMs) = (0, 0, 2), "disturbed");
    }

    private void RestartDatabase()
    {
        if (!_world.Log.IsDown) Over("database restart", 200 + Spell(_random.Next(6) == 0 ? 60_000 : 12_000), null, _world.Log.GoDown, _world.Log.ComeUp, "");
    }

    private void Err()
    {
        if (_world.Owners.Where(n => n.Process.IsRunning && n.IsUp && n != _world.Membership.Holder).ToArray() is { Length: > 0 } others)
        {
            _running++;
            _world.Membership.Err(others[_random.Next(others.Length)], 500 + Spell(20_000), () => _running--);
        }
    }

    private void Twin(LogNode node)
    {
        _world.Say($"{node.Name} begins another incarnation beside the one that runs");
        node.BeginTerm();
    }

    // A database that runs ahead ends quarantines early, by as much: only so much unnoticed as the margin of two TTLs takes.
    private void StepClocks()
    {
        var by = _random.Next(3) == 0 ? _random.Next(4000) : -_random.Next(100_000);
        if (by <= 0 || (_forwardMs += by) <= 6000)
        {
            _world.Log.Primary.ClockOffsetMs += by;
            _world.Say($"the database's clock steps by {by} ms");
        }
        StepWall(Any(), _random.Next(-60_000, 30_000));
    }

    private void StepWall(LogNode? node, long by)
    {
        if (node is null) return;
        _world.SetWall(node.Name, _world.WallOf(node.Name) + by);
        _world.Say($"the wall clock of {node.Name} steps by {by} ms");
        if (by > 0) foreach (var name in (string[])[node.Name, .. Edges.Where(e => e != node.Name)]) ExcuseUntilYoung(name, _world.NowMs);
    }

    // Nobody can tell a step ahead from a sleep: until the next read the node's knowledge is older by it, in the file and at its readers too.
    private void ExcuseUntilYoung(string name, long from) => After(200, () =>
    {
        if (_world.Nodes[name].Followed.AgeMs is <= 3000) _world.History.Add(new NodeRecord(name, NodeCondition.Paused, from, _world.NowMs));
        else ExcuseUntilYoung(name, from);
    });

    // A standby that lagged by up to some seconds is promoted. A second standby would have copied what the first failover took away.
    private void Lose()
    {
        if (_isLosing || _failovers >= (_world.Kind.Often == "lose" ? 5 : 2) || _world.Log.IsDown) return;
        _isLosing = true;
        _failovers++;
        _running++;
        var from = _world.NowMs;
        var copy = _world.Log.Primary.Copy();
        _world.Say($"the standby begins to lag, at {copy.End}");
        After(Spell(6000), () =>
        {
            _world.Log.GoDown();
            After(Spell(5000), () =>
            {
                _world.Say($"the standby that lagged is promoted: {_world.Log.Primary.End} is gone, the log ends at {copy.End}");
                _world.Log.Promote(copy);
                _world.Log.ComeUp();
                _world.History.Add(new FaultRecord("lossy failover", from, _world.NowMs, null, Lossy: true));
                _isLosing = false;
                _running--;
            });
        });
    }

    private void CutOff()
    {
        if (_world.Log.HasOldPrimary || _world.Log.IsDown) return;
        var names = _world.Owners.Select(n => n.Name).OrderBy(_ => _random.Next()).Take(1 + _random.Next(2)).ToArray();
        if (names.Length == _world.Kind.Owners && names.Length > 1) names = names[..1];
        Over("old primary", 1000 + Spell(_world.Kind.Often == "old" ? 100_000 : 40_000), [.. names, .. Edges], () => _world.Log.CutOff(names), _world.Log.EndOld, $"left with {string.Join(' ', names)}");
    }

    // Two pasts at once, until those who write the one find themselves in the other: at a moment at which both are as long.
    private void Fork()
    {
        if (_world.Log.HasOldPrimary || _world.Log.IsDown || _world.Membership.Holder is not { } holder) return;
        var from = _world.NowMs;
        _running++;
        _world.Say($"a second primary: {holder.Name} stays with the old one");
        _world.Log.Fork([holder.Name]);
        Err();
        After(2000, () => EndFork(from, 8000));
    }

    private void EndFork(long from, long leftMs)
    {
        if (leftMs > 0 && !_world.Log.AreEqual)
        {
            After(3, () => EndFork(from, leftMs - 3));
            return;
        }
        _world.Say($"the old primary is gone, the other ends at {_world.Log.Primary.End}");
        _world.Log.EndOld();
        _running--;
        _world.History.Add(new FaultRecord("two primaries", from, _world.NowMs, null, Lossy: true));
    }

    private void Over(string kind, long forMs, string[]? nodes, Action begin, Action end, string detail)
    {
        var from = _world.NowMs;
        _running++;
        _world.Say($"{kind} {detail}");
        begin();
        After(forMs, () =>
        {
            end();
            _world.Say($"{kind} {detail} is over");
            _running--;
            Note(kind, from, nodes);
        });
    }

    private void Note(string kind, long from, string[]? nodes) => _world.History.Add(new FaultRecord(kind, from, _world.NowMs, nodes));
}
