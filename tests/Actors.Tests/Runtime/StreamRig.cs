using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Runtime;

/// <summary>One stream's owner over a simulated journal, driven as a coordinator drives it.</summary>
internal sealed class StreamRig
{
    public const string Stream = "shard-00";
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private static readonly ShardTableCore _core = new(VipRange.Default);
    private readonly SimulatedJournal _journal;

    public StreamRig(Simulated world, SimulatedStore? store = null, IReadOnlyList<MeshEvent>? onClaim = null, TimeSpan? passivateAfter = null)
    {
        World = world;
        Store = store ?? new SimulatedStore(world.Clock);
        _journal = new SimulatedJournal(Store, Faults, world.Clock, new Random(0));
        Owner = new StreamActor<ShardTable, ShardCommand, ShardReply>(
            world.NewSystem(), _journal, new NodeIdentity("a", "1"), Stream, _core, (command, _) => command, onClaim is null ? null : (_, _) => onClaim, passivateAfter)
        { Passivated = Packed.Add };
    }

    /// <summary>The snapshots that were packed, in bytes each.</summary>
    public List<int> Packed { get; } = [];

    public static TimeSpan Hold { get; } = TimeSpan.FromSeconds(10);

    public Simulated World { get; }

    public SimulatedStore Store { get; }

    public JournalFaults Faults { get; } = new();

    public StreamActor<ShardTable, ShardCommand, ShardReply> Owner { get; }

    public long Epoch => Store.Ownership.Single().Epoch;

    public static ShardCommand Put(string name) => new([new PutDocument(Make.Entry(name, name + ".example"), "api", 0)], 1);

    public async Task<StreamRig> StartAsync()
    {
        await AdoptAsync();
        await World.UntilAsync(() => Owner.IsReady, "recovery");
        return this;
    }

    public Task AdoptAsync()
    {
        Owner.Start();
        return AdoptAgainAsync();
    }

    public async Task AdoptAgainAsync()
    {
        Owner.Adopt((await _journal.TakeAsync(new NodeIdentity("a", "1"), [Stream], "t"))[0], World.Clock.GetTimestamp());
    }

    public Task<Prepared<ShardReply>> PrepareAsync(Guid batch, string name, TimeSpan? deadline = null, bool noWait = false) =>
        Owner.PrepareAsync(batch, [new ChangeCommand<ShardCommand>(0, Put(name))], Hold, deadline ?? Deadline, CancellationToken.None, noWait);

    public Task<AppendResult> AppendAsync(Prepared<ShardReply> prepared) => _journal.AppendAsync(new AppendRequest([prepared.Append!], []), CancellationToken.None);

    /// <summary>A whole change: prepared, durable, taken on.</summary>
    public async Task ChangeAsync(string name)
    {
        var batch = Guid.NewGuid();
        var prepared = await PrepareAsync(batch, name);
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync(prepared)).Outcome);
        await Owner.CommitAsync(batch, Deadline);
    }

    public IEnumerable<string> Names => Owner.View.State.Documents.Keys.Select(k => k.Name).Order(StringComparer.Ordinal);
}
