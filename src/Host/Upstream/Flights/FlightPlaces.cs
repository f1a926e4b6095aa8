using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// Finds a place for a query that has to be asked upstream: with the flight of its question, on a new one, or in line. Where there is none, somebody who holds more has to make
/// room (docs/adr/0022-fair-places.md). For the loop's thread.
/// </summary>
internal sealed class FlightPlaces(ForwarderServices services, FlightPool flights, WaitingQueries waiting, IFlightOwner owner)
{
    /// <summary>True while nothing else is under way, so that whoever has to make room is not in the middle of something.</summary>
    public bool MayDisplace { get; set; }

    /// <summary>True while somebody makes room, which is not for the next.</summary>
    public bool IsDisplacing { get; private set; }

    /// <summary>True when there is room for one more.</summary>
    public bool HasRoom => !flights.Table.IsFull && !waiting.IsFull;

    /// <summary>Has a query wait. Returns the one that cannot, for want of room: itself, or one that it took the place of; null for none.</summary>
    /// <param name="query">The query.</param>
    /// <param name="key">See <see cref="ForwardKey"/>.</param>
    /// <param name="servers">Who is asked; there are some.</param>
    /// <param name="marks">The loop marks that the query came with.</param>
    /// <param name="stale">What may be served past its lifetime; null for nothing.</param>
    public ForwardedQuery? Place(ForwardedQuery query, ReadOnlySpan<byte> key, ServerSet servers, ReadOnlySpan<byte> marks, CachedAnswer? stale)
    {
        if (IsDisplacing)
        {
            waiting.PutAgain(query); // The room that is being made is for somebody else.
            return null;
        }
        ulong hash = flights.Table.HashOf(key);
        FlightRunner? known = flights.Table.Find(key, hash);
        Party party = query.Party with { Domain = Party.DomainOf(ForwardKey.Name(key)) };
        if ((known is null && flights.Table.IsFull && !TryDisplace(party, null)) || (waiting.IsFull && !TryDisplaceWaiter(query.Party)))
            return Line(query, hasStale: stale is not null);
        if (known is not null)
        {
            services.Counters.Coalesced.Add();
            flights.Table.Join(known, party);
            waiting.Join(query, known);
            return null;
        }
        if (!servers.HasRoom(services.Servers.Routes.Count) && !TryDisplace(party, servers))
            return query;
        FlightRunner flight = flights.Begin(key, hash, party, servers, marks, stale);
        waiting.Join(query, flight);
        flight.Start();
        return null;
    }

    // No place, and nobody heavier holds one. Where displacing is not for now, it is tried with the next turn. Who has a stale answer need not wait.
    private ForwardedQuery? Line(ForwardedQuery query, bool hasStale)
    {
        if (MayDisplace)
            return hasStale ? query : waiting.Line(query);
        waiting.PutAgain(query);
        return null;
    }

    // A heavier flight makes room, if there is one: its waiters get what is known or SERVFAIL, and nothing of it is kept.
    private bool TryDisplace(Party newcomer, ServerSet? servers)
    {
        if (!MayDisplace || flights.Table.FindHeavier(newcomer, servers) is not { } heavier)
            return false;
        services.Counters.Displaced.Add();
        IsDisplacing = true;
        try
        {
            heavier.Fail(ForwardFailure.Overload);
        }
        finally
        {
            IsDisplacing = false;
        }
        heavier.Abandon();
        return true;
    }

    private bool TryDisplaceWaiter(Party newcomer)
    {
        if (!MayDisplace || waiting.Displace(newcomer) is not { } heavier)
            return false;
        services.Counters.Displaced.Add();
        services.Counters.Overloads.Add();
        owner.OnGiveUp(heavier, ForwardFailure.Overload);
        return true;
    }
}
