using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// The part of a node that it shares with others: the journal, the way to other nodes and back, and the mesh over both. Started step by step, each as often
/// as the caller likes; stopped in the order in which others can miss it.
/// </summary>
internal sealed class NodeMesh(MeshDnsSettings settings, MeshOptions options, MeshDirectory directory, TimeProvider time, ILogger log, MetricsRegistry metrics, LoopWatch loops, int connections) : IAsyncDisposable
{
    private readonly ActorLog _actorLog = (level, source, message, error) => log.Log(LevelOf(level), error, "{Source}: {Text}", source, message);
    private readonly IncarnationFile _incarnation = new(settings.Node.DataDirectory);
    private ClusterTls? _tls;
    private ClusterServer? _server;
    private ClusterClient? _client;
    private MeasuredJournal? _journal;
    private Mesh? _joining;

    /// <summary>The mesh, once it has started.</summary>
    public Mesh? Mesh { get; private set; }

    private bool HasJournal => settings.Journal.Store == JournalStore.Postgres || settings.Node.Roles.HasFlag(NodeRoles.Owner);

    /// <summary>Listens for other nodes, where the settings say so.</summary>
    /// <exception cref="IOException">The address cannot be bound.</exception>
    /// <exception cref="InvalidOperationException">The certificates cannot be used.</exception>
    public async Task ListenAsync()
    {
        _tls = ClusterTls.Load(settings.Cluster.Tls, time);
        if (settings.Cluster.Listen is not null)
        {
            // Not cancelled: it binds and returns, and a stop in between goes the same way as any later one.
            _server = await ClusterServer.StartAsync(settings.Cluster, _tls, time, log, CancellationToken.None, connections);
            metrics.Register(_server.Collect);
            log.LogInformation("other nodes reach this one at {Address}", _server.Address);
        }
        if (!settings.Cluster.Secret.IsSet) return;
        _client = new ClusterClient(settings.Cluster, _tls, time);
        metrics.Register(_client.Collect);
    }

    /// <summary>Opens the journal, where this node has one.</summary>
    /// <exception cref="JournalRefusedException">It will not work like this.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be opened now.</exception>
    public async Task OpenJournalAsync(FileStream held)
    {
        if (!HasJournal || _journal is not null) return;
        IJournal opened = settings.Journal.Store == JournalStore.Postgres
            ? await PostgresJournal.OpenAsync(new PostgresJournalOptions(settings.Journal.ConnectionString.Reveal(), settings.Cluster.Lease, settings.Journal.AllowDataLoss), time, _actorLog)
            : await SqliteJournal.OpenAsync(settings.Node.DataDirectory, held, time);
        _journal = new MeasuredJournal(opened, time);
        metrics.Register(_journal.Collect);
    }

    /// <summary>Joins the cluster and starts the mesh.</summary>
    /// <exception cref="JournalUnavailableException">The journal cannot be used now, or a live node has this one's name.</exception>
    /// <exception cref="InvalidOperationException">The cluster has other settings, or members that cannot work with this version.</exception>
    public async Task JoinAsync(CancellationToken cancel)
    {
        var here = _server is null ? options : options with { Address = _server.Address };
        // One mesh for all attempts: it shows the same incarnation, should the answer to the first have been lost.
        var mesh = _joining ??= NewMesh(here);
        await mesh.StartAsync(cancel, _incarnation.Read());
        _incarnation.Write(mesh.Identity.Incarnation);
        Mesh = mesh;
        _server?.Serve(mesh.Server);
        metrics.Register(text => NodeMetrics.Collect(text, mesh));
    }

    /// <summary>Gives up what this node owns, leaves the cluster, and only then stops to answer other nodes.</summary>
    public async Task StopAsync()
    {
        try { if (Mesh is not null) await Mesh.StopAsync(); }
        finally { if (_server is not null) await _server.StopAsync(CancellationToken.None); }
    }

    /// <summary>Closes what is open.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _client?.Dispose();
        _tls?.Dispose();
        if (_journal is not null) await _journal.DisposeAsync();
    }

    private Mesh NewMesh(MeshOptions here)
    {
        var system = new ActorSystem(TaskScheduler.Default, time, new Random(), _actorLog);
        loops.Add("actors", done => system.Run(() =>
        {
            done();
            return Task.CompletedTask;
        }));
        return new Mesh(system, _journal, here, directory, _client);
    }

    private static LogLevel LevelOf(ActorLogLevel level) => level switch { ActorLogLevel.Information => LogLevel.Information, ActorLogLevel.Warning => LogLevel.Warning, _ => LogLevel.Critical };
}
