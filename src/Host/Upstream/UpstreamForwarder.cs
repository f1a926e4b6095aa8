using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Flights;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream;

/// <summary>What the forwarder needs to know of its node.</summary>
/// <param name="Settings">The section <c>upstream</c>.</param>
/// <param name="Listen">Where this node answers DNS, with the real ports: never to be asked.</param>
/// <param name="Vips">The ranges that no upstream answer may point at.</param>
/// <param name="ResolvConfPath">Where the servers come from when the settings name none.</param>
public sealed record UpstreamOptions(
    UpstreamSettings Settings, IReadOnlyList<IPEndPoint> Listen, VipRange Vips, string ResolvConfPath = "/etc/resolv.conf")
{
    /// <summary>Opens what the loop waits and sends with.</summary>
    internal Func<UpstreamWire> OpenWire { get; init; } = SystemWire.Open;
}

/// <summary>
/// The forwarding half: the cache, which any thread reads, and the upstream loop, whose <see cref="QueryForwarder"/> has the order in which a query that is not
/// ours is answered. From the cache; else by the flight of its question, which takes it from server to server; else from an answer past its lifetime; else
/// SERVFAIL that says why. Each client's reply is made anew from the shared answer by <see cref="ReplyComposer"/>.
/// </summary>
public sealed class UpstreamForwarder : IUpstream, IDisposable
{
    private readonly UpstreamOptions _options;
    private readonly AnswerWriter? _local;
    private readonly ILogger _logger;
    private readonly UpstreamClock _clock;
    private readonly UpstreamCounters _counters = new();
    private readonly AnswerCache _cache;
    private readonly ServerDirectory _servers;
    private readonly UpstreamLoop _loop;
    private readonly ForwarderServices _services;
    private readonly QueryForwarder _forwarder;
    private readonly Lock _gate = new();
    private ResolvConfWatcher? _watcher;
    private bool _isDisposed;

    /// <summary>Reads resolv.conf if it is to; opens no socket before the first query.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="local">The mesh's own records, for chains of CNAMEs that lead through it; null when there is no mesh.</param>
    /// <param name="time">Every wait and lifetime counts by it.</param>
    /// <param name="logger">Told about loops, missing servers and faults.</param>
    public UpstreamForwarder(UpstreamOptions options, AnswerWriter? local, TimeProvider time, ILogger logger)
    {
        _options = options;
        _local = local;
        _logger = logger;
        _clock = new UpstreamClock(time);
        _cache = new AnswerCache(options.Settings.CacheSizeBytes);
        _loop = new UpstreamLoop(_clock, _counters, logger, options.OpenWire());
        _servers = new ServerDirectory(options.Settings, options.Listen, _loop, _clock, _counters, logger);
        _services = new ForwarderServices(_loop, _clock, _counters, _cache, _servers, new LoopMark(), local, options.Vips, options.Settings.Timeout, logger);
        _forwarder = new QueryForwarder(_services);
        if (_servers.IsByResolvConf)
            _watcher = NewWatcher();
        else
            ReportServers();
        _loop.Serve(_forwarder);
        _loop.Start();
    }

    /// <summary>Whether its loop turns.</summary>
    internal LoopBeat Beat => _loop.Beat;

    /// <summary>For tests: the loop, which can be asked to do something on its thread.</summary>
    internal UpstreamLoop Loop => _loop;

    /// <summary>What it counts for all servers together.</summary>
    internal UpstreamCounters Counters => _counters;

    /// <summary>The answers kept.</summary>
    internal AnswerCache Cache => _cache;

    /// <summary>The counters and the servers' state.</summary>
    public UpstreamStatistics Snapshot() => StatisticsReader.Read(_counters, _servers, _cache, _forwarder.Flights);

    /// <summary>
    /// Takes other servers, routes and another deadline, all or, by an exception, none, for the queries that come from here on; what is under way ends as it began.
    /// The cache stays as large as it is. What servers answered that are not asked any more is not served any more. Any thread.
    /// </summary>
    public void Use(UpstreamSettings settings)
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            bool isByFile = settings.Servers.Count == 0;
            // What the file says is there before the named servers go.
            if (isByFile)
                _watcher ??= NewWatcher();
            _servers.Use(settings);
            _services.Allow(settings.Timeout);
            if (!isByFile)
            {
                _watcher?.Dispose();
                _watcher = null;
            }
        }
        ReportServers();
    }

    /// <summary>What the cache has of a question and who would be asked, and why; nobody is asked.</summary>
    internal IReadOnlyList<string> Explain(ReadOnlySpan<byte> foldedName, DnsType type) => UpstreamExplainer.Explain(_cache, _servers, _clock.NowMs, foldedName, type);

    /// <inheritdoc/>
    public bool TryAnswerCached(
        ReadOnlySpan<byte> packet, in DnsQuery query, ReadOnlySpan<byte> foldedName, in Finding finding, in ClientView view, Span<byte> reply, int limit, out int length)
    {
        long nowMs = _clock.CoarseNowMs;
        var parts = new CachedParts(_cache, _servers.Routes, nowMs);
        if (ReplyComposer.Write(query, foldedName, reply, new Serving(nowMs, limit, finding, view), ref parts, _local, out length, out _) != Composition.Written)
            return false;
        (parts.HasStale ? _counters.StaleServed : _counters.CacheHits).Add();
        return true;
    }

    /// <inheritdoc/>
    public void Post(ReadOnlySpan<ForwardedQuery> queries)
    {
        foreach (ForwardedQuery query in queries)
            Put(query);
        _loop.Wake();
    }

    /// <summary>Closes the sockets and ends the queries under way with SERVFAIL.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            _watcher?.Dispose();
        }
        _loop.Dispose();
    }

    private void Put(ForwardedQuery query)
    {
        if (_forwarder.Inbox.Put(query) is not { } displaced)
            return;
        if (displaced.Party != query.Party)
            _counters.Displaced.Add();
        displaced.OnDrop();
    }

    private ResolvConfWatcher NewWatcher() => new(_options.ResolvConfPath, _clock.Time, OnResolvConf, OnResolvConfFault);

    private void OnResolvConf(ResolvConf conf)
    {
        _servers.Use(conf);
        if (_servers.IsByResolvConf)
            ReportServers();
    }

    private void OnResolvConfFault(Exception fault) =>
        _logger.LogError(fault, "Taking in {Path} failed by a fault of ours; it is tried again", _options.ResolvConfPath);

    private void ReportServers()
    {
        if (_servers.LacksServers)
            _logger.LogWarning("No usable upstream server in {Path}: names that are not ours get SERVFAIL", _options.ResolvConfPath);
        foreach (IPEndPoint own in _servers.Own)
            _logger.LogWarning("Upstream server {Server} is this node itself and is not asked", own);
    }
}
