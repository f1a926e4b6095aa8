using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Who waits for a flight, and for how long each does: until it is over, until a stale answer is better than to wait on, or until its own time is up. Pure.</summary>
/// <param name="timeoutMs">How long whoever waits may wait.</param>
internal sealed class FlightWaiters(long timeoutMs)
{
    /// <summary>How long a client waits for a fresh answer while a stale one could be given (RFC 8767 section 5).</summary>
    public const long StaleAfterMs = 1800;

    private readonly QueryList _all = new();
    private long _deadlineMs;
    private long _giveUpAtMs;

    /// <summary>Who is to get the stale answer, by the output that says so.</summary>
    public QueryList ToServeStale { get; } = new();

    /// <summary>Who is to be told that its time is up, by the output that says so.</summary>
    public QueryList ToGiveUp { get; } = new();

    /// <summary>What may be served past its lifetime; null for nothing.</summary>
    public CachedAnswer? Stale { get; private set; }

    /// <summary>When one of them has waited long enough; <see cref="long.MaxValue"/> for never.</summary>
    public long DueAtMs => Stale is not null && _all.First is { } first ? Math.Min(_giveUpAtMs, first.ArrivedAtMs + StaleAfterMs) : _giveUpAtMs;

    /// <summary>Begins anew, with nobody.</summary>
    public void Begin(CachedAnswer? stale, long deadlineMs) => (Stale, _deadlineMs, _giveUpAtMs) = (stale, deadlineMs, long.MaxValue);

    /// <summary>One more waits.</summary>
    public void Join(ForwardedQuery query)
    {
        _all.Add(query);
        if (DeadlineOf(query) < _deadlineMs)
            _giveUpAtMs = Math.Min(_giveUpAtMs, DeadlineOf(query));
    }

    /// <summary>One waits no longer.</summary>
    public void Leave(ForwardedQuery query) => _all.Remove(query);

    /// <summary>Takes the one who has waited longest out; false for nobody.</summary>
    public bool TryTake(out ForwardedQuery query) => _all.TryTake(out query);

    /// <summary>Time has passed.</summary>
    public void OnDue(long nowMs, Queue<FlightOutput> outputs)
    {
        while (Stale is not null && _all.First is { } first && nowMs >= first.ArrivedAtMs + StaleAfterMs)
            Move(first, ToServeStale);
        if (ToServeStale.First is not null)
            outputs.Enqueue(new FlightOutput(FlightOutputKind.ServeStale));
        if (nowMs >= _giveUpAtMs)
            GiveUp(nowMs);
        if (ToGiveUp.First is not null)
            outputs.Enqueue(new FlightOutput(FlightOutputKind.GiveUp));
    }

    /// <summary>Forgets the stale answer.</summary>
    public void Clear() => Stale = null;

    private long DeadlineOf(ForwardedQuery query) => query.ArrivedAtMs + timeoutMs;

    // Those whose chain of CNAMEs took time before it led here have less of it than the flight.
    private void GiveUp(long nowMs)
    {
        _giveUpAtMs = long.MaxValue;
        ForwardedQuery? next = _all.First;
        while (next is { } query)
        {
            next = query.Next;
            if (nowMs >= DeadlineOf(query))
                Move(query, ToGiveUp);
            else if (DeadlineOf(query) < _deadlineMs)
                _giveUpAtMs = Math.Min(_giveUpAtMs, DeadlineOf(query));
        }
    }

    private void Move(ForwardedQuery query, QueryList to)
    {
        _all.Remove(query);
        to.Add(query);
    }
}
