using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Flights begin here, for somebody or to refresh what is hot, and are used again. For the loop's thread.</summary>
internal sealed class FlightPool(QueryForwarder forwarder, ForwarderServices services)
{
    private const int MaxPrefetches = 64;

    private readonly Stack<Flight> _unused = new();
    private readonly Stack<Attempt> _unusedAttempts = new();
    private readonly long _timeoutMs = (long)services.Timeout.TotalMilliseconds;
    private int _prefetching;

    /// <summary>Makes a flight for a key that has none; there is room for it. Nothing is asked before <see cref="Start"/>.</summary>
    /// <param name="key">See <see cref="ForwardKey"/>.</param>
    /// <param name="hash">The key's.</param>
    /// <param name="party">To whom it counts.</param>
    /// <param name="servers">Who is asked.</param>
    /// <param name="marks">The loop marks that the query came with.</param>
    /// <param name="stale">What may be served past its lifetime; null for nothing.</param>
    public Flight NewFlight(ReadOnlySpan<byte> key, ulong hash, Party party, ServerSet servers, ReadOnlySpan<byte> marks, CachedAnswer? stale)
    {
        long nowMs = services.Loop.NowMs;
        Flight flight = _unused.TryPop(out Flight? used) ? used : new Flight(forwarder);
        flight.Board(key, servers, services.LoopMark.For(marks, nowMs), stale, nowMs + _timeoutMs);
        flight.Party = party;
        forwarder.Flights.Add(flight, hash);
        servers.InFlight++;
        return flight;
    }

    /// <summary>An attempt that is under way nowhere.</summary>
    public Attempt NewAttempt() => _unusedAttempts.TryPop(out Attempt? used) ? used : new Attempt(services.Loop, _unusedAttempts);

    /// <summary>Has its first server asked.</summary>
    public void Start(Flight flight)
    {
        try
        {
            flight.Start();
        }
        catch (Exception fault)
        {
            forwarder.LandFault(flight, fault);
        }
        if (flight.IsIdle)
            Recycle(flight);
    }

    /// <summary>Refreshes what is near its end, if that is for now; it counts to no client.</summary>
    public void Prefetch(CachedAnswer known, ReadOnlySpan<byte> key, int route)
    {
        ServerSet servers = services.Servers.For(route);
        if (_prefetching >= MaxPrefetches || servers.Links.Count == 0 || forwarder.Flights.IsFull || !known.TryStartRefresh())
            return;
        ulong hash = forwarder.Flights.HashOf(key);
        if (forwarder.Flights.Find(key, hash) is not null)
            return;
        Flight flight = NewFlight(key, hash, new Party(0, Party.DomainOf(ForwardKey.Name(key))), servers, default, null);
        services.Counters.Prefetches.Add();
        flight.IsPrefetch = true;
        _prefetching++;
        Start(flight);
    }

    /// <summary>A flight is under way no longer.</summary>
    public void End(Flight flight)
    {
        forwarder.Flights.Remove(flight);
        flight.Servers.InFlight--;
        if (flight.IsPrefetch)
            _prefetching--;
    }

    /// <summary>Takes a flight back that nothing refers to.</summary>
    public void Recycle(Flight flight)
    {
        if (flight.TryRetire() && _unused.Count < FlightTable.Capacity)
            _unused.Push(flight);
    }
}
