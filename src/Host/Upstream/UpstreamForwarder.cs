using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream;

/// <summary>What the forwarder needs to know of its node.</summary>
/// <param name="Settings">The section <c>upstream</c>.</param>
/// <param name="Listen">Where this node answers DNS, with the real ports: never to be asked.</param>
/// <param name="Vips">The ranges that no upstream answer may point at.</param>
/// <param name="ResolvConfPath">Where the servers come from when the settings name none.</param>
public sealed record UpstreamOptions(
    UpstreamSettings Settings, IReadOnlyList<IPEndPoint> Listen, VipRange Vips, string ResolvConfPath = "/etc/resolv.conf");

/// <summary>
/// The forwarding half: the order in which a query that is not ours is answered. From the cache; else by the flight of its question, which
/// <see cref="QueryRun"/> takes from server to server; else from an answer past its lifetime; else SERVFAIL that says why. Each client's reply is
/// made anew from the shared answer by <see cref="ReplyComposer"/>.
/// </summary>
public sealed class UpstreamForwarder : IUpstream, IDisposable
{
    /// <summary>How long a client waits for a fresh answer while a stale one could be given (RFC 8767 section 5).</summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(1.8);

    /// <summary>Clients that wait at once; more get what is known, or SERVFAIL.</summary>
    public const int MaxWaiting = 16_384;

    private const int MaxPrefetches = 64;

    // How long a client waits for a flight past the flight's own deadline.
    private static readonly TimeSpan _waitMargin = TimeSpan.FromSeconds(1);
    private static readonly RunFailure _noServers = new(EdeCode.NoReachableAuthority, [.. "no upstream servers are configured"u8]);
    private static readonly RunFailure _overload = new(EdeCode.Other, [.. "too many queries under way"u8]);
    private static readonly RunFailure _loop = new(EdeCode.NoReachableAuthority, [.. "forwarding loop: this node is its own upstream"u8]);
    private static readonly RunFailure _fault = new(EdeCode.Other, [.. "internal error"u8]);

    private readonly UpstreamOptions _options;
    private readonly ILocalRecords? _local;
    private readonly ILogger _logger;
    private readonly UpstreamClock _clock;
    private readonly UpstreamCounters _counters = new();
    private readonly HedgeBudget _hedges = new();
    private readonly LoopMark _loopMark = new();
    private readonly FlightTable _flights = new();
    private readonly RouteTable _routes;
    private readonly AnswerCache _cache;
    private readonly ServerDirectory _servers;
    private readonly ResolvConfWatcher? _watcher;
    private int _prefetching;
    private int _waiting;
    private long _loopReportedAtMs = long.MinValue;

    /// <summary>Reads resolv.conf if it is to; opens no socket before the first query.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="local">The mesh's own records, for CNAME targets that are ours; null when there is no mesh.</param>
    /// <param name="time">Every wait and lifetime counts by it.</param>
    /// <param name="logger">Told about loops, missing servers and faults.</param>
    public UpstreamForwarder(UpstreamOptions options, ILocalRecords? local, TimeProvider time, ILogger logger)
    {
        _options = options;
        _local = local;
        _logger = logger;
        _clock = new UpstreamClock(time);
        _routes = new RouteTable(options.Settings.Routes);
        _cache = new AnswerCache(options.Settings.CacheSizeBytes);
        _servers = new ServerDirectory(options.Settings, options.Listen, _clock, _counters, logger);
        if (options.Settings.Servers.Count == 0)
            _watcher = new ResolvConfWatcher(options.ResolvConfPath, time, OnResolvConf, OnResolvConfFault);
        ReportOwnAddresses();
    }

    /// <summary>The counters and the servers' state.</summary>
    public UpstreamStatistics Snapshot() => StatisticsReader.Read(_counters, _servers, _cache, _flights);

    /// <inheritdoc/>
    public bool TryAnswerCached(
        ReadOnlySpan<byte> packet, in DnsQuery query, ReadOnlySpan<byte> foldedName, in ClientView view, Span<byte> reply, int limit, uint maxTtl, out int length)
    {
        length = 0;
        Span<byte> buffer = stackalloc byte[ForwardKey.MaxSize];
        ReadOnlySpan<byte> key = buffer[..ForwardKey.Write(buffer, query, foldedName, _routes.Find(foldedName))];
        if (_cache.Find(key, out bool isHot) is not { } answer)
            return false;
        long nowMs = _clock.NowMs;
        bool isFresh = answer.IsFresh(nowMs);
        if (!isFresh && !(answer.IsInFailureWindow(nowMs) && answer.IsServableStale(nowMs)))
            return false;
        // One query near an answer's end goes on to the forwarder, which answers it from the cache too, and refreshes.
        if (isFresh && isHot && answer.IsNearExpiry(nowMs) && answer.TryClaimRefresh())
            return false;
        if (!ReplyComposer.TryWrite(answer, query, reply, new Serving(nowMs, limit, maxTtl, !isFresh, view), _local, out length))
            return false;
        (isFresh ? _counters.CacheHits : _counters.StaleServed).Add();
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask<int> ForwardAsync(ReadOnlyMemory<byte> packet, ClientView view, Memory<byte> reply, int limit, uint maxTtl, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        Admission admission = Admit(packet.Span);
        Landing landing;
        if (admission.Flight is { } flight)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                landing = await WaitAsync(flight, admission.Stale, cancel);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
        else if (admission.Ready is { } ready)
            landing = ready;
        else
            return WriteError(packet.Span, reply.Span, limit, admission.Error, admission.ErrorReason);
        return Write(packet.Span, view, reply.Span, landing, limit, maxTtl);
    }

    /// <summary>Closes the sockets and ends the queries under way with SERVFAIL.</summary>
    public void Dispose()
    {
        _watcher?.Dispose();
        _servers.Dispose();
    }

    // Everything up to the first wait.
    private Admission Admit(ReadOnlySpan<byte> packet)
    {
        QueryParse parse = DnsQuery.TryParse(packet, out DnsQuery query);
        if (parse != QueryParse.Ok)
            return new Admission { Error = parse.ToRcode() };
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        name = name[..query.QuestionName.Length];
        DnsName.Fold(query.QuestionName, name);
        Span<byte> buffer = stackalloc byte[ForwardKey.MaxSize];
        ReadOnlySpan<byte> key = buffer[..ForwardKey.Write(buffer, query, name, _routes.Find(name))];
        if (_loopMark.HasLooped(packet, out ReadOnlySpan<byte> marks))
            return Refuse(key, _loop, OnLoop());

        long nowMs = _clock.NowMs;
        CachedAnswer? known = _cache.Find(key, out bool isHot);
        if (known is not null && known.IsFresh(nowMs))
        {
            _counters.CacheHits.Add();
            if (isHot && known.IsNearExpiry(nowMs))
                Prefetch(known, key);
            return new Admission { Ready = new Landing(known, IsStale: false) };
        }
        _counters.CacheMisses.Add();
        // RFC 8914 section 4.21: without RD only what is known is said.
        if (!query.RecursionDesired)
            return new Admission { Error = Rcode.Refused, ErrorReason = EdeCode.NotAuthoritative };
        CachedAnswer? stale = known is not null && known.IsServableStale(nowMs) ? known : null;
        if (stale is not null && stale.IsInFailureWindow(nowMs))
            return new Admission { Ready = new Landing(stale, IsStale: true) };
        if (_servers.For(ForwardKey.Route(key)).Links.Count == 0)
            return Refuse(key, _noServers, _counters.NoServers, stale);
        Flight? flight = Volatile.Read(ref _waiting) < MaxWaiting ? Join(key, marks) : null;
        return flight is null ? Refuse(key, _overload, _counters.Overloads, stale) : new Admission { Flight = flight, Stale = stale };
    }

    private Admission Refuse(ReadOnlySpan<byte> key, RunFailure failure, StripedCounter counter, CachedAnswer? stale = null)
    {
        counter.Add();
        if (stale is not null)
            return new Admission { Ready = new Landing(stale, IsStale: true) };
        return new Admission { Ready = new Landing(FailureAnswers.Passing(ForwardKey.ToQuestion(key), failure, _clock.NowMs), IsStale: false) };
    }

    private Flight? Join(ReadOnlySpan<byte> key, ReadOnlySpan<byte> marks)
    {
        Flight? flight = _flights.Join(key, out bool isNew);
        if (flight is null)
            return null;
        if (!isNew)
        {
            _counters.Coalesced.Add();
            return flight;
        }
        // A flight of the same question may have landed between the look into the cache and here.
        if (_cache.Find(key, out _) is { } landed && landed.IsFresh(_clock.NowMs) && !landed.IsNearExpiry(_clock.NowMs))
        {
            _flights.Remove(flight);
            flight.Land(new Landing(landed, IsStale: false));
        }
        else
        {
            _ = FlyAsync(flight, _loopMark.For(marks, _clock.NowMs));
        }
        return flight;
    }

    private void Prefetch(CachedAnswer known, ReadOnlySpan<byte> key)
    {
        if (Volatile.Read(ref _prefetching) >= MaxPrefetches || _servers.For(ForwardKey.Route(key)).Links.Count == 0 || !known.TryStartRefresh())
            return;
        if (Join(key, default) is not { } flight)
            return;
        _counters.Prefetches.Add();
        Interlocked.Increment(ref _prefetching);
        _ = flight.Task.ContinueWith(
            static (_, self) => Interlocked.Decrement(ref ((UpstreamForwarder)self!)._prefetching),
            this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    // A bug here must cost its own query, and no waiter may wait for ever: whatever happens, the flight leaves the table and lands.
    private async Task FlyAsync(Flight flight, LoopMarking marking)
    {
        UpstreamQuestion question = ForwardKey.ToQuestion(flight.Key);
        Landing? landing = null;
        try
        {
            CachedAnswer answer = await RunAsync(flight.Key, question, marking);
            CachedAnswer kept = _cache.Store(flight.Key, answer);
            landing = new Landing(kept, IsStale: kept != answer);
        }
        finally
        {
            _flights.Remove(flight);
            flight.Land(landing ?? Fallen(question));
        }
    }

    private async Task<CachedAnswer> RunAsync(byte[] key, UpstreamQuestion question, LoopMarking marking)
    {
        try
        {
            var inquiry = new Inquiry(question, marking, _clock.NowMs + (long)_options.Settings.Timeout.TotalMilliseconds);
            ServerSet servers = _servers.For(ForwardKey.Route(key));
            (CachedAnswer? found, RunFailure failure) = await new QueryRun(servers, inquiry, _clock, _hedges, _counters, _options.Vips).RunAsync();
            return found ?? Fail(key, question, failure);
        }
        catch (Exception fault)
        {
            _logger.LogError(fault, "Forwarding {Name} failed by a fault of ours", DnsName.ToText(question.Name));
            return Fail(key, question, _fault);
        }
    }

    private Landing Fallen(UpstreamQuestion question) => new(FailureAnswers.Passing(question, _fault, _clock.NowMs), IsStale: false);

    private CachedAnswer Fail(byte[] key, UpstreamQuestion question, RunFailure failure)
    {
        _counters.Failures.Add();
        return FailureAnswers.Lasting(question, failure, _cache.Find(key, out _), _clock.NowMs);
    }

    private async Task<Landing> WaitAsync(Flight flight, CachedAnswer? stale, CancellationToken cancel)
    {
        if (stale is null)
        {
            // The flight keeps its deadline by itself; that every wait here has one too costs little.
            try
            {
                return await flight.Task.WaitAsync(_options.Settings.Timeout + _waitMargin, _clock.Time, cancel);
            }
            catch (TimeoutException)
            {
                return Fallen(ForwardKey.ToQuestion(flight.Key));
            }
        }
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task patience = Task.Delay(StaleAfter, _clock.Time, done.Token);
        await Task.WhenAny(flight.Task, patience);
        cancel.ThrowIfCancellationRequested();
        await done.CancelAsync();
        return flight.Task.IsCompleted ? await flight.Task : new Landing(stale, IsStale: true);
    }

    private int Write(ReadOnlySpan<byte> packet, in ClientView view, Span<byte> reply, in Landing landing, int limit, uint maxTtl)
    {
        DnsQuery.TryParse(packet, out DnsQuery query);
        if (landing.IsStale)
            _counters.StaleServed.Add();
        var serving = new Serving(_clock.NowMs, limit, maxTtl, landing.IsStale, view);
        return ReplyComposer.TryWrite(landing.Answer, query, reply, serving, _local, out int length)
            ? length
            : WriteError(packet, reply, limit, Rcode.ServFail, null);
    }

    private static int WriteError(ReadOnlySpan<byte> packet, Span<byte> reply, int limit, Rcode rcode, EdeCode? reason) =>
        ErrorReply.TryWrite(packet, rcode, reply[..Math.Min(limit, reply.Length)], out int length, reason) ? length : 0;

    private StripedCounter OnLoop()
    {
        long nowMs = _clock.NowMs;
        _loopMark.OnLoop(nowMs);
        long reportedAtMs = Interlocked.Read(ref _loopReportedAtMs);
        bool isDue = reportedAtMs == long.MinValue || nowMs - reportedAtMs >= 60_000;
        if (isDue && Interlocked.CompareExchange(ref _loopReportedAtMs, nowMs, reportedAtMs) == reportedAtMs)
            _logger.LogWarning("Forwarding loop: a query that this node sent upstream came back to it; check upstream.servers and resolv.conf");
        return _counters.Loops;
    }

    private void OnResolvConf(ResolvConf conf)
    {
        _servers.Use(conf);
        if (_servers.For(RouteTable.Default).Links.Count == 0)
            _logger.LogWarning("No usable upstream server in {Path}: names that are not ours get SERVFAIL", _options.ResolvConfPath);
        ReportOwnAddresses();
    }

    private void OnResolvConfFault(Exception fault) =>
        _logger.LogError(fault, "Taking in {Path} failed by a fault of ours; it is tried again", _options.ResolvConfPath);

    private void ReportOwnAddresses()
    {
        foreach (IPEndPoint own in _servers.Own)
            _logger.LogWarning("Upstream server {Server} is this node itself and is not asked", own);
    }

    private readonly record struct Admission
    {
        public Landing? Ready { get; init; }

        public Flight? Flight { get; init; }

        public CachedAnswer? Stale { get; init; }

        public Rcode Error { get; init; }

        public EdeCode? ErrorReason { get; init; }
    }
}
