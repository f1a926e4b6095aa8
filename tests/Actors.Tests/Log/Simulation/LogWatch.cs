using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>Asks the directories of all nodes as their edges would, and notes the answers: each that is new, and now and then one that is not.</summary>
internal sealed class LogWatch
{
    private static readonly (string Text, byte[] Wire)[] _names = [.. LogClient.Hosts.Select(h => (h, HostName.Parse(h).ToWire()))];

    // What a machine slept since the last tick is not reckoned yet.
    private const long AgeSlackMs = 1000;

    private const long OldMs = 8000;

    private readonly LogWorld _world;
    private readonly HashSet<LogNode> _lied = [];
    private readonly Random _random;
    private readonly Dictionary<(LogNode Node, string Name), (AnswerOutcome Outcome, string Addresses)> _last = [];
    private bool _isAsking;

    public LogWatch(LogWorld world)
    {
        _world = world;
        _random = new Random(world.Random.Next());
    }

    public bool IsStopped { get; set; }

    public void Begin()
    {
        _world.Log.Committed += () =>
        {
            if (_isAsking) return;
            _isAsking = true;
            _world.Agenda.After(_random.Next(30), AskAll);
        };
        Round(0);
    }

    private void Round(int round)
    {
        if (IsStopped) return;
        AskAll();
        if (round % 12 == 0) foreach (var node in _world.Running.ToArray()) _world.Save(node);
        _world.Agenda.After(400 + _random.Next(700), () => Round(round + 1));
    }

    private void AskAll()
    {
        _isAsking = false;
        foreach (var node in _world.Running) if (node.UpSince <= _world.NowMs) Ask(node);
    }

    private void Ask(LogNode node)
    {
        var now = _world.NowMs;
        var age = node.Followed.AgeMs;
        node.Followed.NoteShared();
        var (ttl, maxAge) = LimitsOf(node.Followed.Directory);
        // Where a past may be lost there is no one truth to hold it to.
        if (age is { } told && !_world.Kind.IsLossy && !node.Followed.IsAgeOfFile && _world.Log.Primary.NewsSince(node.Followed.Position) is { } since && now - since > told + AgeSlackMs && _lied.Add(node))
            _world.Problems.Add($"{node.Name} takes what it knows for {told} ms old at {now}, but what is after {node.Followed.Position} has been there for {now - since} ms");
        foreach (var (name, wire) in _names)
        {
            var (outcome, addresses) = Answer(node.Followed.Directory, age, maxAge, wire);
            // What is told out of old knowledge is what a quarantine is for: the last time is the one that counts.
            var isOld = outcome == AnswerOutcome.Addresses && age > OldMs;
            var text = addresses.Length == 0 ? "" : string.Join(',', addresses);
            if (_last.TryGetValue((node, name), out var last) && last == (outcome, text) && !isOld && _random.Next(64) != 0) continue;
            _last[(node, name)] = (outcome, text);
            _world.History.Add(new AnswerRecord(node.Name, name, now, now, outcome, addresses) { TtlMs = ttl, MaxAgeMs = maxAge });
        }
    }

    // As the resolver of the Host takes them: directory.max-age is auto.
    private (long TtlMs, long MaxAgeMs) LimitsOf(MeshDirectory directory)
    {
        var maxAge = (directory.Shared ?? LogWorld.FirstSettings).MaxAge;
        return (Math.Min(LogWorld.NodesTtlMs, directory.LargestTtl * 1000L), _world.Bug == LogBug.AgeOfOtherSettings ? 80_000 : (long)maxAge.TotalMilliseconds);
    }

    // What the resolver of the Host would say of it.
    private static (AnswerOutcome Outcome, string[] Addresses) Answer(MeshDirectory directory, long? age, long maxAgeMs, byte[] wire)
    {
        if (!directory.IsLoaded) return (AnswerOutcome.ServFail, []);
        var match = directory.FindExact(wire, ClientView.Default);
        switch (match.Choice.Source)
        {
            case AnswerSource.Vip:
                return age is not { } ms || ms > maxAgeMs ? (AnswerOutcome.ServFail, []) : (AnswerOutcome.Addresses, [directory.Range.IPv4(match.Entry!.VipIndex).ToString()]);
            case AnswerSource.Explicit:
                var texts = new List<string>(1);
                foreach (var declaration in match.Entry!.Declarations)
                    for (var at = 0; at < declaration.IPv4.Length; at += 4) texts.Add(new System.Net.IPAddress(declaration.IPv4.Slice(at, 4)).ToString());
                return (AnswerOutcome.Addresses, [.. texts.Distinct()]);
            case AnswerSource.Invisible: return (AnswerOutcome.NxDomain, []);
            default: return (AnswerOutcome.NoData, []);
        }
    }
}
