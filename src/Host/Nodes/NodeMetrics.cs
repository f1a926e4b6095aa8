using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Host.Edge;
using MeshDns.Host.Telemetry;
using MeshDns.Host.Upstream;

namespace MeshDns.Host.Nodes;

/// <summary>Turns what the parts count into metrics, when somebody scrapes.</summary>
internal static class NodeMetrics
{
    private static readonly string[] _transports = ["udp", "tcp"];
    private static readonly string[] _dropReasons = ["malformed", "overload", "abandoned"];

    public static void Collect(MetricsText text, EdgeStatistics edge)
    {
        var queries = edge.Queries.ToLookup(q => DropReason(q.Stage));
        foreach (var (transport, type, rcode, stage, count) in queries[""]) text.Sample(MeshMetrics.QueriesTotal, count, transport, type, rcode, stage);
        foreach (var transport in _transports)
            foreach (var reason in _dropReasons) text.Sample(MeshMetrics.QueriesDroppedTotal, queries[reason].Where(q => q.Transport == transport).Sum(q => q.Count), transport, reason);
        text.Sample(MeshMetrics.QueriesDroppedTotal, edge.SendErrors, "udp", "send_error");
        foreach (var latency in edge.Latencies) text.Buckets(MeshMetrics.QueryDurationSeconds, latency.Counts, LatencyHistogram.UpperBoundSeconds, latency.Sum.TotalSeconds, latency.Transport);
        text.Sample(MeshMetrics.EdgeFaultsTotal, edge.Faults);
        text.Sample(MeshMetrics.TcpConnections, edge.TcpConnections);
        text.Sample(MeshMetrics.TcpConnectionsClosedTotal, edge.TcpRefused, "limit");
        text.Sample(MeshMetrics.TcpConnectionsClosedTotal, edge.TcpTimedOut, "timeout");
        text.Sample(MeshMetrics.TcpConnectionsClosedTotal, edge.TcpCut, "memory");
        text.Sample(MeshMetrics.TcpConnectionsClosedTotal, edge.TcpWithoutDescriptor, "descriptors");
        text.Sample(MeshMetrics.TcpForwardsDisplacedTotal, edge.TcpDisplaced);
        text.Sample(MeshMetrics.TcpHeldBytes, edge.TcpBytes);
        text.Sample(MeshMetrics.EdgeReceiveErrorsTotal, edge.ReceiveErrors);
        text.Sample(MeshMetrics.QueriesWaiting, edge.DeferredInFlight);
    }

    public static void Collect(MetricsText text, UpstreamStatistics upstream)
    {
        foreach (var server in upstream.Servers)
        {
            foreach (var (outcome, count) in server.Outcomes) text.Sample(MeshMetrics.UpstreamQueriesTotal, count, server.Address.ToString(), outcome);
            text.Sample(MeshMetrics.UpstreamLatencySeconds, server.Latency.TotalSeconds, server.Address.ToString());
        }
        foreach (var (reason, count) in upstream.IgnoredReplies) text.Sample(MeshMetrics.UpstreamIgnoredRepliesTotal, count, reason);
        foreach (var (what, count) in Events(upstream)) text.Sample(MeshMetrics.UpstreamEventsTotal, count, what);
        text.Sample(MeshMetrics.CacheHitsTotal, upstream.CacheHits);
        text.Sample(MeshMetrics.CacheMissesTotal, upstream.CacheMisses);
        text.Sample(MeshMetrics.CacheStaleTotal, upstream.StaleServed);
        text.Sample(MeshMetrics.CacheEvictionsTotal, upstream.CacheEvictions);
        text.Sample(MeshMetrics.CacheBytes, upstream.CacheBytes);
        text.Sample(MeshMetrics.CacheEntries, upstream.CacheEntries);
    }

    public static void Collect(MetricsText text, MeshDirectory directory)
    {
        text.Sample(MeshMetrics.DirectoryNames, directory.Names);
        text.Sample(MeshMetrics.DirectoryViolationsTotal, directory.Violations);
        if (directory.IsLoaded) text.Sample(MeshMetrics.DirectoryAgeSeconds, directory.Age.TotalSeconds);
    }

    public static void Collect(MetricsText text, OwnerMesh mesh)
    {
        text.Sample(MeshMetrics.ActorSystemsTotal, mesh.Engine.Lives);
        text.Sample(MeshMetrics.ShardsHere, mesh.Gauges.Shards);
        text.Sample(MeshMetrics.ChangesWaiting, mesh.Gauges.Waiting);
        if (mesh.Engine.Life is { } life)
        {
            text.Sample(MeshMetrics.ClusterMembers, life.Owners.Members.Count());
            text.Sample(MeshMetrics.ClusterUnreachable, life.Owners.Unreachable);
        }
        // Before the log has been read there is nothing to say; a gauge that is absent is truer than a zero.
        if (mesh.Following.Age is null) return;
        var state = mesh.Following.State;
        text.Sample(MeshMetrics.LogRows, state.Position.Number);
        text.Sample(MeshMetrics.AllocatorEpoch, state.Epoch);
        text.Sample(MeshMetrics.DirectoryLagEvents, mesh.Following.Lag);
        var usage = mesh.Usage;
        text.Sample(MeshMetrics.VipsCapacity, usage.Capacity);
        text.Sample(MeshMetrics.Vips, usage.Leased, "leased");
        text.Sample(MeshMetrics.Vips, usage.Quarantined, "quarantined");
        text.Sample(MeshMetrics.Vips, usage.Reserved, "reserved");
        text.Sample(MeshMetrics.Vips, usage.Excluded, "excluded");
        text.Sample(MeshMetrics.Vips, usage.Free, "free");
    }

    // Empty for a stage that sent a reply.
    private static string DropReason(string stage) => stage switch
    {
        "drop" => "malformed",
        "overload" or "abandoned" => stage,
        _ => "",
    };

    private static IEnumerable<(string What, long Count)> Events(UpstreamStatistics upstream) =>
    [
        ("prefetch", upstream.Prefetches), ("coalesced", upstream.Coalesced), ("hedge", upstream.Hedges), ("tcp_fallback", upstream.TcpFallbacks),
        ("plain_fallback", upstream.PlainFallbacks), ("overload", upstream.Overloads), ("displaced", upstream.Displaced), ("loop", upstream.Loops), ("no_server", upstream.NoServers),
        ("failure", upstream.Failures), ("chain_too_long", upstream.ChainsTooLong), ("stripped_record", upstream.StrippedRecords),
    ];
}
