using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Flights;
using MeshDns.Host.Upstream.Replies;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream;

/// <summary>Reads the counters into a snapshot.</summary>
internal static class StatisticsReader
{
    public static UpstreamStatistics Read(UpstreamCounters counters, ServerDirectory servers, AnswerCache cache, FlightTable flights) => new()
    {
        Servers = [.. servers.All.Select(Read)],
        OwnAddresses = servers.Own,
        IgnoredReplies = new Dictionary<string, long>
        {
            ["not_reply"] = counters.Ignored(ReplyVerdict.NotReply),
            ["wrong_id"] = counters.Ignored(ReplyVerdict.WrongId),
            ["wrong_question"] = counters.Ignored(ReplyVerdict.WrongQuestion),
            ["malformed"] = counters.Ignored(ReplyVerdict.Malformed),
            ["late"] = counters.Ignored(ReplyVerdict.Late),
        },
        CacheHits = counters.CacheHits.Value,
        CacheMisses = counters.CacheMisses.Value,
        StaleServed = counters.StaleServed.Value,
        CacheEntries = cache.Count,
        CacheBytes = cache.Bytes,
        CacheEvictions = cache.Evictions,
        Prefetches = counters.Prefetches.Value,
        Coalesced = counters.Coalesced.Value,
        Hedges = counters.Hedges.Value,
        TcpFallbacks = counters.TcpFallbacks.Value,
        PlainFallbacks = counters.PlainFallbacks.Value,
        Overloads = counters.Overloads.Value,
        Displaced = counters.Displaced.Value,
        Loops = counters.Loops.Value,
        NoServers = counters.NoServers.Value,
        Failures = counters.Failures.Value,
        ChainsTooLong = counters.ChainsTooLong.Value,
        StrippedRecords = counters.StrippedRecords.Value,
        InFlight = flights.Count,
    };

    private static UpstreamServerStatistics Read(ServerLink link) => new()
    {
        Address = link.Address,
        Outcomes = new Dictionary<string, long>
        {
            ["answer"] = link.CountOf(AttemptEnd.Answer),
            ["servfail"] = link.CountOf(AttemptEnd.ServFail),
            ["refused"] = link.CountOf(AttemptEnd.Refused),
            ["timeout"] = link.CountOf(AttemptEnd.TimedOut),
            ["unreachable"] = link.CountOf(AttemptEnd.Unreachable),
            ["overloaded"] = link.CountOf(AttemptEnd.Overloaded),
        },
        Latency = TimeSpan.FromMilliseconds(link.Health.LatencyMs),
        P95 = link.Health.P95Ms is { } p95 ? TimeSpan.FromMilliseconds(p95) : null,
        IsResting = link.Health.IsResting,
        InFlight = link.InFlight,
    };
}
