using System.Diagnostics;
using System.Net;
using MeshDns.Chaos.Run.Database;
using MeshDns.Chaos.Run.Links;
using MeshDns.Tests.Shared;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>All nodes. Nodes come and go; a number is never another node. Without a router the one node is in this process's own namespace.</summary>
internal sealed class ChaosCluster(ChaosOptions options, string folder, IJournalStore store, Network network, Router? router, History history, Clock clock)
    : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<ChaosNode> _nodes = [];
    private readonly List<ChaosNode> _gone = [];
    private readonly (int Dns, int Admin, int Cluster) _ports = (FreePort.Next(), FreePort.Next(), FreePort.Next());
    private readonly int _feedPort = FreePort.Next();
    private int _made;

    public Network Network => network;

    public Router Router => router ?? throw new InvalidOperationException("a node on its own has no router");

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
    public async Task<ChaosNode> AddAsync(bool edge = false)
    {
        var address = new NodeAddress(Interlocked.Increment(ref _made), _ports.Dns, _ports.Admin, _ports.Cluster) { IsEdge = edge };
        var place = router is null ? Namespace.Own : await router.AddAsync(address.Number, address.Name);
        string[] settings = [.. options.NodeSettings, .. ClusterSettings(address), .. edge ? [] : store.NodeSettings];
        var node = new ChaosNode(address, place, Path.Combine(folder, address.Name), () => edge ? [.. settings, "node.roles=edge", $"cluster.join={Owned()}"] : settings, history, clock);
        lock (_gate) _nodes.Add(node);
        return node;
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

    /// <summary>Waits until every owner says that all of them are members and that each stream has an owner; null then, else who says what.</summary>
    public async Task<string?> AwaitWholeAsync(TimeSpan patience)
    {
        var names = Owners.Select(n => n.Name).Order(StringComparer.Ordinal).ToArray();
        var begin = Stopwatch.GetTimestamp();
        while (true)
        {
            string? torn = null;
            foreach (var node in Owners)
            {
                var view = await ClusterView.ReadAsync(node);
                if (view is null || names.Except(view.Members).Any() || view.Ownerless.Any()) torn ??= $"{node.Name} sees {(view is null ? "nothing" : $"{string.Join(", ", view.Members)}, {view.Ownerless.Count()} streams without an owner")}";
            }
            if (torn is null || Stopwatch.GetElapsedTime(begin) > patience) return torn;
            await Task.Delay(250);
        }
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
    }

    private string[] ClusterSettings(NodeAddress address)
    {
        if (!store.IsShared) return [];
        const string Secret = "cluster.secret=chaos-chaos-chaos-chaos-chaos-chaos";
        return address.IsEdge ? [Secret] : [$"cluster.listen={address.Cluster}", $"cluster.feed={FeedOf(address)}", Secret];
    }

    // Where the feeds of the owners that there are now can be reached.
    private string Owned() => string.Join(',', Owners.Select(node => FeedOf(node.Address)));

    private IPEndPoint FeedOf(NodeAddress address) => new(address.Cluster.Address, _feedPort);
}
