using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>What the forwarder works with.</summary>
internal sealed record ForwarderServices(
    UpstreamLoop Loop, UpstreamClock Clock, UpstreamCounters Counters, AnswerCache Cache, RouteTable Routes, ServerDirectory Servers, LoopMark LoopMark,
    AnswerWriter? Local, VipRange Vips, TimeSpan Timeout, ILogger Logger);

/// <summary>
/// What happens to a query on the upstream loop, in order: it is read; answered from the cache, refused, or put on the flight of its question, for which
/// somebody who holds more may have to make room (docs/adr/0022-fair-places.md), or else in line; and once that flight has landed, answered, or put on the next where
/// its chain of CNAMEs leads on through the mesh. For the loop's thread, but for <see cref="Inbox"/>.
/// </summary>
internal sealed class QueryForwarder : ILoopWork
{
    /// <summary>Queries that wait for a place, and as many on their way here.</summary>
    public const int MaxQueued = 4096;

    private const int BatchSize = 128;

    private static readonly ForwardFailure _noServers = new(EdeCode.NoReachableAuthority, [.. "no upstream servers are configured"u8], IsLocal: true);
    private static readonly ForwardFailure _loop = new(EdeCode.NoReachableAuthority, [.. "forwarding loop: this node is its own upstream"u8], IsLocal: true);
    private static readonly ForwardFailure _fault = new(EdeCode.Other, [.. "internal error"u8]);
    private static readonly ForwardFailure _stopping = new(EdeCode.Other, [.. "stopping"u8], IsLocal: true);

    private readonly ForwarderServices _services;
    private readonly ForwardedQuery[] _batch = new ForwardedQuery[BatchSize];
    private readonly ReplyOutlet _outlet;
    private readonly WaitingQueries _room = new();
    private readonly LoopReport _loopReport;
    private readonly long _timeoutMs;
    private bool _mayDisplace;
    private bool _isDisplacing;

    public QueryForwarder(ForwarderServices services)
    {
        _services = services;
        _timeoutMs = (long)services.Timeout.TotalMilliseconds;
        Filter = new AnswerFilter(services.Vips);
        FlightPool = new FlightPool(this, services);
        _outlet = new ReplyOutlet(services.Logger);
        _loopReport = new LoopReport(services.Logger);
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

    /// <summary>Where they begin.</summary>
    public FlightPool FlightPool { get; }

    /// <summary>What comes in.</summary>
    public Inbox Inbox { get; } = new(MaxQueued);

    /// <inheritdoc/>
    public bool HasWork => Inbox.Count != 0 || _room.HasNext(HasPlaces);

    private bool HasPlaces => !Flights.IsFull && !_room.IsFull;

    /// <summary>Takes a batch of new queries on, and of those that waited for it; false when more could be taken at once.</summary>
    public bool Work()
    {
        if (Inbox.Count == 0 && _room.IsIdle)
            return true;
        Loop.ReadClock();
        EndOverdue(Loop.NowMs - _timeoutMs);
        for (int i = 0; i < BatchSize && _room.TryTakeNext(HasPlaces, out ForwardedQuery query); i++)
            Take(query, isAgain: true);
        int taken = Inbox.Take(_batch);
        for (int i = 0; i < taken; i++)
        {
            _batch[i].ArrivedAtMs = Loop.NowMs;
            Take(_batch[i], isAgain: false);
            _batch[i] = null!;
        }
        return !HasWork;
    }

    /// <inheritdoc/>
    public void Flush() => _outlet.Flush();

    /// <inheritdoc/>
    public void Close()
    {
        Inbox.Close();
        foreach (Flight flight in Flights.All.ToList())
            LandFailure(flight, _stopping);
        while (_room.TryTakeNext(hasPlaces: true, out ForwardedQuery query) || (Inbox.Take(_batch.AsSpan(0, 1)) != 0 && (query = _batch[0]) is not null))
            _outlet.AnswerError(query, Rcode.ServFail, _stopping.Code);
        _services.Servers.Close();
        Flush();
    }

    /// <summary>The flight has an answer.</summary>
    public void LandAnswer(Flight flight, CachedAnswer answer)
    {
        CachedAnswer kept = _services.Cache.Store(flight.Key, answer);
        Land(flight, new ServedAnswer(kept, IsStale: kept != answer));
    }

    /// <summary>The flight has failed. What is our own doing is not kept; see <see cref="ForwardFailure"/>.</summary>
    public void LandFailure(Flight flight, in ForwardFailure failure)
    {
        if (failure.IsLocal)
        {
            Counters.Overloads.Add();
            Land(flight, flight.Stale is { } stale ? new ServedAnswer(stale, IsStale: true) : Uncached(flight.Question, failure));
            return;
        }
        Counters.Failures.Add();
        LandAnswer(flight, FailureAnswers.Cached(flight.Question, failure, _services.Cache.Find(flight.Key, out _), Loop.NowMs));
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
    public void LandFallen(Flight flight) => Land(flight, Uncached(flight.Question, _fault));

    /// <summary>Answers one who waits for a flight.</summary>
    public void Deliver(ForwardedQuery query, in ServedAnswer landing)
    {
        _room.Leave(query);
        Answer(query, landing);
    }

    /// <summary>Answers one whose own time is over while the flight goes on.</summary>
    public void DeliverFailure(ForwardedQuery query, in ForwardFailure failure)
    {
        _room.Leave(query);
        _outlet.AnswerFailure(query, failure);
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
        if (isFresh && isHot && !_isDisplacing && known!.IsNearExpiry(Loop.NowMs))
            FlightPool.Prefetch(known, key, route);
        return isFresh || (known is not null && known.IsServableStale(Loop.NowMs)) ? known : null;
    }

    private void Take(ForwardedQuery query, bool isAgain)
    {
        // Only from here: nothing else is under way, so that whoever has to make room is not in the middle of something.
        _mayDisplace = true;
        try
        {
            Admit(query, isAgain);
        }
        catch (Exception fault)
        {
            _outlet.Report(fault, "Taking a query to be forwarded");
            _outlet.AnswerError(query, Rcode.ServFail, null);
        }
        _mayDisplace = false;
    }

    // Those in line whose own time is over.
    private void EndOverdue(long arrivedAtMs)
    {
        while (_room.TryTakeSince(arrivedAtMs, out ForwardedQuery query))
        {
            Counters.Overloads.Add();
            _outlet.AnswerFailure(query, ForwardFailure.Overload);
        }
    }

    // Everything up to the first wait.
    private void Admit(ForwardedQuery query, bool isAgain)
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
            Counters.Loops.Add();
            _services.LoopMark.OnLoop(Loop.NowMs);
            _loopReport.OnLoop(Loop.NowMs);
            _outlet.AnswerFailure(query, _loop);
            return;
        }
        if (TryAnswer(query, parsed, null, isAgain) && !isAgain)
            Counters.CacheHits.Add();
    }

    // Answers, if what is known and has landed is enough; else asks for what is missing, and false.
    private bool TryAnswer(ForwardedQuery query, DnsQuery parsed, ServedAnswer? latest, bool isAgain)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        name = name[..parsed.QuestionName.Length];
        DnsName.Fold(parsed.QuestionName, name);
        var parts = new QueryParts(this, query, latest);
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
                if (!isAgain)
                    Counters.CacheMisses.Add();
                Ask(query, parsed, missing ?? name, parts.Stale);
                return false;
        }
    }

    private static void Note(ForwardedQuery query, in ServedAnswer landed)
    {
        var notes = query.Notes as List<ServedAnswer> ?? [];
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
            Answer(query, new ServedAnswer(stale, IsStale: true));
            return;
        }
        if (servers.Links.Count == 0)
        {
            Counters.NoServers.Add();
            AnswerStaleOr(query, stale, _noServers);
            return;
        }
        if (_isDisplacing)
        {
            _room.PutAgain(query); // The room that is being made is for somebody else.
            return;
        }
        ulong hash = Flights.HashOf(key);
        Flight? known = Flights.Find(key, hash);
        Party party = query.Party with { Domain = Party.DomainOf(ForwardKey.Name(key)) };
        if ((known is null && Flights.IsFull && !TryDisplace(party, null)) || (_room.IsFull && !TryDisplaceWaiter(query.Party)))
        {
            Line(query, stale);
            return;
        }
        if (known is not null)
        {
            Counters.Coalesced.Add();
            Flights.Join(known, party);
            _room.Board(query, known);
            return;
        }
        if (!servers.HasRoom(_services.Servers.Sets) && !TryDisplace(party, servers))
        {
            Counters.Overloads.Add();
            AnswerStaleOr(query, stale, ForwardFailure.Overload);
            return;
        }
        Flight flight = FlightPool.NewFlight(key, hash, party, servers, marks, stale);
        _room.Board(query, flight);
        FlightPool.Start(flight);
    }

    // No place, and nobody heavier holds one. Where displacing is not for now, it is tried with the next turn.
    private void Line(ForwardedQuery query, CachedAnswer? stale)
    {
        if (!_mayDisplace)
        {
            _room.PutAgain(query);
            return;
        }
        if ((stale is null ? _room.Line(query) : query) is not { } refused)
            return;
        Counters.Overloads.Add();
        if (refused.Party != query.Party)
            Counters.Displaced.Add();
        AnswerStaleOr(refused, refused == query ? stale : null, ForwardFailure.Overload);
    }

    // A heavier flight makes room, if there is one: its waiters get what is known or SERVFAIL, and nothing of it is kept.
    private bool TryDisplace(Party newcomer, ServerSet? servers)
    {
        if (!_mayDisplace || Flights.FindHeavier(newcomer, servers) is not { } heavier)
            return false;
        Counters.Displaced.Add();
        _isDisplacing = true;
        try
        {
            LandFailure(heavier, ForwardFailure.Overload);
        }
        finally
        {
            _isDisplacing = false;
        }
        heavier.Abandon();
        return true;
    }

    private bool TryDisplaceWaiter(Party newcomer)
    {
        if (!_mayDisplace || _room.Displace(newcomer) is not { } heavier)
            return false;
        Counters.Displaced.Add();
        Counters.Overloads.Add();
        DeliverFailure(heavier, ForwardFailure.Overload);
        return true;
    }

    private void AnswerStaleOr(ForwardedQuery query, CachedAnswer? stale, in ForwardFailure failure)
    {
        if (stale is not null)
            Answer(query, new ServedAnswer(stale, IsStale: true));
        else
            _outlet.AnswerFailure(query, failure);
    }

    private void Land(Flight flight, in ServedAnswer landing)
    {
        if (flight.HasLanded)
            return;
        flight.Land();
        FlightPool.End(flight);
        while (flight.Waiters.TryTake(out ForwardedQuery query))
            Deliver(query, landing);
    }

    private ServedAnswer Uncached(UpstreamQuestion question, in ForwardFailure failure) => new(FailureAnswers.Uncached(question, failure, Loop.NowMs), IsStale: false);

    private void Answer(ForwardedQuery query, in ServedAnswer landing)
    {
        if (landing.IsStale)
            Counters.StaleServed.Add();
        try
        {
            DnsQuery.TryParse(query.Packet.AsSpan(0, query.Length), out DnsQuery parsed);
            TryAnswer(query, parsed, landing, isAgain: false);
        }
        catch (Exception fault)
        {
            _outlet.Report(fault, "Writing a forwarded answer");
            _outlet.AnswerError(query, Rcode.ServFail, null);
        }
    }
}
