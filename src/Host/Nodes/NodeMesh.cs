using System.Net.Sockets;
using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Store;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// The part of a node that it shares with others: the log, the way to other nodes and back, and the mesh over both. Started step by step; stopped in the order in which others can miss it.
/// </summary>
internal sealed class NodeMesh(MeshDnsSettings settings, MeshOptions options, MeshDirectory directory, TimeProvider time, ILogger log, NodeMetrics metrics, int connections) : IAsyncDisposable
{
    private readonly ActorLog _actorLog = (level, source, message, error) => log.Log(LevelOf(level), error, "{Source}: {Text}", source, message);
    private readonly RequestCounters _counters = new();
    private readonly AppendMeter _appends = new();
    private Task<ClusterTls?>? _tls;
    private ClusterServer? _feed;
    private ClusterClient? _client;
    private ILogStore? _store;

    /// <summary>Told of memory that nothing holds any more, in bytes by estimate.</summary>
    public required Action<long> LeftBehind { get; init; }

    /// <summary>The mesh, once it has begun.</summary>
    public IMeshNode? Mesh { get; private set; }

    private bool IsOwner => settings.Node.Roles.HasFlag(NodeRoles.Owner);

    // A node alone needs none, and has no use for the work.
    private bool HasOthers => settings.Cluster.Listen is not null || settings.Cluster.Join.Count > 0;

    /// <summary>Begins what takes time and needs nobody: the cluster's authority from its secret. <see cref="ListenAsync"/> waits for it.</summary>
    public void Prepare() => _tls ??= HasOthers ? Task.Run(() => ClusterTls.Make(settings.Cluster, time)) : Task.FromResult<ClusterTls?>(null);

    /// <summary>Listens for nodes without a database, where the settings say so.</summary>
    /// <exception cref="IOException">The address cannot be bound.</exception>
    /// <exception cref="SocketException">The address of <c>cluster.listen</c> cannot be bound.</exception>
    /// <exception cref="InvalidOperationException">The certificates cannot be used.</exception>
    public async Task ListenAsync()
    {
        Prepare();
        // Akka binds it when the store is open, and again and again; a mistake is told now.
        if (settings.Cluster.Listen is { } listen)
        {
            using var probe = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            probe.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            probe.Bind(listen);
        }
        if (await _tls! is not { } tls) return;
        // Not cancelled: it binds and returns, and a stop in between goes the same way as any later one.
        if (ClusterEntrance.Of(settings.Cluster, connections) is { } entrance)
        {
            _feed = await ClusterServer.StartAsync(entrance, tls, _counters, time, log, CancellationToken.None);
            log.LogInformation("nodes without a database reach this one at {Address}", _feed.Address);
            metrics.Requests = _counters;
        }
        if (IsOwner) return;
        _client = new ClusterClient(settings.Cluster, tls, time);
        metrics.Asks = _client.Counters;
    }

    /// <summary>Opens the log, where this node has one.</summary>
    /// <exception cref="StoreRefusedException">It will not work like this.</exception>
    /// <exception cref="StoreUnavailableException">It cannot be opened now.</exception>
    public async Task OpenStoreAsync()
    {
        if (!IsOwner || _store is not null) return;
        ILogStore store = settings.Journal.Store == JournalStore.Postgres
            ? await PostgresLogStore.OpenAsync(PostgresOptions, _actorLog, CancellationToken.None)
            : await SqliteLogStore.OpenAsync(SqliteFile, time, CancellationToken.None);
        try { await FixedSettings.CheckAsync(store, options.Range, options.Shards, CancellationToken.None); }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
        _store = store;
    }

    /// <summary>Begins to follow the log and to join the cluster.</summary>
    public async Task BeginAsync()
    {
        var here = options with { Feed = _feed?.Address ?? "" };
        Mesh = _store is { } store ? NewOwner(here, store, await _tls!) : new EdgeMesh(here, directory, _client!, DataDirectory.NewId(), time, _actorLog);
        Mesh.Start();
        if (Mesh is not OwnerMesh owner) return;
        _feed?.Serve(owner.Feed);
        (metrics.Owner, metrics.Appends) = (owner, _appends);
    }

    /// <summary>Gives up what this node runs, leaves the cluster, and only then stops to answer other nodes.</summary>
    public async Task StopAsync()
    {
        try { if (Mesh is not null) await Mesh.StopAsync(); }
        // It waits for what is under way.
        finally { if (_feed is not null) await _feed.StopAsync(CancellationToken.None); }
    }

    /// <summary>Closes what is open.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_feed is not null) await _feed.DisposeAsync();
        _client?.Dispose();
        if (Mesh is not null) await Mesh.DisposeAsync();
        else if (_store is not null) await _store.DisposeAsync();
        if (_tls is { IsCompletedSuccessfully: true }) (await _tls)?.Dispose();
    }

    private PostgresJournalOptions PostgresOptions => new(settings.Journal.ConnectionString.Reveal(), settings.Cluster.Lease, settings.Journal.AllowDataLoss);

    private string SqliteFile => Path.Combine(settings.Node.DataDirectory, "journal.db");

    private OwnerMesh NewOwner(MeshOptions here, ILogStore store, ClusterTls? tls)
    {
        var owner = new OwnerSettings
        {
            Store = store,
            Journal = store is PostgresLogStore ? new JournalPlugin(PostgresOptions.Plugin(), "PostgreSQL.15", IsShared: true) : new JournalPlugin($"Data Source={SqliteFile};Pooling=false", "SQLite.MS", IsShared: false),
            Remote = RemoteOf(tls is not null),
            Tls = tls?.ForRemote(),
            Overrides = settings.Akka,
            DataId = DataDirectory.IdOf(settings.Node.DataDirectory),
            KeepRows = settings.Journal.KeepRows,
            Appended = _appends.Note,
            LeftBehind = LeftBehind,
        };
        return new OwnerMesh(here, owner, directory, time, new Random(), _actorLog);
    }

    // Without an address for others a node is alone, or with others on this machine.
    private RemoteAddress RemoteOf(bool isEncrypted)
    {
        if (settings.Cluster.Listen is not { } listen) return new RemoteAddress("127.0.0.1", 0, null, null, IsEncrypted: false);
        if (settings.Cluster.Advertise is not { } advertise) return new RemoteAddress(listen.Address.ToString(), listen.Port, null, null, isEncrypted);
        var colon = advertise.LastIndexOf(':');
        return new RemoteAddress(listen.Address.ToString(), listen.Port, advertise[..colon].Trim('[', ']'), int.Parse(advertise[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture), isEncrypted);
    }

    private static LogLevel LevelOf(ActorLogLevel level) => level switch { ActorLogLevel.Information => LogLevel.Information, ActorLogLevel.Warning => LogLevel.Warning, _ => LogLevel.Critical };
}
