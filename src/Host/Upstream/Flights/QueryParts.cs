using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>What the forwarder has for a query: what has landed for it, now and before, then what the cache has that is fresh.</summary>
internal struct QueryParts(KnownAnswers known, ForwardedQuery query, ServedAnswer? latest) : IAnswerParts
{
    /// <summary>What is known of the name that is missing, past its lifetime; null for nothing.</summary>
    public CachedAnswer? Stale { get; private set; }

    /// <inheritdoc/>
    public bool TryFind(scoped in DnsQuery parsed, scoped ReadOnlySpan<byte> foldedName, out ServedAnswer part)
    {
        if (latest is { } landed && IsOf(landed, foldedName))
        {
            part = landed;
            return true;
        }
        if (query.Notes is List<ServedAnswer> before)
        {
            foreach (ServedAnswer each in before)
            {
                part = each;
                if (IsOf(each, foldedName))
                    return true;
            }
        }
        CachedAnswer? cached = known.Find(parsed, foldedName, out bool isFresh);
        Stale = isFresh ? null : cached;
        part = isFresh ? new ServedAnswer(cached!, IsStale: false) : default;
        return isFresh;
    }

    private static bool IsOf(in ServedAnswer part, ReadOnlySpan<byte> foldedName) =>
        part.Answer.Message.AsSpan(DnsLimits.HeaderSize..(part.Answer.QuestionEnd - 4)).SequenceEqual(foldedName);
}
