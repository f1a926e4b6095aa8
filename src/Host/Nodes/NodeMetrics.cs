using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Host.Admin;
using MeshDns.Host.Cluster;
using MeshDns.Host.Edge;
using MeshDns.Host.Telemetry;
using MeshDns.Host.Upstream;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Every family of a node: its name, its help, how it is read, its labels. Parts come as the node starts, and some never; what
/// belongs to one that is not there is absent, which is truer than a zero. docs/metrics.md has the same, for readers; a test holds
/// the two together.
/// </summary>
internal sealed class NodeMetrics : IDisposable
{
    private readonly MeshMeter _meter = new();
    private readonly Lazy<double> _started =
        new(() => OfProcess(process => (process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds));

    public NodeMetrics()
    {
        OfQueries();
        OfUpstream();
        OfDirectory();
        OfCluster();
        OfLog();
        OfApi();
        OfProcess();
        // Last, so that it tells of those before it.
        _meter.Counter("meshdns_collector_failures_total", "Metric collectors that failed during a scrape.",
            () => _meter.Failures.Value);
        Text = new MetricsText(_meter);
    }

    /// <summary>What a scrape shows.</summary>
    public MetricsText Text { get; }

    /// <summary>The families, in order of their names.</summary>
    public IEnumerable<MetricFamily> Families =>
        _meter.Families.Values.Distinct().OrderBy(family => family.Name, StringComparer.Ordinal);

    public EdgeStatistics? Edge { get; set; }

    public UpstreamForwarder? Upstream { get; set; }

    public MeshDirectory? Directory { get; set; }

    /// <summary>The mesh of an owner.</summary>
    public OwnerMesh? Owner { get; set; }

    /// <summary>An owner's appends.</summary>
    public AppendMeter? Appends { get; set; }

    /// <summary>What a node without a database asks of owners.</summary>
    public AskCounters? Asks { get; set; }

    /// <summary>What nodes without a database ask of an owner.</summary>
    public RequestCounters? Requests { get; set; }

    public AdminServer? Admin { get; set; }

    /// <summary>What came of reading the settings again.</summary>
    public CounterFamily? Reloads { get; set; }

    // Before the log has been read there is nothing to say of what it holds.
    private OwnerMesh? Follower => Owner is { Following.Age: not null } owner ? owner : null;

    public void Dispose()
    {
        Text.Dispose();
        _meter.Dispose();
    }

    private void OfQueries()
    {
        _meter.Counter("meshdns_queries_received_total", "DNS packets received, before anything is known of them.",
            () => Edge?.Received, "transport");
        _meter.Counter("meshdns_queries_total", "DNS queries answered, by the pipeline stage that answered.",
            () => Edge is { } edge ? Answered(edge) : null, "transport", "type", "rcode", "stage");
        _meter.Counter("meshdns_queries_dropped_total", "DNS packets dropped without an answer, by reason.",
            () => Edge is { } edge ? Dropped(edge) : null, "transport", "reason");
        _meter.Histogram("meshdns_query_duration_seconds",
            "Time from receiving a query to sending its answer, sampled; forward: of all that waited for an upstream.",
            () => Edge?.Latencies, "transport");
        _meter.Gauge("meshdns_queries_waiting", "UDP queries that wait for an upstream.", () => Edge?.DeferredInFlight.Value);
        _meter.Gauge("meshdns_tcp_queries_waiting", "TCP queries that wait for an upstream, or for their client to read.",
            () => Edge?.TcpWaiting.Value);
        _meter.Counter("meshdns_edge_faults_total", "Exceptions that reached the edge and became SERVFAIL; each is a bug.",
            () => Edge?.Faults);
        _meter.Counter("meshdns_edge_receive_errors_total",
            "Receives of DNS packets and accepts of connections that the system failed.",
            () => Edge?.ReceiveErrors.Value);
        _meter.Gauge("meshdns_tcp_connections", "DNS connections over TCP that are open.", () => Edge?.TcpConnections.Value);
        _meter.Counter("meshdns_tcp_connections_closed_total",
            "DNS connections over TCP closed by us: limit, timeout, memory (others needed what it held), descriptors (none left).",
            () => Edge is not { } edge ? null :
            [
                new(edge.TcpRefused.Value, "limit"), new(edge.TcpTimedOut.Value, "timeout"), new(edge.TcpCut.Value, "memory"),
                new(edge.TcpWithoutDescriptor.Value, "descriptors"),
            ], "reason");
        _meter.Counter("meshdns_tcp_forwards_displaced_total",
            "Queries over TCP that gave their place to a client, or for a domain, that holds fewer.",
            () => Edge?.TcpDisplaced.Value);
        _meter.Gauge("meshdns_tcp_held_bytes", "Bytes held for DNS connections over TCP: replies that wait to be read above all.",
            () => Edge?.TcpBytes);
    }

    private void OfUpstream()
    {
        _meter.Counter("meshdns_upstream_queries_total", "Queries sent upstream, by server and outcome.",
            () => Servers?.SelectMany(server => server.Outcomes, (server, end) => new Sample(end.Value, server.Address.ToString(), end.Key)),
            "server", "outcome");
        _meter.Gauge("meshdns_upstream_latency_seconds", "Mean time until an upstream server answered, exponentially weighted.",
            () => Servers?.Select(server => new Sample(server.Latency.TotalSeconds, server.Address.ToString())), "server");
        _meter.Counter("meshdns_upstream_ignored_replies_total", "Upstream replies ignored while listening on, by reason.",
            () => Upstream?.Snapshot().IgnoredReplies.Select(reason => new Sample(reason.Value, reason.Key)), "reason");
        _meter.Counter("meshdns_upstream_events_total",
            "What happened while forwarding: prefetch, coalesced, hedge, tcp_fallback, displaced, loop ...",
            () => Upstream is { } upstream ? Events(upstream.Counters) : null, "event");
        _meter.Counter("meshdns_cache_hits_total", "Forwarded queries answered from the cache.",
            () => Upstream?.Counters.CacheHits.Value);
        _meter.Counter("meshdns_cache_misses_total", "Forwarded queries that the cache could not answer.",
            () => Upstream?.Counters.CacheMisses.Value);
        _meter.Counter("meshdns_cache_stale_total", "Answers served past their TTL because upstream failed (RFC 8767).",
            () => Upstream?.Counters.StaleServed.Value);
        _meter.Counter("meshdns_cache_evictions_total", "Cache entries evicted to stay within the bound.",
            () => Upstream?.Cache.Evictions);
        _meter.Gauge("meshdns_cache_bytes", "Memory that the answer cache holds.", () => Upstream?.Cache.Bytes);
        _meter.Gauge("meshdns_cache_entries", "Answers in the cache.", () => Upstream?.Cache.Count);
    }

    private void OfDirectory()
    {
        _meter.Gauge("meshdns_directory_names", "Names that this node's directory knows.", () => Directory?.Names);
        _meter.Counter("meshdns_directory_violations_total",
            "Facts refused by the directory because two names would have held one VIP.",
            () => Directory?.Violations);
        _meter.Gauge("meshdns_directory_age_seconds", "Time since this node last read all streams successfully.",
            () => Directory is { IsLoaded: true } directory ? directory.Age.TotalSeconds : null);
        _meter.Gauge("meshdns_directory_lag_events", "Rows that the log is known to have and this node's directory hasn't.",
            () => Follower?.Following.Lag);
    }

    private void OfCluster()
    {
        _meter.Gauge("meshdns_cluster_members", "Live members of the cluster, as this node sees it.",
            () => Owner?.Engine.Life?.Owners.Members.Count());
        _meter.Gauge("meshdns_cluster_unreachable_members", "Members of the cluster that do not answer, as this node sees it.",
            () => Owner?.Engine.Life?.Owners.Unreachable);
        _meter.Counter("meshdns_actor_systems_total",
            "Actor systems that this process has made; each after the first followed on a downing or a failure.",
            () => Owner?.Engine.Lives);
        _meter.Gauge("meshdns_shards", "Shards that are on this node.", () => Owner?.Gauges.Shards);
        _meter.Gauge("meshdns_changes_waiting", "Changes that wait for the allocator, on the node where it runs.",
            () => Owner?.Gauges.Waiting);
        _meter.Counter("meshdns_cluster_asks_total",
            "Requests to other nodes, by kind and outcome: done, refused, timeout, cancelled or failed.",
            () => Asks?.Asks.Samples, "kind", "outcome");
        _meter.Histogram("meshdns_cluster_ask_duration_seconds",
            "Round trip of a request to another node, whatever its outcome; kinds that wait for news wait here too.",
            () => Asks?.Durations, "kind");
        _meter.Counter("meshdns_cluster_stalls_total",
            "Connections to other nodes given up because nothing came back on them before a deadline.",
            () => Asks?.Stalls.Value);
        _meter.Counter("meshdns_cluster_requests_total",
            "Authenticated requests of other nodes, by kind and outcome: done, refused, malformed, busy, abandoned or failed.",
            () => Requests?.Requests.Samples, "kind", "outcome");
        _meter.Counter("meshdns_cluster_rejected_total",
            "Cluster traffic rejected before anything was done, by reason: handshake or certificate.",
            () => Requests?.Rejected.Samples, "reason");
    }

    private void OfLog()
    {
        _meter.Gauge("meshdns_log_rows", "The number of the last row of the log that this node has read.",
            () => Follower?.Following.State.Position.Number);
        _meter.Gauge("meshdns_allocator_epoch", "How many incarnations of the allocator the log has had.",
            () => Follower?.Following.State.Epoch);
        _meter.Gauge("meshdns_vips_capacity", "Usable VIPs.", () => Follower?.Usage.Capacity);
        _meter.Gauge("meshdns_vips", "VIPs by state: leased, quarantined, reserved, excluded or free.",
            () => Follower?.Usage is not { } usage ? null :
            [
                new(usage.Leased, "leased"), new(usage.Quarantined, "quarantined"), new(usage.Reserved, "reserved"),
                new(usage.Excluded, "excluded"), new(usage.Free, "free"),
            ], "state");
        _meter.Counter("meshdns_journal_appends_total", "Appends to the journal, by outcome.",
            () => Appends?.Appends.Samples, "outcome");
        _meter.Histogram("meshdns_journal_append_seconds", "Time of an append to the journal, until it is durable.",
            () => Appends is { } appends ? [Histogram.Read([appends.Duration])] : null);
    }

    private void OfApi()
    {
        _meter.Counter("meshdns_settings_reloads_total", "Times that the settings were read again, by result: applied, unchanged or failed.",
            () => Reloads?.Samples, "result");
        _meter.Counter("meshdns_changes_total", "Changes asked of this node's API, by outcome.",
            () => Admin?.Counters.Changes.Samples, "outcome");
        _meter.Counter("meshdns_admin_requests_total", "Requests to the admin API, by method and status code.",
            () => Admin?.Counters.Requests.Samples, "method", "code");
        _meter.Counter("meshdns_admin_rejected_total",
            "Requests to the admin API by callers who may not call, by reason: token_missing, token_wrong, host or origin.",
            () => Admin?.Counters.Rejected.Samples, "reason");
        _meter.Gauge("meshdns_admin_requests_waiting",
            "Requests to the admin API that wait for their turn, by kind: read, list, scrape, change or large_change.",
            () => Admin?.Admission.Lines.Select(line => new Sample(line.Line.Waiting, line.Kind)), "kind");
        _meter.Counter("meshdns_admin_requests_refused_total",
            "Requests to the admin API refused with 503 because their line was too long or too slow, or (body) there was no memory for their bodies.",
            () => Admin?.Admission is not { } admission ? null :
            [
                .. admission.Lines.Select(line => new Sample(line.Line.Refused, line.Kind)), new(admission.Bodies.Refused, "body"),
            ], "kind");
        _meter.Gauge("meshdns_admin_body_bytes", "Memory of request bodies that arrive or wait to be read.",
            () => Admin?.Admission.Bodies.Taken);
        _meter.Gauge("meshdns_admin_connections", "Connections to the admin API that are open.",
            () => Admin?.Admission.Connections.Count);
        _meter.Counter("meshdns_admin_connections_closed_total",
            "Connections to the admin API closed because there are too many: displaced (it had kept the server waiting) or refused.",
            () => Admin?.Admission.Connections is not { } connections ? null :
            [
                new(connections.Displaced, "displaced"), new(connections.Refused, "refused"),
            ], "reason");
    }

    // What any process should tell; those without our prefix are as Prometheus' client libraries name them.
    private void OfProcess()
    {
        _meter.Gauge("meshdns_build_info", "Always 1; the labels say what runs.",
            () => [new(1, MeshMeter.Version, RuntimeInformation.FrameworkDescription)], "version", "runtime");
        _meter.Gauge("meshdns_heap_bytes", "Managed heap in use.", () => GC.GetTotalMemory(forceFullCollection: false));
        _meter.Counter("meshdns_gc_collections_total", "Garbage collections, by generation.",
            () => Enumerable.Range(0, GC.MaxGeneration + 1)
                .Select(of => new Sample(GC.CollectionCount(of), of.ToString(CultureInfo.InvariantCulture))), "generation");
        _meter.Counter("meshdns_gc_pause_seconds_total", "Time that the garbage collector paused the process.",
            () => GC.GetTotalPauseDuration().TotalSeconds);
        _meter.Counter("meshdns_gc_allocated_bytes_total", "Bytes allocated on the managed heap.",
            () => GC.GetTotalAllocatedBytes());
        _meter.Counter("process_cpu_seconds_total", "Processor time used, user and system.",
            () => Environment.CpuUsage.TotalTime.TotalSeconds);
        _meter.Gauge("process_resident_memory_bytes", "Resident memory.", () => Environment.WorkingSet);
        _meter.Gauge("process_start_time_seconds", "Start of the process, seconds since the Unix epoch.",
            () => _started.Value);
        _meter.Gauge("process_threads", "Threads of the process.", () => OfProcess(process => process.Threads.Count));
    }

    private IReadOnlyList<UpstreamServerStatistics>? Servers => Upstream?.Snapshot().Servers;

    private static double OfProcess(Func<Process, double> read)
    {
        using var process = Process.GetCurrentProcess();
        return read(process);
    }

    private static IEnumerable<Sample> Answered(EdgeStatistics edge) =>
        edge.Queries.Where(query => DropReason(query.Stage) is null)
            .Select(query => new Sample(query.Count, query.Transport, query.Type, query.Rcode, query.Stage));

    private static IEnumerable<Sample> Dropped(EdgeStatistics edge)
    {
        var dropped = edge.Queries.ToLookup(query => (query.Transport, DropReason(query.Stage)), query => query.Count);
        foreach (var transport in (string[])["udp", "tcp"])
            foreach (var reason in (string[])["malformed", "overload", "abandoned"])
                yield return new Sample(dropped[(transport, reason)].Sum(), transport, reason);
        yield return new Sample(edge.SendErrors.Value, "udp", "send_error");
    }

    // Null for a stage that sent a reply.
    private static string? DropReason(string stage) => stage switch
    {
        "drop" => "malformed",
        "overload" or "abandoned" => stage,
        _ => null,
    };

    private static IEnumerable<Sample> Events(UpstreamCounters counters) =>
    [
        new(counters.Prefetches.Value, "prefetch"), new(counters.Coalesced.Value, "coalesced"),
        new(counters.Hedges.Value, "hedge"), new(counters.TcpFallbacks.Value, "tcp_fallback"),
        new(counters.PlainFallbacks.Value, "plain_fallback"), new(counters.Overloads.Value, "overload"),
        new(counters.Displaced.Value, "displaced"), new(counters.Loops.Value, "loop"), new(counters.NoServers.Value, "no_server"),
        new(counters.Failures.Value, "failure"), new(counters.ChainsTooLong.Value, "chain_too_long"),
        new(counters.StrippedRecords.Value, "stripped_record"),
    ];
}
