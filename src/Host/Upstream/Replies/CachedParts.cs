using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>What the cache may serve without anybody being asked. Any thread.</summary>
internal struct CachedParts(AnswerCache cache, RouteTable routes, long nowMs) : IAnswerParts
{
    /// <summary>True when a part was past its lifetime.</summary>
    public bool HasStale { get; private set; }

    /// <inheritdoc/>
    public bool TryFind(scoped in DnsQuery query, scoped ReadOnlySpan<byte> foldedName, out ServedAnswer part)
    {
        part = default;
        Span<byte> buffer = stackalloc byte[ForwardKey.MaxSize];
        ReadOnlySpan<byte> key = buffer[..ForwardKey.Write(buffer, query, foldedName, routes.Find(foldedName))];
        if (cache.Find(key, out bool isHot) is not { } answer)
            return false;
        bool isFresh = answer.IsFresh(nowMs);
        if (!isFresh && !(answer.IsInFailureWindow(nowMs) && answer.IsServableStale(nowMs)))
            return false;
        // One query near an answer's end goes on to the forwarder, which answers it from the cache too, and refreshes.
        if (isFresh && isHot && answer.IsNearExpiry(nowMs) && answer.TryClaimRefresh())
            return false;
        HasStale |= !isFresh;
        part = new ServedAnswer(answer, !isFresh);
        return true;
    }
}
