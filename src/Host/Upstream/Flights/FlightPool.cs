using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Flights begin here, for somebody or to refresh what is hot, and are used again. For the loop's thread.</summary>
internal sealed class FlightPool(ForwarderServices services, IFlightOwner owner)
{
    private const int MaxPrefetches = 64;

    private readonly Stack<FlightRunner> _unused = new();
    private readonly AnswerFilter _filter = new(services.Vips);
    private readonly HedgeBudget _hedges = new();
    private int _prefetching;

    /// <summary>The questions under way.</summary>
    public FlightTable Table { get; } = new();

    /// <summary>Makes a flight for a key that has none; there is room for it. Nothing is asked before <see cref="FlightRunner.Start"/>.</summary>
    /// <param name="key">See <see cref="ForwardKey"/>.</param>
    /// <param name="hash">The key's.</param>
    /// <param name="party">To whom it counts.</param>
    /// <param name="servers">Who is asked.</param>
    /// <param name="marks">The loop marks that the query came with.</param>
    /// <param name="stale">What may be served past its lifetime; null for nothing.</param>
    public FlightRunner Begin(ReadOnlySpan<byte> key, ulong hash, Party party, ServerSet servers, ReadOnlySpan<byte> marks, CachedAnswer? stale)
    {
        FlightRunner flight = TakeUnused() ?? new FlightRunner(services, _filter, _hedges, owner);
        flight.Begin(key, servers, services.LoopMark.For(marks, services.Loop.NowMs), stale);
        flight.Party = party;
        Table.Add(flight, hash);
        servers.InFlight++;
        return flight;
    }

    /// <summary>Refreshes what is near its end, if that is for now; it counts to no client.</summary>
    public void Prefetch(CachedAnswer known, ReadOnlySpan<byte> key, int route)
    {
        ServerSet servers = services.Servers.For(route);
        if (_prefetching >= MaxPrefetches || servers.Links.Count == 0 || Table.IsFull || !known.TryStartRefresh())
            return;
        ulong hash = Table.HashOf(key);
        if (Table.Find(key, hash) is not null)
            return;
        FlightRunner flight = Begin(key, hash, new Party(0, Party.DomainOf(ForwardKey.Name(key))), servers, default, null);
        services.Counters.Prefetches.Add();
        flight.IsPrefetch = true;
        _prefetching++;
        flight.Start();
    }

    /// <summary>A flight is over.</summary>
    public void End(FlightRunner flight)
    {
        Table.Remove(flight);
        if (--flight.Servers.InFlight == 0 && flight.Servers.IsRetired)
            services.Servers.Forget(flight.Servers);
        if (flight.IsPrefetch)
            _prefetching--;
    }

    /// <summary>Takes a flight back of which nothing is under way.</summary>
    public void Recycle(FlightRunner flight)
    {
        if (flight.TryRetire() && _unused.Count < FlightTable.Capacity)
            _unused.Push(flight);
    }

    // One that was made for another deadline has had its time.
    private FlightRunner? TakeUnused()
    {
        while (_unused.TryPop(out FlightRunner? used))
            if (used.TimeoutMs == services.TimeoutMs)
                return used;
        return null;
    }
}
