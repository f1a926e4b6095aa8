using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// The mesh part of a node: the streams that it owns, their actors, the coordinator and the directory's feed. On a single node it owns
/// every stream; it claims them all at once and each recovers by itself.
/// </summary>
public sealed class Mesh
{
    private readonly ActorSystem _system;
    private readonly IJournal _journal;
    private readonly NodeIdentity _node;
    private readonly StreamActor<ShardTable, ShardCommand, ShardReply>[] _shards;
    private readonly StreamActor<VipLedger, VipCommand, VipReply> _allocator;
    private int _draining;

    /// <summary>Makes the mesh part of a node; <see cref="StartAsync"/> runs it.</summary>
    public Mesh(ActorSystem system, IJournal journal, MeshOptions options, MeshDirectory directory)
    {
        _system = system;
        _journal = journal;
        Options = options;
        Directory = directory;
        _node = new NodeIdentity(options.Node, system.NextTerm());
        var shardCore = new ShardTableCore(options.Range);
        var vipCore = new VipLedgerCore(options.Range);
        _shards = [.. Enumerable.Range(0, options.Shards).Select(i => new StreamActor<ShardTable, ShardCommand, ShardReply>(
            system, journal, _node, Streams.Shard(i, options.Shards), shardCore, (command, _) => command, (_, _) => []))];
        _allocator = new StreamActor<VipLedger, VipCommand, VipReply>(
            system, journal, _node, Streams.Vips, vipCore, (command, now) => command with { At = now }, (ledger, now) => FirstFacts(vipCore, ledger, now, options.Quarantine));
        Region = new ShardRegion(_shards, _allocator);
        Coordinator = new ChangeCoordinator(system, Region, journal, new ChangePlanner(options.Shards, options.ClusterDomain));
        Feed = new DirectoryFeed(system, journal, directory, shardCore, vipCore);
        Control = new MeshControl(this);
    }

    /// <summary>What the node was told.</summary>
    public MeshOptions Options { get; }

    /// <summary>The node's replica of all names.</summary>
    public MeshDirectory Directory { get; }

    /// <summary>The owners of everything.</summary>
    public ShardRegion Region { get; }

    /// <summary>Carries changes.</summary>
    public ChangeCoordinator Coordinator { get; }

    /// <summary>Feeds the directory.</summary>
    public DirectoryFeed Feed { get; }

    /// <summary>What the admin side may do.</summary>
    public IMeshControl Control { get; }

    /// <summary>The clock that the node runs on.</summary>
    public TimeProvider Time => _system.Time;

    /// <summary>True while the node gives up what it owns.</summary>
    public bool IsDraining => Volatile.Read(ref _draining) == 1;

    /// <summary>True when every stream that this node owns has recovered.</summary>
    public bool IsReady => !IsDraining && _allocator.IsReady && _shards.All(s => s.IsReady);

    /// <summary>The streams of this node that have not recovered.</summary>
    public IReadOnlyList<string> Unrecovered => [.. _shards.Where(s => !s.IsReady).Select(s => s.Stream), .. _allocator.IsReady ? Array.Empty<string>() : [Streams.Vips]];

    /// <summary>How far every stream has been committed.</summary>
    /// <exception cref="MeshUnavailableException">An owner has not recovered yet.</exception>
    public IReadOnlyDictionary<string, long> Heads => _shards.Select(s => s.View.Fence).Append(_allocator.View.Fence).Where(f => f.Seq > 0).ToDictionary(f => f.Stream, f => f.Seq);

    /// <summary>Events that the owners have committed and the directory has not read yet.</summary>
    /// <exception cref="MeshUnavailableException">An owner has not recovered yet.</exception>
    public long LagEvents => _shards.Sum(s => s.View.Fence.Seq) + _allocator.View.Fence.Seq - Directory.Position.Values.Sum(p => p.Seq);

    /// <summary>Checks the settings against the journal's, starts the feed, claims the streams and recovers them.</summary>
    /// <exception cref="JournalUnavailableException">The journal cannot be used now.</exception>
    /// <exception cref="InvalidOperationException">The journal was created with other cluster settings.</exception>
    public async Task StartAsync(CancellationToken cancel)
    {
        await SettleSettingsAsync(cancel);
        var owners = (await _journal.ReadOwnershipAsync(cancel)).ToDictionary(r => r.Stream);
        var wishes = Streams.All(Options.Shards).Select(s => owners.TryGetValue(s, out var row) ? new StreamWish(s, row.Term, row.Epoch) : new StreamWish(s, "", 0));
        var claims = await _journal.ClaimAsync(_node, [.. wishes], _system.NextTerm(), cancel);
        // Nothing runs before this point, so a caller may try again after a failure.
        Feed.Start();
        foreach (var shard in _shards) shard.Start();
        _allocator.Start();
        Coordinator.Start();
        foreach (var claim in claims)
        {
            if (claim.Fence.Stream == Streams.Vips) _allocator.Adopt(claim);
            else ((StreamActor<ShardTable, ShardCommand, ShardReply>)Region.ByStream[claim.Fence.Stream]).Adopt(claim);
        }
        _system.Log(ActorLogLevel.Information, "mesh", $"claimed {claims.Count} streams at epoch {claims.Max(c => c.Fence.Epoch)}", null);
    }

    /// <summary>Takes no more changes and finishes those under way.</summary>
    public async Task DrainAsync()
    {
        if (Interlocked.Exchange(ref _draining, 1) == 1) return;
        await Coordinator.StopAsync();
        foreach (var shard in _shards) await shard.StopAsync();
        await _allocator.StopAsync();
    }

    /// <summary>Drains and stops the feed. The journal stays open; who opened it closes it.</summary>
    public async Task StopAsync()
    {
        await DrainAsync();
        await Feed.StopAsync();
    }

    private async Task SettleSettingsAsync(CancellationToken cancel)
    {
        var mine = Options.Shared();
        var stored = await _journal.SettleSettingsAsync(mine, MeshOptions.Adjustable, cancel);
        var different = mine.Where(m => stored.GetValueOrDefault(m.Key) != m.Value).Select(m => $"{m.Key} is '{m.Value}' here and '{stored.GetValueOrDefault(m.Key)}' in the journal").ToArray();
        if (different.Length > 0) throw new InvalidOperationException("the journal was created with other settings, which cannot change afterwards: " + string.Join("; ", different));
    }

    // A clock behind the last event first, so that no quarantine ends early; then a changed quarantine, for later releases.
    private static List<MeshEvent> FirstFacts(VipLedgerCore core, VipLedger ledger, long now, TimeSpan quarantine)
    {
        var facts = new List<MeshEvent>();
        if (VipLedgerCore.OnClock(ledger, now) is { } setBack)
        {
            facts.Add(setBack);
            ledger = core.Apply(ledger, setBack);
        }
        if (VipLedgerCore.OnQuarantine(ledger, quarantine, now) is { } changed) facts.Add(changed);
        return facts;
    }
}
