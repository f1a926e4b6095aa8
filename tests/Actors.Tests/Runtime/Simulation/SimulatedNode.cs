using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Simulation;

/// <summary>One node of a simulated world: a mesh over the world's store. A crash drops all of its actors where they stand.</summary>
internal sealed class SimulatedNode
{
    public static readonly HostName ClusterDomain = HostName.Parse("cluster.local");

    private readonly TaskCompletionSource _crashed = new();
    private readonly NodeLife _life = new();

    public SimulatedNode(Simulated world, SimulatedStore store, JournalFaults faults, MeshOptions? options = null, DirectoryImage? warm = null)
    {
        World = world;
        Store = store;
        options ??= Options();
        var clock = new NodeClock(world.Clock, _life);
        var journal = new SimulatedJournal(store, faults, world.Clock, new Random(world.Random.Next()), _life);
        Directory = new MeshDirectory(options.Range, options.Zones, options.Shards, clock, Violations.Add);
        if (warm is not null) Directory.Restore(warm);
        Mesh = new Mesh(world.NewSystem(clock), journal, options, Directory);
    }

    public Simulated World { get; }

    public SimulatedStore Store { get; }

    public MeshDirectory Directory { get; }

    public Mesh Mesh { get; }

    public List<string> Violations { get; } = [];

    /// <summary>A small mesh: 4 shards, 14 VIPs (240.240.0.1 to .14), an hour of quarantine.</summary>
    public static MeshOptions Options(int shards = 4, string range = "240.240.0.0/28", TimeSpan? quarantine = null) => new()
    {
        Node = "a",
        Shards = shards,
        Range = new VipRange(Cidr.Parse(range), Cidr.Parse("2001:2::/48")),
        Quarantine = quarantine ?? TimeSpan.FromHours(1),
        Zones = new MeshZones([ClusterDomain]),
    };

    public async Task<SimulatedNode> StartAsync()
    {
        var previous = Store.DataDirectories.GetValueOrDefault(Mesh.Options.Node, "");
        Store.DataDirectories[Mesh.Options.Node] = Mesh.Identity.Incarnation;
        for (var attempt = 0; ; attempt++)
        {
            try { await Mesh.StartAsync(CancellationToken.None, previous); break; }
            catch (JournalUnavailableException) when (attempt < 100) { await World.PassAsync(TimeSpan.FromMilliseconds(100)); }
        }
        await ReadyAsync();
        return this;
    }

    public Task ReadyAsync() => World.UntilAsync(() => Mesh.IsReady, "readiness");

    /// <summary>The reply; null when the node crashed before it gave one.</summary>
    public async Task<ChangeReply?> ChangeAsync(ChangeRequest request, TimeSpan? deadline = null)
    {
        var reply = Mesh.Control.ChangeAsync(request, deadline ?? TimeSpan.FromSeconds(60), CancellationToken.None);
        await Task.WhenAny(reply, _crashed.Task);
        return reply.IsCompleted ? await reply : null;
    }

    /// <summary>A change that must apply.</summary>
    public async Task<ChangeReply> AppliedAsync(params DocumentChange[] changes)
    {
        var reply = await ChangeAsync(new ChangeRequest { Changes = changes });
        Assert.NotNull(reply);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, $"{reply.Outcome} {reply.Reason} {reply.Detail}");
        return reply;
    }

    public void Crash()
    {
        _life.Crash();
        _crashed.TrySetResult();
    }

    /// <summary>The documents that the owners show, by key.</summary>
    public Dictionary<DocumentKey, StoredDocument> Documents() =>
        Mesh.Local.Shards.SelectMany(s => s.View.State.Documents).ToDictionary(d => d.Key, d => d.Value);

    public int? LeaseOf(string host) => Mesh.Local.Allocator.View.State.TryGetLease(HostName.Parse(host), out var index) ? index : null;

    public Dictionary<HostName, int> Leases() => Mesh.Local.Allocator.View.State.Leases.ToDictionary(l => l.Host, l => l.Index);

    public long Seq(string stream) => stream == Streams.Vips ? Mesh.Local.Allocator.View.Fence.Seq : Mesh.Local.ShardOf[stream].View.Fence.Seq;

    public long Events() => Store.Ownership.Sum(o => o.Seq);

    public AuditReport Audit() => JournalAudit.Run(Store.Image());

    public void AssertClean() => Assert.Empty(Audit().Breaches);

    /// <summary>Waits until the directory has read all that the journal has.</summary>
    public Task CaughtUpAsync() => World.UntilAsync(() => Store.Ownership.All(o => o.Seq == 0 || Directory.Position.GetValueOrDefault(o.Stream).Seq == o.Seq), "the directory");
}
