using System.Net;
using MeshDns.Chaos.Run.Database;
using MeshDns.Chaos.Run.Links;
using MeshDns.Tests.Shared;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>All nodes, and the relays between them and before their database. Nodes come and go; a number is never another node.</summary>
internal sealed class ChaosCluster(ChaosOptions options, string folder, IJournalStore store, History history, Clock clock) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<ChaosNode> _nodes = [];
    private readonly List<ChaosNode> _gone = [];
    private readonly Dictionary<string, Relay> _entrances = [];
    private readonly (int Dns, int Admin, int Cluster) _ports = (NodeProcess.FreePort(), NodeProcess.FreePort(), NodeProcess.FreePort());
    private int _made;

    public Network Network { get; } = new();

    public IJournalStore Store => store;

    /// <summary>Every node that there is now, up or not.</summary>
    public IReadOnlyList<ChaosNode> Nodes
    {
        get { lock (_gate) return [.. _nodes]; }
    }

    public IReadOnlyList<ChaosNode> Up => [.. Nodes.Where(node => node.IsUp)];

    public IReadOnlyList<ChaosNode> Owners => [.. Nodes.Where(node => node.IsOwner)];

    /// <summary>Nodes that only answer, up or not.</summary>
    public IReadOnlyList<ChaosNode> Edges => [.. Nodes.Where(node => !node.IsOwner)];

    /// <summary>Makes a node; it is not started.</summary>
    public ChaosNode Add(bool edge = false)
    {
        lock (_gate)
        {
            var address = new NodeAddress(++_made, _ports.Dns, _ports.Admin, _ports.Cluster) { IsEdge = edge };
            string[] settings = [.. options.NodeSettings, .. ClusterSettings(address), .. edge ? [] : store.SettingsOf(address, Network)];
            var node = new ChaosNode(address, Path.Combine(folder, address.Name), () => edge ? [.. settings, "node.roles=edge", $"cluster.join={Owned()}"] : settings, history, clock);
            _nodes.Add(node);
            return node;
        }
    }

    /// <summary>Stops a node for good; its name does not come back.</summary>
    public async Task RemoveAsync(ChaosNode node)
    {
        await node.StopAsync();
        lock (_gate)
        {
            _nodes.Remove(node);
            _gone.Add(node);
        }
    }

    /// <summary>What an up and undisturbed node says about the cluster.</summary>
    public async Task<ClusterView?> ViewAsync()
    {
        foreach (var node in Up)
            if (await ClusterView.ReadAsync(node) is { } view) return view;
        return null;
    }

    /// <summary>The owner of the stream <c>vips</c>, when somebody up says so.</summary>
    public async Task<ChaosNode?> AllocatorAsync() =>
        await ViewAsync() is { } view ? Up.FirstOrDefault(node => node.Name == view.Allocator) : null;

    /// <summary>Everything that any node wrote, by node.</summary>
    public IReadOnlyList<(string Node, string Log)> Logs
    {
        get { lock (_gate) return [.. _gone.Concat(_nodes).Select(n => (n.Name, n.Log))]; }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
        foreach (var relay in _entrances.Values) await relay.DisposeAsync();
    }

    private IEnumerable<string> ClusterSettings(NodeAddress address)
    {
        if (!store.IsShared) return [];
        var relay = _entrances[address.Name] = new Relay(address.Cluster, source => Network.Between(NameOf(source), address.Name));
        return [$"cluster.listen={address.Cluster}", $"cluster.advertise={relay.Address}", "cluster.secret=chaos-chaos-chaos-chaos-chaos-chaos"];
    }

    // Where the owners that there are now can be reached.
    private string Owned() => string.Join(',', Owners.Select(node => _entrances[node.Name].Address));

    // A node's outgoing connections come from its own address.
    private static string NameOf(IPAddress source) => $"node-{source.GetAddressBytes()[3]}";
}
