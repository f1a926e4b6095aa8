using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Tests.Cluster.Simulation;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Cluster;

/// <summary>Three nodes that share a store and a network in which nothing goes wrong unless a test says so.</summary>
internal sealed class ForwardRig
{
    public ForwardRig(Simulated world)
    {
        World = world;
        Store = new SimulatedStore(world.Clock);
        Network = new SimulatedNetwork(world, new Random(1));
        foreach (var name in (string[])["n1", "n2", "n3"]) Nodes.Add(name, new Node(this, name));
    }

    public Simulated World { get; }

    public SimulatedStore Store { get; }

    public SimulatedNetwork Network { get; }

    public SortedDictionary<string, Node> Nodes { get; } = new(StringComparer.Ordinal);

    /// <summary>The node that owns <c>vips</c>.</summary>
    public Node Allocator => Nodes[Store.Ownership.Single(o => o.Stream == Streams.Vips).Node];

    /// <summary>The nodes that do not.</summary>
    public Node[] Others => [.. Nodes.Values.Where(n => n != Allocator)];

    public async Task<ForwardRig> StartAsync()
    {
        foreach (var node in Nodes.Values) await node.Mesh.StartAsync(CancellationToken.None);
        await World.UntilAsync(() => Nodes.Values.All(n => n.Mesh.IsReady && n.Mesh.Map.Current.Members.Count == 3) && Store.Ownership.Count == 5
            && Store.Ownership.All(o => o.Node == Rendezvous.Choose(o.Stream, Nodes.Keys)), "the streams' owners");
        await World.PassAsync(TimeSpan.FromSeconds(2));
        return this;
    }

    /// <summary>The document as its owner has it; null when it is not there.</summary>
    public StoredDocument? Document(string name)
    {
        var stream = Nodes["n1"].Mesh.Region.StreamOf(Make.Key(name));
        return Nodes[Store.Ownership.Single(o => o.Stream == stream).Node].Mesh.Local.ShardOf[stream].View.State.Documents.GetValueOrDefault(Make.Key(name));
    }

    internal sealed class Node
    {
        public Node(ForwardRig rig, string name)
        {
            Name = name;
            var clock = new NodeClock(rig.World.Clock, Life);
            var options = SimulatedNode.Options() with { Node = name, Address = name + ":1" };
            var journal = new SimulatedJournal(rig.Store, Faults, rig.World.Clock, new Random(1), Life);
            Mesh = new Mesh(rig.World.NewSystem(clock, name), journal, options, new MeshDirectory(options.Range, options.Zones, options.Shards, clock, _ => { }), rig.Network.ClientOf(options.Address, Life, clock));
            rig.Network.Serve(options.Address, Life, Mesh.Server);
        }

        public string Name { get; }

        public NodeLife Life { get; } = new();

        public JournalFaults Faults { get; } = new();

        public Mesh Mesh { get; }

        public int Appends => Faults.Appends.Count;

        public Task<ChangeReply> ChangeAsync(ChangeRequest request, double seconds = 20) => Mesh.ChangeAsync(request, TimeSpan.FromSeconds(seconds), CancellationToken.None);

        public Task<ChangeReply> PutAsync(string name, int port = 80) => ChangeAsync(Make.Request(Make.Put(Make.Entry(name, [name + ".example"], port: port))));
    }
}
