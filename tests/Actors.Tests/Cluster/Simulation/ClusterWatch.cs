using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>Asks the directories of all nodes as their edges would, and notes the answers: each that is new, and now and then one that is not.</summary>
internal sealed class ClusterWatch
{
    private static readonly (string Text, byte[] Wire)[] _names = [.. ClusterClient.Hosts.Select(h => (h, HostName.Parse(h).ToWire()))];

    private readonly ClusterWorld _world;
    private readonly Random _random;
    private readonly Dictionary<(ClusterNode Node, string Name), (AnswerOutcome Outcome, string Addresses)> _last = [];

    public ClusterWatch(ClusterWorld world)
    {
        _world = world;
        _random = new Random(world.Random.Next());
        world.Store.Committed += () => world.Spawn(AfterCommitAsync);
    }

    public bool IsStopped { get; set; }

    public async Task RunAsync()
    {
        for (var round = 0; !IsStopped; round++)
        {
            await _world.PassAsync(0.3 + (_random.NextDouble() * 0.7));
            foreach (var node in _world.Running) Ask(node);
            if (round % 16 == 0) foreach (var node in _world.Running) _world.Save(node);
        }
    }

    private async Task AfterCommitAsync()
    {
        await _world.PassAsync(_random.NextDouble() * 0.03);
        foreach (var node in _world.Running) Ask(node);
    }

    private void Ask(ClusterNode node)
    {
        var now = _world.NowMs;
        foreach (var (name, wire) in _names)
        {
            var (outcome, addresses) = Answer(node, wire);
            var text = addresses.Length == 0 ? "" : string.Join(',', addresses);
            if (_last.TryGetValue((node, name), out var last) && last == (outcome, text) && _random.Next(64) != 0) continue;
            _last[(node, name)] = (outcome, text);
            _world.History.Add(new AnswerRecord(node.Name, name, now, now, outcome, addresses));
        }
    }

    // What the resolver of the Host would say of it.
    private static (AnswerOutcome Outcome, string[] Addresses) Answer(ClusterNode node, byte[] wire)
    {
        var directory = node.Directory;
        if (!directory.IsLoaded) return (AnswerOutcome.ServFail, []);
        var view = ClientView.Default;
        var match = directory.FindExact(wire, view);
        switch (match.Choice.Source)
        {
            case AnswerSource.Vip:
                return directory.Age > ClusterWorld.MaxAge ? (AnswerOutcome.ServFail, []) : (AnswerOutcome.Addresses, [directory.Range.IPv4(match.Entry!.VipIndex).ToString()]);
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
