using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream;

/// <summary>What the desk works with.</summary>
internal sealed record DeskServices(
    UpstreamLoop Loop, UpstreamClock Clock, UpstreamCounters Counters, AnswerCache Cache, RouteTable Routes, ServerDirectory Servers, LoopMark LoopMark,
    AnswerWriter? Local, VipRange Vips, TimeSpan Timeout, ILogger Logger);

/// <summary>
/// What happens to a query on the upstream loop, in order: it is read; answered from the cache, refused, or put on the flight of its question; and once that
/// has landed, answered, or put on the next where its chain of CNAMEs leads on through the mesh. For the loop's thread, but for <see cref="Inbox"/>.
/// </summary>
internal sealed class ForwardDesk
{
    /// <summary>Queries that wait for a place; more, and the oldest is dropped.</summary>
    public const int MaxQueued = 4096;

    /// <summary>Clients that wait for flights at once; more stay in the inbox.</summary>
    public const int MaxWaiting = 16_384;

    private const int MaxPrefetches = 64;
    private const int BatchSize = 128;

    private static readonly RunFailure _noServers = new(EdeCode.NoReachableAuthority, [.. "no upstream servers are configured"u8], IsLocal: true);
    private static readonly RunFailure _loop = new(EdeCode.NoReachableAuthority, [.. "forwarding loop: this node is its own upstream"u8], IsLocal: true);
    private static readonly RunFailure _fault = new(EdeCode.Other, [.. "internal error"u8]);
    private static readonly RunFailure _stopping = new(EdeCode.Other, [.. "stopping"u8], IsLocal: true);

    private readonly DeskServices _services;
    private readonly ForwardedQuery[] _batch = new ForwardedQuery[BatchSize];
    private readonly ReplyOutlet _outlet;
    private readonly Stack<Flight> _unused = new();
    private readonly long _timeoutMs;
    private int _prefetching;
    private int _waiting;
    private long _loopReportedAtMs = long.MinValue;

    public ForwardDesk(DeskServices services)
    {
        _services = services;
        _timeoutMs = (long)services.Timeout.TotalMilliseconds;
        Filter = new AnswerFilter(services.Vips);
        _outlet = new ReplyOutlet(services.Logger);
    }

    /// <summary>The loop.</summary>
    public UpstreamLoop Loop => _services.Loop;

    /// <summary>The counters.</summary>
    public UpstreamCounters Counters => _services.Counters;

    /// <summary>The hedges.</summary>
    public HedgeBudget Hedges { get; } = new();

    /// <summary>The filter.</summary>
    public AnswerFilter Filter { get; }

    /// <summary>The questions under way.</summary>
    public FlightTable Flights { get; } = new();

    /// <summary>What comes in.</summary>
    public Inbox Inbox { get; } = new(MaxQueued);

    /// <summary>True when something is in the inbox and can be taken.</summary>
    public bool HasWork => Inbox.Count != 0 && Places > 0;

    private int Places => Math.Min(FlightTable.Capacity - Flights.Count, MaxWaiting - _waiting);

    /// <summary>Takes a batch of new queries on; false when more could be taken at once.</summary>
    public bool Work()
    {
        int places = Math.Min(Places, BatchSize);
        if (places <= 0 || Inbox.Count == 0)
            return true;
        int taken = Inbox.Take(_batch.AsSpan(0, places), newestFirst: Inbox.Count > Places);
        Loop.ReadClock();
        for (int i = 0; i < taken; i++)
        {
            Take(_batch[i]);
            _batch[i] = null!;
        }
        return !HasWork;
    }

    /// <summary>Sends the replies that were gathered.</summary>
    public void Flush() => _outlet.Flush();

    /// <summary>Ends everything under way.</summary>
    public void Close()
    {
        Inbox.Close();
        while (Inbox.Take(_batch.AsSpan(0, 1), newestFirst: false) != 0)
            _outlet.AnswerError(_batch[0], Rcode.ServFail, _stopping.Code);
        foreach (Flight flight in Flights.All.ToList())
            LandFailure(flight, _stopping);
        _services.Servers.Close();
        Flush();
    }

    /// <summary>The flight has an answer.</summary>
    public void LandAnswer(Flight flight, CachedAnswer answer)
    {
        CachedAnswer kept = _services.Cache.Store(flight.Key, answer);
        Land(flight, new Landing(kept, IsStale: kept != answer));
    }

    /// <summary>The flight has failed. What is our own doing is not kept; see <see cref="RunFailure"/>.</summary>
    public void LandFailure(Flight flight, in RunFailure failure)
    {
        if (failure.IsLocal)
        {
            Counters.Overloads.Add();
            Land(flight, flight.Stale is { } stale ? new Landing(stale, IsStale: true) : Passing(flight.Question, failure));
            return;
        }
        Counters.Failures.Add();
        LandAnswer(flight, FailureAnswers.Lasting(flight.Question, failure, _services.Cache.Find(flight.Key, out _), Loop.NowMs));
    }

    /// <summary>The flight met a bug, which must cost its own query, and nobody may wait for ever.</summary>
    public void LandFault(Flight flight, Exception fault)
    {
        try
        {
            _services.Logger.LogError(fault, "Forwarding {Name} failed by a fault of ours", DnsName.ToText(flight.Question.Name));
            LandFailure(flight, _fault);
        }
        catch (Exception)
        {
            LandFallen(flight);
        }
    }

    /// <summary>The flight has nothing at all.</summary>
    public void LandFallen(Flight flight) => Land(flight, Passing(flight.Question, _fault));

    /// <summary>Takes a flight back that nothing refers to.</summary>
    public void Recycle(Flight flight)
    {
        if (flight.TryRetire() && _unused.Count < FlightTable.Capacity)
            _unused.Push(flight);
    }

    /// <summary>Answers one who waits for a flight.</summary>
    public void Deliver(ForwardedQuery query, in Landing landing)
    {
        _waiting--;
        Answer(query, landing);
    }

    /// <summary>Answers one whose own time is over while the flight goes on.</summary>
    public void DeliverFailure(ForwardedQuery query, in RunFailure failure)
    {
        _waiting--;
        AnswerFailure(query, failure);
    }

    /// <summary>When a query must have its answer, on the <see cref="UpstreamClock"/>: all parts of a chain share one deadline.</summary>
    public long DeadlineOf(ForwardedQuery query) => query.ArrivedAtMs + _timeoutMs;

    /// <summary>What the cache has of a name, fresh, or to be served for want of better. One that is hot and near its end is refreshed.</summary>
    public CachedAnswer? FindKnown(scoped in DnsQuery query, scoped ReadOnlySpan<byte> foldedName, out bool isFresh)
    {
        Span<byte> buffer = stackalloc byte[ForwardKey.MaxSize];
        int route = _services.Routes.Find(foldedName);
        ReadOnlySpan<byte> key = buffer[..ForwardKey.Write(buffer, query, foldedName, route)];
        CachedAnswer? known = _services.Cache.Find(key, out bool isHot);
        isFresh = known is not null && known.IsFresh(Loop.NowMs);
        if (isFresh && isHot && known!.IsNearExpiry(Loop.NowMs))
            Prefetch(known, key, route);
        return isFresh || (known is not null && known.IsServableStale(Loop.NowMs)) ? known : null;
    }

    private void Take(ForwardedQuery query)
    {
        query.ArrivedAtMs = Loop.NowMs;
        try
        {
            Admit(query);
        }
        catch (Exception fault)
        {
            _outlet.Report(fault, "Taking a query to be forwarded");
            _outlet.AnswerError(query, Rcode.ServFail, null);
        }
    }

    // Everything up to the first wait.
    private void Admit(ForwardedQuery query)
    {
        ReadOnlySpan<byte> packet = query.Packet.AsSpan(0, query.Length);
        QueryParse parse = DnsQuery.TryParse(packet, out DnsQuery parsed);
        if (parse != QueryParse.Ok)
        {
            _outlet.AnswerError(query, parse.ToRcode(), null);
            return;
        }
        if (_services.LoopMark.HasLooped(packet, out _))
        {
            OnLoop();
            AnswerFailure(query, _loop);
            return;
        }
        if (TryAnswer(query, parsed, null))
            Counters.CacheHits.Add();
    }

    // Answers, if what is known and has landed is enough; else asks for what is missing, and false.
    private bool TryAnswer(ForwardedQuery query, DnsQuery parsed, Landing? latest)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        name = name[..parsed.QuestionName.Length];
        DnsName.Fold(parsed.QuestionName, name);
        var parts = new DeskParts(this, query, latest);
        var serving = new Serving(Loop.NowMs, query.Limit, query.Finding, query.View);
        switch (ReplyComposer.Write(parsed, name, _outlet.Buffer, serving, ref parts, _services.Local, out int length, out byte[]? missing))
        {
            case Composition.Written:
                _outlet.HandOver(query, length);
                return true;
            case Composition.TooSmall:
                _outlet.AnswerError(query, Rcode.ServFail, null);
                return true;
            default:
                if (latest is { } landed)
                    Note(query, landed);
                Counters.CacheMisses.Add();
                Ask(query, parsed, missing ?? name, parts.Stale);
                return false;
        }
    }

    private static void Note(ForwardedQuery query, in Landing landed)
    {
        var notes = query.Notes as List<Landing> ?? [];
        notes.Add(landed);
        query.Notes = notes;
    }

    private void Ask(ForwardedQuery query, in DnsQuery parsed, scoped ReadOnlySpan<byte> name, CachedAnswer? stale)
    {
        // RFC 8914 section 4.21: without RD only what is known is said.
        if (!parsed.RecursionDesired)
        {
            _outlet.AnswerError(query, Rcode.Refused, EdeCode.NotAuthoritative);
            return;
        }
        Span<byte> buffer = stackalloc byte[ForwardKey.MaxSize];
        int route = _services.Routes.Find(name);
        _services.LoopMark.HasLooped(query.Packet.AsSpan(0, query.Length), out ReadOnlySpan<byte> marks);
        Forward(query, buffer[..ForwardKey.Write(buffer, parsed, name, route)], route, marks, stale);
    }

    private void Forward(ForwardedQuery query, ReadOnlySpan<byte> key, int route, ReadOnlySpan<byte> marks, CachedAnswer? stale)
    {
        ServerSet servers = _services.Servers.For(route);
        if (stale is not null && stale.IsInFailureWindow(Loop.NowMs))
        {
            Answer(query, new Landing(stale, IsStale: true));
            return;
        }
        if (servers.Links.Count == 0)
        {
            Counters.NoServers.Add();
            AnswerStaleOr(query, stale, _noServers);
            return;
        }
        ulong hash = Flights.HashOf(key);
        if (Flights.Find(key, hash) is { } known)
        {
            Counters.Coalesced.Add();
            _waiting++;
            known.Add(query);
            return;
        }
        if (!servers.HasRoom(_services.Servers.Sets))
        {
            Counters.Overloads.Add();
            AnswerStaleOr(query, stale, UpstreamForwarder.Overload);
            return;
        }
        Flight flight = NewFlight(key, hash, servers, marks, stale);
        _waiting++;
        flight.Add(query);
        Start(flight);
    }

    private void AnswerStaleOr(ForwardedQuery query, CachedAnswer? stale, in RunFailure failure)
    {
        if (stale is not null)
            Answer(query, new Landing(stale, IsStale: true));
        else
            AnswerFailure(query, failure);
    }

    private void Prefetch(CachedAnswer known, ReadOnlySpan<byte> key, int route)
    {
        ServerSet servers = _services.Servers.For(route);
        if (_prefetching >= MaxPrefetches || servers.Links.Count == 0 || Places <= 0 || !known.TryStartRefresh())
            return;
        ulong hash = Flights.HashOf(key);
        if (Flights.Find(key, hash) is not null)
            return;
        Flight flight = NewFlight(key, hash, servers, default, null);
        Counters.Prefetches.Add();
        flight.IsPrefetch = true;
        _prefetching++;
        Start(flight);
    }

    private Flight NewFlight(ReadOnlySpan<byte> key, ulong hash, ServerSet servers, ReadOnlySpan<byte> marks, CachedAnswer? stale)
    {
        Flight flight = _unused.TryPop(out Flight? used) ? used : new Flight(this);
        flight.Board(key, servers, _services.LoopMark.For(marks, Loop.NowMs), stale, Loop.NowMs + _timeoutMs);
        Flights.Add(flight, hash);
        servers.InFlight++;
        return flight;
    }

    private void Start(Flight flight)
    {
        try
        {
            flight.Start();
        }
        catch (Exception fault)
        {
            LandFault(flight, fault);
        }
        if (flight.IsIdle)
            Recycle(flight);
    }

    private void Land(Flight flight, in Landing landing)
    {
        if (flight.HasLanded)
            return;
        flight.Land();
        Flights.Remove(flight);
        flight.Servers.InFlight--;
        if (flight.IsPrefetch)
            _prefetching--;
        ForwardedQuery? query = flight.TakeWaiters();
        while (query is not null)
        {
            ForwardedQuery? next = query.Next;
            query.Next = null;
            Deliver(query, landing);
            query = next;
        }
    }

    private Landing Passing(UpstreamQuestion question, in RunFailure failure) => new(FailureAnswers.Passing(question, failure, Loop.NowMs), IsStale: false);

    private void AnswerFailure(ForwardedQuery query, in RunFailure failure)
    {
        DnsQuery.TryParse(query.Packet.AsSpan(0, query.Length), out DnsQuery parsed);
        if (ReplyComposer.TryWriteFailure(parsed, failure, _outlet.Buffer, query.Limit, out int length))
            _outlet.HandOver(query, length);
        else
            _outlet.AnswerError(query, Rcode.ServFail, null);
    }

    private void Answer(ForwardedQuery query, in Landing landing)
    {
        if (landing.IsStale)
            Counters.StaleServed.Add();
        try
        {
            DnsQuery.TryParse(query.Packet.AsSpan(0, query.Length), out DnsQuery parsed);
            TryAnswer(query, parsed, landing);
        }
        catch (Exception fault)
        {
            _outlet.Report(fault, "Writing a forwarded answer");
            _outlet.AnswerError(query, Rcode.ServFail, null);
        }
    }

    private void OnLoop()
    {
        Counters.Loops.Add();
        long nowMs = Loop.NowMs;
        _services.LoopMark.OnLoop(nowMs);
        if (_loopReportedAtMs != long.MinValue && nowMs - _loopReportedAtMs < 60_000)
            return;
        _loopReportedAtMs = nowMs;
        _services.Logger.LogWarning("Forwarding loop: a query that this node sent upstream came back to it; check upstream.servers and resolv.conf");
    }
}
