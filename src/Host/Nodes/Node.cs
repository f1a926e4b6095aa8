using System.Net;
using System.Net.Sockets;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Admin;
using MeshDns.Host.Cli;
using MeshDns.Host.Edge;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Sources;
using MeshDns.Host.Telemetry;
using MeshDns.Host.Upstream;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// A node from start to stop, once. The order is the promise: lock the data directory, load the saved directory, answer queries, and only then
/// open the journal; so a node answers what it knew while everything else is still missing.
/// </summary>
internal sealed class Node
{
    private static readonly TimeSpan _edgeStop = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _readyPoll = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan _tellEvery = TimeSpan.FromSeconds(10);

    private readonly MeshDnsSettings _settings;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly MeshOptions _options;
    private readonly MeshDirectory _directory;
    private readonly MeshResolver _resolver;
    private readonly DescriptorPlan _descriptors;
    private readonly LoopWatch _loops;
    private readonly NodeHealth _health;
    private readonly LateMesh _lateMesh = new();
    private readonly NodeMetrics _metrics = new();
    private readonly LateOwners _lateOwners = new();
    private readonly HeapTrim _trim;
    private readonly NodeMesh _mesh;
    private readonly DirectorySaver _saver;
    private readonly HangUp _hangUp;
    private readonly AdminToken _token = new();
    private readonly SettingsReload _reload;
    private readonly CancellationTokenSource _stopBackground = new();
    private readonly List<Task> _background = [];
    private UpstreamForwarder? _upstream;
    private EdgeServer? _edge;
    private AdminServer? _admin;
    private IDisposable? _otlp;

    public Node(MeshDnsSettings settings, DescriptorPlan descriptors, ILoggerFactory loggers, HangUp hangUp)
    {
        _settings = settings;
        _descriptors = descriptors;
        _loggers = loggers;
        _log = loggers.CreateLogger("node");
        _options = OptionsOf(settings);
        _directory = new MeshDirectory(_options.Range, _options.Zones, _options.Shards, _time, violation => _log.LogCritical("{Violation}", violation));
        _resolver = new MeshResolver(_directory, ResolverSettings.Of(settings), _time);
        _loops = new LoopWatch(_time);
        _health = new NodeHealth(_directory, _loops, _time, _log);
        _trim = new HeapTrim(_directory, _time, HeapTrim.Collector.Runtime);
        _mesh = new NodeMesh(settings, _options, _directory, _time, loggers.CreateLogger("mesh"), _metrics, descriptors.Cluster) { LeftBehind = _trim.LeftBehind };
        _saver = new DirectorySaver(SavedDirectory, _directory, _time, _log);
        _hangUp = hangUp;
        _reload = new SettingsReload(settings, Apply, loggers.CreateLogger("settings"));
        _metrics.Reloads = _reload.Results;
    }

    /// <summary>For tests: its mesh part, once that has begun.</summary>
    internal IMeshNode? Mesh => _mesh.Mesh;

    /// <summary>For tests: what it knows.</summary>
    internal MeshDirectory Directory => _directory;

    /// <summary>For tests: where it answers.</summary>
    internal IPEndPoint Dns => _edge!.Endpoints[0];

    /// <summary>For tests: where its API is.</summary>
    internal Uri Admin => new($"http://{_admin!.Endpoint}");

    private string SavedDirectory => Path.Combine(_settings.Node.DataDirectory, "directory.bin");

    /// <summary>Runs until the token; returns the exit code.</summary>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        if (TryLock() is not { } held) return 1;
        await using var lockFile = held;
        try
        {
            StartEdge();
            _mesh.Prepare();
            _background.Add(Task.Run(LazyAssemblies.Touch, CancellationToken.None));
            _metrics.Admin = _admin = AdminServer.Start(AdminServicesOf());
            _background.Add(_reload.FollowAsync(_hangUp, _stopBackground.Token));
            _otlp = OtlpExport.Start(_settings.Telemetry.OtlpEndpoint, _settings.Node.Name);
            await _mesh.ListenAsync();
            await StartMeshAsync(cancel);
            await WaitUntilReadyAsync(cancel);
            _health.Started();
            _log.LogInformation("ready: dns {Dns} (udp and tcp), admin http://{Admin}", string.Join(", ", _edge!.Endpoints), _admin.Endpoint);
            _background.Add(new SettingsNotice(_settings, _lateMesh, _time, _log).RunAsync(_stopBackground.Token));
            foreach (var path in _settings.Sources.Manifests) _background.Add(new ManifestSource(path, _lateMesh, _time, new Random(), _loggers.CreateLogger("source"), () => _directory.Position, _mesh.Mesh!.Runs).RunAsync(_stopBackground.Token));
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancel);
            return 0;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested) { return 0; }
        catch (Exception e) when (e is SocketException or IOException && _mesh.Mesh is null) { return Fail($"cannot listen for {NotBound}: {e.Message}"); }
        catch (Exception e) when (e is InvalidOperationException) { return Fail(e.Message); }
        finally { await StopAsync(); }
    }

    private string NotBound => _edge is null ? $"DNS on {string.Join(", ", _settings.Dns.Listen)}" : _admin is null ? $"HTTP on {_settings.Admin.Listen}" : $"other nodes on {_settings.Cluster.Listen}{(_settings.Cluster.Feed is { } feed ? $" or {feed}" : "")}";

    // What is known is answered from here on.
    private void StartEdge()
    {
        if (DirectoryFile.TryLoad(SavedDirectory, _directory, out var reason)) _log.LogInformation("the saved directory has {Names} names, {Age:F0} s old", _directory.Names, _directory.Age.TotalSeconds);
        else _log.LogInformation("starting without a saved directory: {Reason}", reason);
        var answers = new AnswerWriter(_resolver);
        var upstream = _upstream = new UpstreamForwarder(new UpstreamOptions(_settings.Upstream, _settings.Dns.Listen, _options.Range), answers, _time, _loggers.CreateLogger("upstream"));
        var edge = _edge = EdgeServer.Start(_settings.Dns.Listen, new EdgeOptions { MaxTcpConnections = _descriptors.Tcp, MaxTcpConnectionsPerClient = _descriptors.TcpPerClient }, _resolver, answers, upstream, _time, fault => _log.LogError(fault, "a query handler failed"), _lateOwners);
        foreach (var beat in edge.Beats) _loops.Add(beat);
        _loops.Add(upstream.Beat);
        (_metrics.Edge, _metrics.Upstream, _metrics.Directory) = (edge.Statistics, upstream, _directory);
    }

    private async Task StartMeshAsync(CancellationToken cancel)
    {
        await OpenStoreAsync(cancel);
        await _mesh.BeginAsync();
        var mesh = _mesh.Mesh!;
        _health.Set(mesh);
        _lateMesh.Set(mesh.Control);
        _lateOwners.Set(mesh);
        _background.Add(_saver.RunAsync(_stopBackground.Token));
        _edge!.Ebbed += _trim.LeftBehind;
        _background.Add(_trim.RunAsync(_stopBackground.Token));
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancel)
    {
        var told = _time.GetTimestamp();
        var mesh = _mesh.Mesh!;
        while (mesh.NotReady.Length > 0 || !_directory.IsLoaded)
        {
            await Task.Delay(_readyPoll, _time, cancel);
            if (_time.GetElapsedTime(told) < _tellEvery) continue;
            told = _time.GetTimestamp();
            if (mesh.NotReady is { Length: > 0 } why) _log.LogWarning("not ready yet: {Why}", why);
        }
    }

    // What may throw, and then changes nothing, comes first.
    private List<string> Apply(MeshDnsSettings settings)
    {
        var answering = ResolverSettings.Of(settings);
        _upstream!.Use(settings.Upstream);
        _resolver.Adopt(answering);
        _token.Adopt(settings.Admin.Token);
        return _resolver.Ttl < answering.Ttl ? [$"dns.ttl is served capped at {_resolver.Ttl}s, the largest that the log allows (PUT /v1/settings)"] : [];
    }

    // Nobody changes, then nobody asks, then nobody is owner, then nobody is answered; what is known is saved last. A step that fails does not
    // keep the others from being done.
    private async Task StopAsync()
    {
        _log.LogInformation("stopping");
        _health.Stopping();
        await StepAsync("the background tasks", async () =>
        {
            await _stopBackground.CancelAsync();
            await Task.WhenAll(_background);
        });
        await StepAsync("the push of metrics", () => Task.Run(() => _otlp?.Dispose()));
        await StepAsync("the API", async () =>
        {
            if (_admin is null) return;
            await _admin.StopAsync(CancellationToken.None);
            await _admin.DisposeAsync();
        });
        await StepAsync("the mesh", _mesh.StopAsync);
        await StepAsync("DNS", async () => { if (_edge is not null) await _edge.StopAsync(_edgeStop); });
        await StepAsync("the saved directory", () =>
        {
            if (_mesh.Mesh is not null && _directory.IsLoaded) _saver.Save();
            return Task.CompletedTask;
        });
        await StepAsync("the journal", () => _mesh.DisposeAsync().AsTask());
        _upstream?.Dispose();
        _stopBackground.Dispose();
        _metrics.Dispose();
        _log.LogInformation("stopped");
    }

    private async Task StepAsync(string what, Func<Task> step)
    {
        try { await step(); }
        catch (Exception e) { _log.LogError(e, "{What} did not stop cleanly", what); }
    }

    // Queries are answered from what is known meanwhile; changes wait until the store is there. What an operator has to mend is told once.
    private async Task OpenStoreAsync(CancellationToken cancel)
    {
        var told = "";
        for (var tries = 0; ; tries++)
        {
            try
            {
                await _mesh.OpenStoreAsync();
                return;
            }
            catch (StoreUnavailableException e)
            {
                _lateMesh.Explain(e.Message);
                _health.Explain(e.Message);
                // Whatever is needed for changes may be away for long; queries are answered meanwhile.
                _health.Started();
                if (e.Message != told) _log.Log(e is StoreRefusedException ? LogLevel.Critical : LogLevel.Error, "the journal cannot be opened, trying again: {Error}", e.Message);
                told = e.Message;
                await Task.Delay(TimeSpan.FromSeconds(Math.Min(5, 1 << Math.Min(tries, 3))), _time, cancel);
            }
        }
    }

    private FileStream? TryLock()
    {
        try
        {
            DataDirectory.Tighten(_settings.Node.DataDirectory, _log);
            return DataDirectory.Lock(_settings.Node.DataDirectory);
        }
        catch (StoreUnavailableException e)
        {
            Fail(e.Message);
            return null;
        }
    }

    private int Fail(string message)
    {
        _log.LogCritical("{Message}", message);
        return 1;
    }

    private AdminServices AdminServicesOf() => new()
    {
        Settings = _settings.Admin,
        Token = _token,
        Mesh = _lateMesh,
        Health = _health,
        Explainer = new QueryExplainer(_resolver, (name, type) => _upstream!.Explain(name, type)),
        Metrics = _metrics.Text.Render,
        Vips = _options.Range,
        Ttl = () => _resolver.Ttl,
        Reload = _reload.RunAsync,
        Bounds = AdminBounds.Within(_descriptors.Api),
        Time = _time,
        Log = _loggers.CreateLogger("admin"),
    };

    private static MeshOptions OptionsOf(MeshDnsSettings settings)
    {
        var range = new VipRange(Cidr.Parse(settings.Vips.IPv4.ToString()), Cidr.Parse(settings.Vips.IPv6.ToString()));
        var clusterDomain = HostName.Parse(settings.Mesh.ClusterDomain);
        return new MeshOptions
        {
            Node = settings.Node.Name,
            Address = settings.Cluster.Advertise ?? (settings.Cluster.Listen is { Port: > 0 } listen ? listen.ToString() : settings.Cluster.Listen is null ? settings.Admin.Listen.ToString() : ""),
            Version = MeshMeter.Version,
            Roles = RolesOf(settings.Node.Roles),
            Shards = settings.Cluster.Shards,
            Heartbeat = settings.Cluster.Heartbeat,
            Lease = settings.Cluster.Lease,
            Join = settings.Cluster.Join,
            Sources = [.. settings.Sources.Manifests.Select(path => "file:" + path)],
            Range = range,
            Quarantine = settings.Vips.Quarantine,
            MaxAge = settings.Directory.MaxAge,
            MaxTtl = settings.Dns.Ttl,
            ClusterDomain = clusterDomain,
            Zones = MeshDirectory.ZonesOf(clusterDomain, range, settings.Mesh.Zones.Select(HostName.Parse)),
        };
    }

    private static List<string> RolesOf(NodeRoles roles)
    {
        var names = new List<string>();
        foreach (var role in new[] { NodeRoles.Owner, NodeRoles.Edge, NodeRoles.Gateway })
            if ((roles & role) != NodeRoles.None) names.Add(role.ToString().ToLowerInvariant());
        return names;
    }
}
