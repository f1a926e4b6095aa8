using Akka.Actor.Setup;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Following;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>What the mesh part of an owner needs beside <see cref="MeshOptions"/>.</summary>
internal sealed record OwnerSettings
{
    public required ILogStore Store { get; init; }

    /// <summary>How the journal's plugin reaches the log.</summary>
    public required JournalPlugin Journal { get; init; }

    /// <summary>Where it listens for other owners.</summary>
    public required RemoteAddress Remote { get; init; }

    /// <summary>The certificate and what is demanded of others'; null without TLS.</summary>
    public Setup? Tls { get; init; }

    /// <summary>An operator's keys of <c>akka { }</c>.</summary>
    public IReadOnlyDictionary<string, string> Overrides { get; init; } = new Dictionary<string, string>();

    /// <summary>An image is stored after so many rows.</summary>
    public long ImageEvery { get; init; } = 2000;

    /// <summary>Or after so many bytes of them, if that is not little beside the last image.</summary>
    public long ImageBytes { get; init; } = 1 << 20;

    /// <summary>At least so many of the newest rows stay, where older ones may be cut away; null: all stay.</summary>
    public long? KeepRows { get; init; }

    /// <summary>Told of each append: whether it is durable, and how long it took.</summary>
    public Action<bool, TimeSpan> Appended { get; init; } = (_, _) => { };

    /// <summary>Told of memory that nothing holds any more, in bytes by estimate, where it is much.</summary>
    public Action<long> LeftBehind { get; init; } = _ => { };

    /// <summary>What it works with; another in tests.</summary>
    public OwnerVersions Versions { get; init; } = OwnerVersions.Current;

    /// <summary>Of the data directory: tells this node from another with its name.</summary>
    public string DataId { get; init; } = "";
}

/// <summary>The mesh part of a node that owns: the follower of the log, and the actor systems in which it is a member, one after the other.</summary>
internal sealed class OwnerMesh : IMeshNode
{
    private static readonly TimeSpan _drainPatience = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan _confirmEvery = TimeSpan.FromSeconds(30);

    private readonly MeshParts _parts;
    private readonly MeshDirectory _directory;
    private readonly OwnerSettings _settings;
    private readonly IJoining _joining;
    private readonly FeedReaders _readers;
    private readonly OwnerInquiry _inquiry;
    private string[] _feeds;

    public OwnerMesh(MeshOptions options, OwnerSettings settings, MeshDirectory directory, TimeProvider time, Random random, ActorLog log)
    {
        (_settings, _directory, _feeds) = (settings, directory, [options.Feed]);
        var fold = new MeshFold(options.Range, new Buckets(options.Shards));
        var sessions = (settings.Store as PostgresLogStore)?.Sessions;
        var following = new LogFollowing(settings.Store, fold, directory, time, settings.Store is PostgresLogStore { HasStandby: true } ? () => ConfirmEvery(options, directory) : null,
            (isAlarm, text) => log(isAlarm ? ActorLogLevel.Alarm : ActorLogLevel.Warning, "log", text, null));
        _parts = new MeshParts
        {
            Options = options,
            Store = settings.Store,
            Fold = fold,
            Decision = new ChangeDecision(fold, new ChangePlanner(options.Shards, options.Range)),
            Following = following,
            Founding = new Founding(settings.Store.ClusterId, options.Shared(), IsAlone: sessions is null),
            ImageEvery = settings.ImageEvery,
            ImageBytes = settings.ImageBytes,
            KeepRows = settings.KeepRows,
            Appended = settings.Appended,
            LeftBehind = settings.LeftBehind,
            Duties = new NodeDuties(AwaitRowAsync, DrainAsync, Report),
            Time = time,
            Log = log,
            NextTerm = () => NextTerm(random),
        };
        _joining = sessions is null ? new JoiningAlone() : new JoiningByDatabase(new PostgresNodes(sessions, options.Node, settings.DataId, options.Lease, settings.Versions), options.Node, settings.Versions, _parts.NextTerm, text => log(ActorLogLevel.Information, "cluster", text, null));
        Engine = new MeshEngine(_parts, _joining, SettingsOf);
        Control = new EngineControl(_parts, Engine, _joining);
        _inquiry = new OwnerInquiry(time, names => ShardInquiry.AskAsync(Engine.Life, fold.Buckets, names));
        _readers = new FeedReaders(time, following.Tail.Wake);
        Feed = new FeedServer(this, settings.Store, _readers, Feeds, time, log);
    }

    /// <summary>The node's name.</summary>
    public string Node => _parts.Options.Node;

    /// <summary>Its place in the cluster.</summary>
    public MeshEngine Engine { get; }

    /// <inheritdoc/>
    public IMeshControl Control { get; }

    /// <summary>What nodes without a database may ask.</summary>
    public INodeServer Feed { get; }

    /// <summary>The follower of the log.</summary>
    public LogFollowing Following => _parts.Following;

    /// <inheritdoc/>
    public bool IsDraining => Engine.IsDraining;

    /// <inheritdoc/>
    public string NotReady =>
        IsDraining ? "this node is draining"
        : Following.Age is null || !_directory.IsLoaded ? "this node has not read the log to its end yet"
        : Engine.Life is not { } life ? Engine.Trouble ?? "this node is not a member of its cluster"
        : !life.HasAllocator ? "no allocator serves that this node can reach"
        : _parts.Founding.IsAlone && Following.State.Epoch < life.Epoch ? "this node has not read yet what it began with" : "";

    /// <inheritdoc/>
    public string NotWritable => NotReady is { Length: > 0 } why ? _parts.Memory.Trouble is { } trouble ? $"{why}: {trouble}" : why : Following.Trouble ?? "";

    /// <summary>What of its actors can be counted.</summary>
    public MeshGauges Gauges => _parts.Gauges;

    /// <summary>What incarnations of the allocator on this node left.</summary>
    public AllocatorMemory Memory => _parts.Memory;

    /// <summary>How full the pool is.</summary>
    public VipUsage Usage => Following.State.Ledger.Usage(_parts.Time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <inheritdoc/>
    public void Start()
    {
        Following.Start();
        Engine.Start();
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names) => _inquiry.FindAsync(names);

    /// <inheritdoc/>
    public bool Runs(string source) => !Engine.IsDraining && Engine.Life is { } life &&
        Rendezvous.Choose(source, life.Owners.Members.Where(m => m.Roles.Contains(Owners.SourcePrefix + source)).Select(Owners.NameOf)) == _parts.Options.Node;

    /// <inheritdoc/>
    public async Task StopAsync()
    {
        await Engine.StopAsync();
        await Following.StopAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Following.DisposeAsync();
        await _settings.Store.DisposeAsync();
    }

    // Knowledge is as old as the look that a standby confirmed last: that must never come near the age at which it is no longer answered from.
    private static TimeSpan ConfirmEvery(MeshOptions options, MeshDirectory directory)
    {
        var maxAge = directory.Shared is { } shared && shared.MaxAge < options.MaxAge ? shared.MaxAge : options.MaxAge;
        return maxAge / 4 < _confirmEvery ? maxAge / 4 : _confirmEvery;
    }

    private static string NextTerm(Random random)
    {
        lock (random) return random.NextInt64().ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }

    private (Akka.Configuration.Config, Setup[]) SettingsOf()
    {
        var options = _parts.Options;
        string[] roles = [.. options.Roles, Owners.NamePrefix + options.Node, .. options.Sources.Select(s => Owners.SourcePrefix + s), .. options.Feed.Length > 0 ? [Owners.FeedPrefix + options.Feed] : Array.Empty<string>()];
        var config = AkkaSettings.Of(_settings.Remote, roles, options.Heartbeat, options.Lease, _settings.Journal, _settings.Overrides);
        Setup node = new NodeSetup(_parts.Log, (_settings.Store as PostgresLogStore)?.Sessions);
        return (config, _settings.Tls is { } tls ? [node, tls] : [node]);
    }

    private async Task<IReadOnlyList<string>> AwaitRowAsync(long number, TimeSpan patience)
    {
        var begun = _parts.Time.GetTimestamp();
        var isBehind = await Following.WaitForAsync(number, patience) is null && _parts.Options.Roles.Contains("edge");
        var left = patience - _parts.Time.GetElapsedTime(begun);
        var readers = await _readers.AwaitAsync(number, left > TimeSpan.Zero ? left : TimeSpan.Zero);
        return isBehind ? [Node, .. readers] : readers;
    }

    private async Task<bool> DrainAsync(string? reader)
    {
        if (reader is not null) return await _readers.DrainAsync(reader, _drainPatience);
        // Whoever asked over the cluster gets the answer before the actor system ends.
        _ = Task.Run(Engine.DrainAsync);
        await Task.Yield();
        return true;
    }

    // Without an actor system, or on the way out of the cluster, it names those that it knew last: an edge that it sends away has to find them.
    private string[] Feeds()
    {
        string[] feeds = [.. (Engine.Life?.Owners.Members ?? []).SelectMany(m => m.Roles).Where(r => r.StartsWith(Owners.FeedPrefix, StringComparison.Ordinal)).Select(r => r[Owners.FeedPrefix.Length..])];
        if (feeds.Contains(_parts.Options.Feed)) Volatile.Write(ref _feeds, feeds);
        return Volatile.Read(ref _feeds);
    }

    private NodeReported Report()
    {
        var options = _parts.Options;
        return new NodeReported(0, options.Node, options.Address.Length > 0 ? options.Address : Engine.Life?.Owners.Here ?? "", options.Roles, options.Version, new MemberReport
        {
            State = IsDraining ? "draining" : NotReady.Length == 0 ? "up" : "joining",
            Names = _directory.Names,
            AgeMs = _directory.IsLoaded ? (long)_directory.Age.TotalMilliseconds : 0,
            LagEvents = Following.Lag,
            Sources = options.Sources,
            Feed = options.Feed,
        }, _readers.All);
    }
}
