using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// The mesh part of a node: the streams that it owns, its place among the members, the coordinator and the directory's feed. A single node is a cluster of
/// one. A node without a journal (only the role edge) owns nothing, reads the feed from an owner node and hands changes on to one.
/// </summary>
public sealed class Mesh
{
    private static readonly TimeSpan _leaveDeadline = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan _aliveDeadline = TimeSpan.FromSeconds(1);

    private static readonly ChangeReply _drainingReply = new() { Outcome = ChangeOutcome.Unavailable, Detail = "this node is draining" };

    private readonly ActorSystem _system;
    private readonly IJournal? _journal;
    private readonly Membership? _membership;
    private readonly FeedRelay? _relay;
    private readonly ChangeCoordinator? _coordinator;
    private readonly ChangeForwarder? _forwarder;
    private VipUsage? _usage;
    private int _draining;

    /// <summary>Makes the mesh part of a node; <see cref="StartAsync"/> runs it.</summary>
    /// <param name="system">What it runs on.</param>
    /// <param name="journal">What the nodes agree through; null for a node that only reads.</param>
    /// <param name="options">Its settings.</param>
    /// <param name="directory">Its replica of all names.</param>
    /// <param name="client">The way to other nodes; null for a node that has none.</param>
    public Mesh(ActorSystem system, IJournal? journal, MeshOptions options, MeshDirectory directory, INodeClient? client = null)
    {
        _system = system;
        _journal = journal;
        Options = options;
        Directory = directory;
        Identity = new NodeIdentity(options.Node, system.NextTerm());
        client ??= new NoOtherNodes();
        // A node without a journal has the actors too: they sleep for ever and say so to whoever asks.
        Local = new LocalStreams(system, journal ?? new NoJournal(), Identity, options, () => directory.Position.GetValueOrDefault(Streams.Vips));
        var source = Connect(client, out var map, out _membership, out _relay);
        Map = map;
        Server = journal is null ? new EdgeServerOnly(this) : new NodeServer(system, journal, options, Local, () => _membership!.EnsureAliveAsync(_aliveDeadline), _relay!, new NodeDuties(AwaitFeedAsync, DrainAsync, ChangeAsync, ForwardedAsync));
        Region = new ShardRegion(system, options, Local, map, Server, client);
        if (journal is not null)
        {
            _coordinator = new ChangeCoordinator(system, Region, journal, new ChangePlanner(options.Shards, options.ClusterDomain, options.Range));
            _forwarder = new ChangeForwarder(system, Identity, Region, map, Local, journal, _coordinator);
        }
        Feed = new DirectoryFeed(system, source, directory, new ShardTableCore(options.Range), new VipLedgerCore(options.Range)) { Taken = _relay is { } relay ? relay.Offer : null, OnRewound = TellRewoundAsync };
        Owners = new OwnerInquiry(system, Region);
        Control = new MeshControl(this);
    }

    /// <summary>What the node was told.</summary>
    public MeshOptions Options { get; }

    /// <summary>Its name and the random id of this start.</summary>
    public NodeIdentity Identity { get; }

    /// <summary>The node's replica of all names.</summary>
    public MeshDirectory Directory { get; }

    /// <summary>The streams' actors on this node.</summary>
    public LocalStreams Local { get; }

    /// <summary>Who is alive and who owns what.</summary>
    public IClusterMap Map { get; }

    /// <summary>What other nodes may ask of this one.</summary>
    public INodeServer Server { get; }

    /// <summary>The owners of everything.</summary>
    public ShardRegion Region { get; }

    /// <summary>Asks owners for what a stale directory does not know.</summary>
    public OwnerInquiry Owners { get; }

    /// <summary>Feeds the directory.</summary>
    public DirectoryFeed Feed { get; }

    /// <summary>What the admin side may do.</summary>
    public IMeshControl Control { get; }

    /// <summary>The clock that the node runs on.</summary>
    public TimeProvider Time => _system.Time;

    /// <summary>True while the node gives up what it owns, and after.</summary>
    public bool IsDraining => Volatile.Read(ref _draining) == 1;

    /// <summary>True when the node has found its place and every stream that it owns has recovered.</summary>
    public bool IsReady => !IsDraining && (_membership is null ? Directory.IsLoaded : _membership.HasPlanned && _membership.IsAlive && Unrecovered.Count == 0 && (Map.Current.Members.Count > 1 || Local.All.All(s => s.IsReady())));

    /// <summary>The streams that this node owns and has not recovered; of a node that is alone, all that it has not.</summary>
    public IReadOnlyList<string> Unrecovered => _membership is null ? [] : [.. Local.All.Where(s => !s.IsReady() && (s.IsOwner() || Map.Current.Members.Count <= 1)).Select(s => s.Stream)];

    /// <summary>Streams that this node has claimed or given up since its start.</summary>
    public long Rebalanced => _membership?.Rebalanced ?? 0;

    /// <summary>How full the pool was when the allocator last said so; before that, what the directory knows of it.</summary>
    public VipUsage Usage => Volatile.Read(ref _usage) ?? new VipUsage(Options.Range.Capacity, Directory.Leases, 0, 0, 0, Options.Range.Capacity - Directory.Leases);

    /// <summary>The edges without database access that read from this node.</summary>
    public IReadOnlyList<EdgeReport> Readers => _relay?.Readers ?? [];

    /// <summary>How far every stream has been committed, as far as this node knows.</summary>
    public IReadOnlyDictionary<string, long> Heads => Local.All.Select(s => (s.Stream, Seq: HeadOf(s))).Where(s => s.Seq > 0).ToDictionary(s => s.Stream, s => s.Seq);

    /// <summary>Events that the journal has and the directory has not read yet, as far as this node knows.</summary>
    public long LagEvents
    {
        get
        {
            var position = Directory.Position;
            return Heads.Sum(h => Math.Max(0, h.Value - position.GetValueOrDefault(h.Key).Seq));
        }
    }

    /// <summary>Checks the settings against the journal's, joins, and starts everything.</summary>
    /// <param name="previous">The incarnation before, from the node's own data directory; empty for none.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="JournalUnavailableException">The journal cannot be used now, or the node's name is still taken.</exception>
    /// <exception cref="InvalidOperationException">The journal was created with other cluster settings, or the members cannot work with this version.</exception>
    public async Task StartAsync(CancellationToken cancel, string previous = "")
    {
        if (_journal is not null)
        {
            await SettleSettingsAsync(_journal, cancel);
            await _membership!.JoinAsync(previous, cancel);
        }
        // Nothing runs before this point, so a caller may try again after a failure.
        Feed.Start();
        Local.Start();
        _coordinator?.Start();
        _membership?.Start();
    }

    /// <summary>Asks the allocator how full the pool is; when it is away <see cref="Usage"/> stays as it was.</summary>
    public async Task<VipUsage> ReadUsageAsync(TimeSpan deadline, CancellationToken cancel)
    {
        try { Volatile.Write(ref _usage, (await Region.AskOwnerAsync<UsageReply>(Streams.Vips, new ReadUsage(), deadline, cancel)).Usage); }
        catch (MeshUnavailableException) { }
        return Usage;
    }

    /// <summary>Carries out a change, whole or not at all, here or on a node that can.</summary>
    public async Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        if (_forwarder is null) return await CarryAsync(request, deadline, cancel);
        return IsDraining ? _drainingReply : await _forwarder.ChangeAsync(request, deadline, cancel);
    }

    /// <summary>Waits until this node's directory, and the edges that read from it, have read this far; names those that have not.</summary>
    public async Task<IReadOnlyList<string>> AwaitFeedAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel)
    {
        var begin = Time.GetTimestamp();
        var hasRead = await Feed.WaitForAsync(position, deadline, cancel);
        var left = deadline - Time.GetElapsedTime(begin);
        var readers = _relay is null ? [] : await _relay.AwaitReadersAsync(position, left > TimeSpan.Zero ? left : TimeSpan.Zero, cancel);
        return hasRead || !Options.Roles.Contains("edge") ? readers : [Options.Node, .. readers];
    }

    /// <summary>True when this node, of those alive that could, is the one to run a source.</summary>
    public bool Runs(string source) => _membership is not null && !IsDraining &&
        Rendezvous.Choose(source, Map.Current.Members.Where(m => m.Report.State == "up" && m.Report.Sources.Contains(source)).Select(m => m.Node.Node)) == Options.Node;

    /// <summary>Takes no more changes, finishes those under way and gives every stream up to another node.</summary>
    public async Task DrainAsync()
    {
        if (Interlocked.Exchange(ref _draining, 1) == 1) return;
        if (_coordinator is not null) await _coordinator.StopAsync();
        if (_membership is not null) await _membership.DrainAsync(_leaveDeadline);
    }

    /// <summary>Drains, leaves the cluster and stops the feed. The journal stays open; who opened it closes it.</summary>
    public async Task StopAsync()
    {
        await DrainAsync();
        if (_membership is not null)
        {
            await _membership.StopAsync();
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(2), Time);
            await _membership.LeaveAsync(deadline.Token);
        }
        await Local.StopAsync();
        await Feed.StopAsync();
    }

    private async Task<ChangeReply> ForwardedAsync(ChangeRequest request, ForwardKey forward, TimeSpan deadline, CancellationToken cancel) =>
        IsDraining ? _drainingReply : await _coordinator!.ChangeAsync(request, forward, deadline, cancel);

    private IFeedSource Connect(INodeClient client, out IClusterMap map, out Membership? membership, out FeedRelay? relay)
    {
        if (_journal is null)
        {
            var peers = new PeerFeed(client, Options, _system.Time, () => new EdgeReport(Options.Node, Options.Address, Options.Roles, IsDraining ? "draining" : "up", Options.Version, Directory.Names, AgeMs));
            map = peers;
            membership = null;
            relay = null;
            return peers;
        }
        map = membership = new Membership(_system, _journal, Identity, Options, Local, Report);
        relay = new FeedRelay(_journal, Directory, map, _system.Time);
        return new JournalFeed(_journal, _system.Time);
    }

    private MemberReport Report() => new() { Names = Directory.Names, AgeMs = AgeMs, LagEvents = LagEvents, Sources = Options.Sources, Edges = Readers };

    // Before the first load an age means nothing.
    private long AgeMs => Directory.IsLoaded ? (long)Directory.Age.TotalMilliseconds : 0;

    private long HeadOf(LocalStream stream) => stream.Fence()?.Seq ?? Map.Current.Stream(stream.Stream)?.Seq ?? 0;

    private async Task<bool> TellRewoundAsync(IReadOnlyList<string> streams)
    {
        try
        {
            await Region.AskOwnerAsync<Done>(Streams.Vips, new TellRewound(streams), TimeSpan.FromSeconds(5), CancellationToken.None);
            return true;
        }
        catch (MeshUnavailableException) { return false; }
    }

    private async Task<ChangeReply> CarryAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        var owners = Map.Current.Members.Where(m => m.IsOwner && m.Report.State == "up").Select(m => m.Node.Node).ToArray();
        if (owners.Length == 0) return new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "no owner node is known" };
        var owner = owners[(int)(_system.NextFraction() * owners.Length)];
        try { return (await Region.AskAsync<ChangeCarried>(owner, new CarryChange(request, (int)deadline.TotalMilliseconds), deadline, cancel)).Reply; }
        catch (MeshUnavailableException e)
        {
            // It may have been on its way: only the owner node could say.
            return new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = e.Message };
        }
    }

    private async Task SettleSettingsAsync(IJournal journal, CancellationToken cancel)
    {
        var mine = Options.Shared();
        var stored = await journal.SettleSettingsAsync(mine, MeshOptions.Adjustable, cancel);
        var different = mine.Where(m => stored.GetValueOrDefault(m.Key) != m.Value).Select(m => $"{m.Key} is '{m.Value}' here and '{stored.GetValueOrDefault(m.Key)}' in the journal").ToArray();
        if (different.Length > 0) throw new InvalidOperationException("the journal was created with other settings, which cannot change afterwards: " + string.Join("; ", different));
    }
}
