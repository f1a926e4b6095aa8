using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// What happens to a query on the upstream loop, in order: it is read; answered from the cache, refused, or put on the flight of its question, for which
/// somebody who holds more may have to make room (docs/adr/0022-fair-places.md), or else in line; and once that flight is over, answered, or put on the next where
/// its chain of CNAMEs leads on through the mesh. For the loop's thread, but for <see cref="Inbox"/>.
/// </summary>
internal sealed class QueryForwarder : ILoopWork, IFlightOwner
{
    private const int BatchSize = 128;

    private static readonly ForwardFailure _noServers = new(EdeCode.NoReachableAuthority, [.. "no upstream servers are configured"u8], IsLocal: true);
    private static readonly ForwardFailure _loop = new(EdeCode.NoReachableAuthority, [.. "forwarding loop: this node is its own upstream"u8], IsLocal: true);
    private static readonly ForwardFailure _stopping = new(EdeCode.Other, [.. "stopping"u8], IsLocal: true);

    private readonly ForwarderServices _services;
    private readonly ForwardedQuery[] _batch = new ForwardedQuery[BatchSize];
    private readonly ReplyOutlet _outlet;
    private readonly WaitingQueries _waiting = new();
    private readonly FlightPool _flights;
    private readonly FlightPlaces _places;
    private readonly FlightAnswers _answers;
    private readonly KnownAnswers _known;
    private readonly LoopReport _loopReport;

    public QueryForwarder(ForwarderServices services)
    {
        _services = services;
        _flights = new FlightPool(services, this);
        _places = new FlightPlaces(services, _flights, _waiting, this);
        _answers = new FlightAnswers(services);
        _known = new KnownAnswers(services, _flights, _places);
        _outlet = new ReplyOutlet(services.Logger);
        _loopReport = new LoopReport(services.Logger);
    }

    /// <summary>The questions under way.</summary>
    public FlightTable Flights => _flights.Table;

    /// <summary>What comes in.</summary>
    public Inbox Inbox { get; } = new(Inbox.MaxQueued);

    /// <inheritdoc/>
    public bool HasWork => Inbox.Count != 0 || _waiting.HasNext(_places.HasRoom);

    private UpstreamCounters Counters => _services.Counters;

    private long NowMs => _services.Loop.NowMs;

    /// <summary>Takes a batch of new queries on, and of those that waited for it; false when more could be taken at once.</summary>
    public bool Work()
    {
        if (Inbox.Count == 0 && _waiting.IsIdle)
            return true;
        _services.Loop.ReadClock();
        EndOverdue(NowMs - _services.TimeoutMs);
        for (int i = 0; i < BatchSize && _waiting.TryTakeNext(_places.HasRoom, out ForwardedQuery query); i++)
            Take(query, isAgain: true);
        int taken = Inbox.Take(_batch);
        for (int i = 0; i < taken; i++)
        {
            _batch[i].ArrivedAtMs = NowMs;
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
        foreach (FlightRunner flight in Flights.All.ToList())
            flight.Fail(_stopping);
        while (_waiting.TryTakeNext(hasPlaces: true, out ForwardedQuery query) || (Inbox.Take(_batch.AsSpan(0, 1)) != 0 && (query = _batch[0]) is not null))
            _outlet.AnswerError(query, Rcode.ServFail, _stopping.Code);
        _services.Servers.Close();
        Flush();
    }

    /// <inheritdoc/>
    void IFlightOwner.OnOver(FlightRunner flight)
    {
        ServedAnswer answer;
        try
        {
            answer = _answers.Of(flight);
        }
        catch (Exception fault)
        {
            _outlet.Report(fault, "Keeping a forwarded answer");
            answer = _answers.Fault(flight);
        }
        _flights.End(flight);
        while (flight.Flight.Waiters.TryTake(out ForwardedQuery query))
            Deliver(query, answer);
    }

    /// <inheritdoc/>
    void IFlightOwner.OnServeStale(FlightRunner flight, ForwardedQuery query) => Deliver(query, new ServedAnswer(flight.Flight.Waiters.Stale!, IsStale: true));

    /// <inheritdoc/>
    void IFlightOwner.OnGiveUp(ForwardedQuery query, in ForwardFailure failure)
    {
        _waiting.Leave(query);
        _outlet.AnswerFailure(query, failure);
    }

    /// <inheritdoc/>
    void IFlightOwner.OnIdle(FlightRunner flight) => _flights.Recycle(flight);

    private void Deliver(ForwardedQuery query, in ServedAnswer answer)
    {
        _waiting.Leave(query);
        Answer(query, answer);
    }

    private void Take(ForwardedQuery query, bool isAgain)
    {
        // Only from here: nothing else is under way.
        _places.MayDisplace = true;
        try
        {
            Admit(query, isAgain);
        }
        catch (Exception fault)
        {
            _outlet.Report(fault, "Taking a query to be forwarded");
            _outlet.AnswerError(query, Rcode.ServFail, null);
        }
        _places.MayDisplace = false;
    }

    // Those in line whose own time is over.
    private void EndOverdue(long arrivedAtMs)
    {
        while (_waiting.TryTakeSince(arrivedAtMs, out ForwardedQuery query))
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
            _services.LoopMark.OnLoop(NowMs);
            _loopReport.OnLoop(NowMs);
            _outlet.AnswerFailure(query, _loop);
            return;
        }
        if (TryAnswer(query, parsed, null, isAgain) && !isAgain)
            Counters.CacheHits.Add();
    }

    // Answers, if what is known and what has come is enough; else asks for what is missing, and false.
    private bool TryAnswer(ForwardedQuery query, DnsQuery parsed, ServedAnswer? latest, bool isAgain)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        name = name[..parsed.QuestionName.Length];
        DnsName.Fold(parsed.QuestionName, name);
        var parts = new QueryParts(_known, query, latest);
        var serving = new Serving(NowMs, query.Limit, query.Finding, query.View);
        switch (ReplyComposer.Write(parsed, name, _outlet.Buffer, serving, ref parts, _services.Local, out int length, out byte[]? missing))
        {
            case Composition.Written:
                _outlet.HandOver(query, length);
                return true;
            case Composition.TooSmall:
                _outlet.AnswerError(query, Rcode.ServFail, null);
                return true;
            default:
                if (latest is { } came)
                    Note(query, came);
                if (!isAgain)
                    Counters.CacheMisses.Add();
                Ask(query, parsed, missing ?? name, parts.Stale);
                return false;
        }
    }

    private static void Note(ForwardedQuery query, in ServedAnswer came)
    {
        var notes = query.Notes as List<ServedAnswer> ?? [];
        notes.Add(came);
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
        int route = _services.Servers.Routes.Find(name);
        _services.LoopMark.HasLooped(query.Packet.AsSpan(0, query.Length), out ReadOnlySpan<byte> marks);
        Forward(query, buffer[..ForwardKey.Write(buffer, parsed, name, route)], route, marks, stale);
    }

    private void Forward(ForwardedQuery query, ReadOnlySpan<byte> key, int route, ReadOnlySpan<byte> marks, CachedAnswer? stale)
    {
        ServerSet servers = _services.Servers.For(route);
        if (stale is not null && stale.IsInFailureWindow(NowMs))
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
        if (_places.Place(query, key, servers, marks, stale) is not { } refused)
            return;
        Counters.Overloads.Add();
        if (refused.Party != query.Party)
            Counters.Displaced.Add();
        AnswerStaleOr(refused, refused == query ? stale : null, ForwardFailure.Overload);
    }

    private void AnswerStaleOr(ForwardedQuery query, CachedAnswer? stale, in ForwardFailure failure)
    {
        if (stale is not null)
            Answer(query, new ServedAnswer(stale, IsStale: true));
        else
            _outlet.AnswerFailure(query, failure);
    }

    private void Answer(ForwardedQuery query, in ServedAnswer answer)
    {
        if (answer.IsStale)
            Counters.StaleServed.Add();
        try
        {
            DnsQuery.TryParse(query.Packet.AsSpan(0, query.Length), out DnsQuery parsed);
            TryAnswer(query, parsed, answer, isAgain: false);
        }
        catch (Exception fault)
        {
            _outlet.Report(fault, "Writing a forwarded answer");
            _outlet.AnswerError(query, Rcode.ServFail, null);
        }
    }
}
