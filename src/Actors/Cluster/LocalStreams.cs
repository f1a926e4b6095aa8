using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>A stream's actor on this node, whatever the stream holds.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Adopt">Hands it a claim.</param>
/// <param name="Lose">Tells it that the journal shows another owner.</param>
/// <param name="GiveUpAsync">Gives the stream up.</param>
/// <param name="IsOwner">True while this node owns it.</param>
/// <param name="IsAdopting">True while it has been handed a claim that it has not looked at yet.</param>
/// <param name="IsReady">True when it has recovered.</param>
/// <param name="Abstains">True when it cannot be recovered here.</param>
/// <param name="Fence">What it writes under; null unless it is ready.</param>
/// <param name="Rewound">Tells it that the journal has lost what it wrote, or its claim; false when its mailbox is full.</param>
public sealed record LocalStream(
    string Stream, Func<StreamClaim, long, bool> Adopt, Action<long> Lose, Func<TimeSpan, Task> GiveUpAsync, Func<bool> IsOwner, Func<bool> IsAdopting, Func<bool> IsReady, Func<bool> Abstains, Func<Fence?> Fence,
    Func<bool> Rewound);

/// <summary>The actors of all streams on this node; each sleeps unless this node owns its stream.</summary>
public sealed class LocalStreams
{
    private readonly Action _start;
    private readonly Func<Task> _stopAsync;

    /// <summary>Makes the actors.</summary>
    public LocalStreams(ActorSystem system, IJournal journal, NodeIdentity node, MeshOptions options, Func<StreamPosition> vipsRead)
    {
        var shardCore = new ShardTableCore(options.Range);
        var vipCore = new VipLedgerCore(options.Range);
        Shards = [.. Enumerable.Range(0, options.Shards).Select(i => new StreamActor<ShardTable, ShardCommand, ShardReply>(
            system, journal, node, Streams.Shard(i, options.Shards), shardCore, (command, _) => command, passivateAfter: options.PassivateAfter)
        { SnapshotWhenLeaving = options.SnapshotWhenLeaving, Passivated = bytes => Passivated?.Invoke(bytes) })];
        Allocator = new StreamActor<VipLedger, VipCommand, VipReply>(
            system, journal, node, Streams.Vips, vipCore, (command, now) => command with { At = now }, (ledger, found) => FirstFacts(vipCore, ledger, found, options))
        { ReaderPosition = vipsRead, SnapshotWhenLeaving = options.SnapshotWhenLeaving };
        ShardOf = Shards.ToDictionary(s => s.Stream);
        All = [.. Shards.Select(Of), Of(Allocator)];
        ByStream = All.ToDictionary(s => s.Stream);
        _start = () =>
        {
            foreach (var shard in Shards) shard.Start();
            Allocator.Start();
        };
        _stopAsync = async () =>
        {
            foreach (var shard in Shards) await shard.StopAsync();
            await Allocator.StopAsync();
        };
    }

    /// <summary>Raised when a shard was packed, with the bytes of its snapshot; must return at once and not throw.</summary>
    public event Action<int>? Passivated;

    /// <summary>The shards, by number.</summary>
    public IReadOnlyList<StreamActor<ShardTable, ShardCommand, ShardReply>> Shards { get; }

    /// <summary>The allocator.</summary>
    public StreamActor<VipLedger, VipCommand, VipReply> Allocator { get; }

    /// <summary>The shards, by stream.</summary>
    public IReadOnlyDictionary<string, StreamActor<ShardTable, ShardCommand, ShardReply>> ShardOf { get; }

    /// <summary>All streams, in order.</summary>
    public IReadOnlyList<LocalStream> All { get; }

    /// <summary>All streams, by name.</summary>
    public IReadOnlyDictionary<string, LocalStream> ByStream { get; }

    /// <summary>The shard of a host.</summary>
    public StreamActor<ShardTable, ShardCommand, ShardReply> OwnerOf(HostName host) => Shards[Streams.ShardOf(host, Shards.Count)];

    /// <summary>Prepares a batch in shards of this node: all at once when it waits for no other batch, else in the order given until one refuses.</summary>
    /// <exception cref="MeshUnavailableException">One is not owned here or did not answer; others may hold the batch.</exception>
    public async Task<IReadOnlyList<Prepared<ShardReply>>> PrepareAsync(Guid batch, TimeSpan hold, IReadOnlyList<ShardWork> works, bool noWait, TimeSpan deadline, CancellationToken cancel)
    {
        if (noWait) return await Task.WhenAll(works.Select(PrepareOneAsync));
        var prepared = new List<Prepared<ShardReply>>(works.Count);
        foreach (var work in works)
        {
            prepared.Add(await PrepareOneAsync(work));
            if (prepared[^1].Append is null) break;
        }
        return prepared;

        Task<Prepared<ShardReply>> PrepareOneAsync(ShardWork work) => ShardOf.TryGetValue(work.Stream, out var shard)
            ? shard.PrepareAsync(batch, [.. work.Parts.Select(p => new ChangeCommand<ShardCommand>(p.Change, p.Command))], hold, deadline, cancel, noWait)
            : Task.FromException<Prepared<ShardReply>>(new OwnerAwayException($"there is no stream {work.Stream}"));
    }

    /// <summary>Begins to handle messages.</summary>
    public void Start() => _start();

    /// <summary>Finishes what is under way and stops.</summary>
    public Task StopAsync() => _stopAsync();

    private static LocalStream Of<TState, TCommand, TReply>(StreamActor<TState, TCommand, TReply> actor) where TState : class where TReply : class => new(
        actor.Stream, actor.Adopt, actor.Lose, actor.GiveUpAsync, () => actor.IsOwner, () => actor.IsAdopting, () => actor.IsReady, () => actor.Abstains, () => FenceOf(actor), actor.Rewound);

    private static Fence? FenceOf<TState, TCommand, TReply>(StreamActor<TState, TCommand, TReply> actor) where TState : class where TReply : class
    {
        try { return actor.View.Fence; }
        catch (MeshUnavailableException) { return null; }
    }

    // A clock behind the last event first, so that no quarantine ends early; then a changed quarantine, for later releases; then what a failover may
    // have cost.
    private static List<MeshEvent> FirstFacts(VipLedgerCore core, VipLedger ledger, StreamRecovery found, MeshOptions options)
    {
        var facts = new List<MeshEvent>();
        Take(VipLedgerCore.OnClock(ledger, found.Now));
        Take(VipLedgerCore.OnQuarantine(ledger, options.Quarantine, found.Now));
        // With synchronous standbys a failover loses nothing that was acknowledged; without them nobody knows.
        var mayHaveLost = options.AllowDataLoss && ledger.Timeline.Length > 0 && ledger.Timeline != found.Timeline;
        Take(VipLedgerCore.OnTimeline(ledger, found.Timeline, found.IsRewound || mayHaveLost, found.Now));
        return facts;

        void Take(MeshEvent? fact)
        {
            if (fact is null) return;
            facts.Add(fact);
            ledger = core.Apply(ledger, fact);
        }
    }
}
