using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream;

/// <summary>What the cache may serve without anybody being asked. Any thread.</summary>
internal struct CachedParts(AnswerCache cache, RouteTable routes, long nowMs) : IAnswerParts
{
    /// <summary>True when a part was past its lifetime.</summary>
    public bool HasStale { get; private set; }

    /// <inheritdoc/>
    public bool TryFind(scoped in DnsQuery query, scoped ReadOnlySpan<byte> foldedName, out Landing part)
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
        part = new Landing(answer, !isFresh);
        return true;
    }
}

/// <summary>What the desk has for a query: what has landed for it, now and before, then what the cache has that is fresh.</summary>
internal struct DeskParts(ForwardDesk desk, ForwardedQuery query, Landing? latest) : IAnswerParts
{
    /// <summary>What is known of the name that is missing, past its lifetime; null for nothing.</summary>
    public CachedAnswer? Stale { get; private set; }

    /// <inheritdoc/>
    public bool TryFind(scoped in DnsQuery parsed, scoped ReadOnlySpan<byte> foldedName, out Landing part)
    {
        if (latest is { } landed && IsOf(landed, foldedName))
        {
            part = landed;
            return true;
        }
        if (query.Notes is List<Landing> before)
        {
            foreach (Landing each in before)
            {
                part = each;
                if (IsOf(each, foldedName))
                    return true;
            }
        }
        CachedAnswer? known = desk.FindKnown(parsed, foldedName, out bool isFresh);
        Stale = isFresh ? null : known;
        part = isFresh ? new Landing(known!, IsStale: false) : default;
        return isFresh;
    }

    private static bool IsOf(in Landing part, ReadOnlySpan<byte> foldedName) =>
        part.Answer.Message.AsSpan(DnsLimits.HeaderSize..(part.Answer.QuestionEnd - 4)).SequenceEqual(foldedName);
}
