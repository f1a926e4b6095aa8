using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>What the cache has for the forwarder. For the loop's thread.</summary>
internal sealed class KnownAnswers(ForwarderServices services, FlightPool flights, FlightPlaces places)
{
    /// <summary>What the cache has of a name, fresh, or to be served for want of better. One that is hot and near its end is refreshed.</summary>
    public CachedAnswer? Find(scoped in DnsQuery query, scoped ReadOnlySpan<byte> foldedName, out bool isFresh)
    {
        Span<byte> buffer = stackalloc byte[ForwardKey.MaxSize];
        int route = services.Servers.Routes.Find(foldedName);
        ReadOnlySpan<byte> key = buffer[..ForwardKey.Write(buffer, query, foldedName, route)];
        CachedAnswer? known = services.Cache.Find(key, out bool isHot);
        long nowMs = services.Loop.NowMs;
        isFresh = known is not null && known.IsFresh(nowMs);
        if (isFresh && isHot && !places.IsDisplacing && known!.IsNearExpiry(nowMs))
            flights.Prefetch(known, key, route);
        return isFresh || (known is not null && known.IsServableStale(nowMs)) ? known : null;
    }
}
