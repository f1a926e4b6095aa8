using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// The queries that the forwarder holds: those that wait for a flight, those in line for a place (docs/adr/0022-fair-places.md), and those to be taken again with the
/// next turn. For the loop's thread.
/// </summary>
internal sealed class WaitingQueries
{
    /// <summary>Clients that wait for flights at once.</summary>
    public const int MaxWaiting = 16_384;

    private readonly FairPlaces<ForwardedQuery> _waiting = new(MaxWaiting);
    private readonly QueryLine _line = new(Inbox.MaxQueued);
    private readonly QueryList _again = new();

    /// <summary>True when no more can wait for flights.</summary>
    public bool IsFull => _waiting.IsFull;

    /// <summary>True while nothing is in line or to be taken again.</summary>
    public bool IsIdle => _line.Count == 0 && _again.First is null;

    /// <summary>Waits for a flight. There is room, and the flight is still to come.</summary>
    public void Join(ForwardedQuery query, FlightRunner flight)
    {
        _waiting.Enter(query);
        flight.Join(query);
    }

    /// <summary>One of a flight's waiters, which it has none the less let go, waits no longer.</summary>
    public void Leave(ForwardedQuery query) => _waiting.Leave(query);

    /// <summary>Takes a waiter off its flight that is heavier than a newcomer would be; null for none.</summary>
    public ForwardedQuery? Displace(Party newcomer)
    {
        if (_waiting.FindHeavier(newcomer) is not { } heavier)
            return null;
        ((FlightRunner)heavier.WaitsFor!).Leave(heavier);
        return heavier;
    }

    /// <summary>Has a query wait in line. Returns the one that had to go for it, which may be itself; null for none.</summary>
    public ForwardedQuery? Line(ForwardedQuery query) => _line.Put(query);

    /// <summary>Has a query taken with the next turn. Such are never more than have just stopped waiting for flights.</summary>
    public void PutAgain(ForwardedQuery query) => _again.Add(query);

    /// <summary>True when one can be taken: again, or out of the line.</summary>
    /// <param name="hasPlaces">Whether there is room for those in line.</param>
    public bool HasNext(bool hasPlaces) => _again.First is not null || (_line.Count != 0 && hasPlaces);

    /// <summary>Takes the next.</summary>
    /// <param name="hasPlaces">Whether there is room for those in line.</param>
    /// <param name="query">The query.</param>
    public bool TryTakeNext(bool hasPlaces, out ForwardedQuery query)
    {
        if (_again.TryTake(out query))
            return true;
        return hasPlaces && _line.Lightest is { } lightest && TakeFromLine(lightest, out query);
    }

    /// <summary>Takes the one that has been in line longest, if it came at a time or before it.</summary>
    public bool TryTakeSince(long arrivedAtMs, out ForwardedQuery query)
    {
        query = null!;
        return _line.Oldest is { } oldest && oldest.ArrivedAtMs <= arrivedAtMs && TakeFromLine(oldest, out query);
    }

    private bool TakeFromLine(ForwardedQuery taken, out ForwardedQuery query)
    {
        _line.Remove(taken);
        query = taken;
        return true;
    }
}
