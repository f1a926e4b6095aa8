namespace MeshDns.Host.Telemetry;

/// <summary>Every metric that a node exposes, in one place, so that a dashboard's author finds them and a test checks their names.</summary>
public static class MeshMetrics
{
    /// <summary>Queries answered. <c>stage</c> is the step of the pipeline that answered.</summary>
    public static readonly MetricDefinition QueriesTotal = Counter("meshdns_queries_total", "DNS queries answered, by the pipeline stage that answered.", "transport", "type", "rcode", "stage");

    /// <summary>Time from receive to send, of a sample of the queries.</summary>
    public static readonly MetricDefinition QueryDurationSeconds = Histogram("meshdns_query_duration_seconds", "Time from receiving a query to sending its answer, sampled; forward: of all that waited for an upstream.", "transport");

    /// <summary>Packets dropped without an answer.</summary>
    public static readonly MetricDefinition QueriesDroppedTotal = Counter("meshdns_queries_dropped_total", "DNS packets dropped without an answer, by reason.", "transport", "reason");

    /// <summary>Queries sent upstream and how they ended.</summary>
    public static readonly MetricDefinition UpstreamQueriesTotal = Counter("meshdns_upstream_queries_total", "Queries sent upstream, by server and outcome.", "server", "outcome");

    /// <summary>How fast an upstream server answers.</summary>
    public static readonly MetricDefinition UpstreamLatencySeconds = Gauge("meshdns_upstream_latency_seconds", "Mean time until an upstream server answered, exponentially weighted.", "server");

    /// <summary>Replies that were not believed.</summary>
    public static readonly MetricDefinition UpstreamIgnoredRepliesTotal = Counter("meshdns_upstream_ignored_replies_total", "Upstream replies ignored while listening on, by reason.", "reason");

    /// <summary>Everything else that happens while forwarding.</summary>
    public static readonly MetricDefinition UpstreamEventsTotal = Counter("meshdns_upstream_events_total", "What happened while forwarding: prefetch, coalesced, hedge, tcp_fallback, displaced, loop ...", "event");

    /// <summary>Forwarded queries answered from the cache.</summary>
    public static readonly MetricDefinition CacheHitsTotal = Counter("meshdns_cache_hits_total", "Forwarded queries answered from the cache.");

    /// <summary>Forwarded queries that the cache could not answer.</summary>
    public static readonly MetricDefinition CacheMissesTotal = Counter("meshdns_cache_misses_total", "Forwarded queries that the cache could not answer.");

    /// <summary>Answers served past their TTL (RFC 8767).</summary>
    public static readonly MetricDefinition CacheStaleTotal = Counter("meshdns_cache_stale_total", "Answers served past their TTL because upstream failed (RFC 8767).");

    /// <summary>Cache entries evicted to stay within the bound.</summary>
    public static readonly MetricDefinition CacheEvictionsTotal = Counter("meshdns_cache_evictions_total", "Cache entries evicted to stay within the bound.");

    /// <summary>Memory that the cache holds.</summary>
    public static readonly MetricDefinition CacheBytes = Gauge("meshdns_cache_bytes", "Memory that the answer cache holds.");

    /// <summary>Answers in the cache.</summary>
    public static readonly MetricDefinition CacheEntries = Gauge("meshdns_cache_entries", "Answers in the cache.");

    /// <summary>Exceptions that reached the edge.</summary>
    public static readonly MetricDefinition EdgeFaultsTotal = Counter("meshdns_edge_faults_total", "Exceptions that reached the edge and became SERVFAIL; each is a bug.");

    /// <summary>Open TCP connections.</summary>
    public static readonly MetricDefinition TcpConnections = Gauge("meshdns_tcp_connections", "DNS connections over TCP that are open.");

    /// <summary>TCP connections that were closed by us.</summary>
    public static readonly MetricDefinition TcpConnectionsClosedTotal = Counter("meshdns_tcp_connections_closed_total", "DNS connections over TCP closed by us: limit, timeout, memory (others needed what it held), descriptors (none left).", "reason");

    /// <summary>TCP queries that made room for others.</summary>
    public static readonly MetricDefinition TcpForwardsDisplacedTotal = Counter("meshdns_tcp_forwards_displaced_total", "Queries over TCP that gave their place to a client, or for a domain, that holds fewer.");

    /// <summary>Bytes held for TCP connections.</summary>
    public static readonly MetricDefinition TcpHeldBytes = Gauge("meshdns_tcp_held_bytes", "Bytes held for DNS connections over TCP: replies that wait to be read above all.");

    /// <summary>Failed receives and accepts.</summary>
    public static readonly MetricDefinition EdgeReceiveErrorsTotal = Counter("meshdns_edge_receive_errors_total", "Receives of DNS packets and accepts of connections that the system failed.");

    /// <summary>Queries that wait for an upstream.</summary>
    public static readonly MetricDefinition QueriesWaiting = Gauge("meshdns_queries_waiting", "UDP queries that wait for an upstream.");

    /// <summary>Facts that the directory refused.</summary>
    public static readonly MetricDefinition DirectoryViolationsTotal = Counter("meshdns_directory_violations_total", "Facts refused by the directory because two names would have held one VIP.");

    /// <summary>Names in the directory.</summary>
    public static readonly MetricDefinition DirectoryNames = Gauge("meshdns_directory_names", "Names that this node's directory knows.");

    /// <summary>Time since the last successful read of all streams.</summary>
    public static readonly MetricDefinition DirectoryAgeSeconds = Gauge("meshdns_directory_age_seconds", "Time since this node last read all streams successfully.");

    /// <summary>How far the directory is behind the log.</summary>
    public static readonly MetricDefinition DirectoryLagEvents = Gauge("meshdns_directory_lag_events", "Rows that the log is known to have and this node's directory hasn't.");

    /// <summary>VIPs by state; the states sum to the capacity.</summary>
    public static readonly MetricDefinition Vips = Gauge("meshdns_vips", "VIPs by state: leased, quarantined, reserved, excluded or free.", "state");

    /// <summary>Live members of the cluster.</summary>
    public static readonly MetricDefinition ClusterMembers = Gauge("meshdns_cluster_members", "Live members of the cluster, as this node sees it.");

    /// <summary>Members that do not answer.</summary>
    public static readonly MetricDefinition ClusterUnreachable = Gauge("meshdns_cluster_unreachable_members", "Members of the cluster that do not answer, as this node sees it.");

    /// <summary>Actor systems of this process.</summary>
    public static readonly MetricDefinition ActorSystemsTotal = Counter("meshdns_actor_systems_total", "Actor systems that this process has made; each after the first followed on a downing or a failure.");

    /// <summary>Shards here.</summary>
    public static readonly MetricDefinition ShardsHere = Gauge("meshdns_shards", "Shards that are on this node.");

    /// <summary>Changes in line.</summary>
    public static readonly MetricDefinition ChangesWaiting = Gauge("meshdns_changes_waiting", "Changes that wait for the allocator, on the node where it runs.");

    /// <summary>The log's length.</summary>
    public static readonly MetricDefinition LogRows = Gauge("meshdns_log_rows", "The number of the last row of the log that this node has read.");

    /// <summary>Incarnations of the allocator.</summary>
    public static readonly MetricDefinition AllocatorEpoch = Gauge("meshdns_allocator_epoch", "How many incarnations of the allocator the log has had.");

    /// <summary>Usable VIPs.</summary>
    public static readonly MetricDefinition VipsCapacity = Gauge("meshdns_vips_capacity", "Usable VIPs.");

    /// <summary>Time of an append to the journal.</summary>
    public static readonly MetricDefinition JournalAppendSeconds = Histogram("meshdns_journal_append_seconds", "Time of an append to the journal, until it is durable.");

    /// <summary>Appends and how they ended.</summary>
    public static readonly MetricDefinition JournalAppendsTotal = Counter("meshdns_journal_appends_total", "Appends to the journal, by outcome.", "outcome");

    /// <summary>Changes and how they ended.</summary>
    public static readonly MetricDefinition ChangesTotal = Counter("meshdns_changes_total", "Changes asked of this node's API, by outcome.", "outcome");

    /// <summary>API requests.</summary>
    public static readonly MetricDefinition AdminRequestsTotal = Counter("meshdns_admin_requests_total", "Requests to the admin API, by method and status code.", "method", "code");

    /// <summary>API requests of callers who may not call.</summary>
    public static readonly MetricDefinition AdminRejectedTotal = Counter("meshdns_admin_rejected_total", "Requests to the admin API by callers who may not call, by reason: token_missing, token_wrong, host or origin.", "reason");

    /// <summary>API requests in line.</summary>
    public static readonly MetricDefinition AdminRequestsWaiting = Gauge("meshdns_admin_requests_waiting", "Requests to the admin API that wait for their turn, by kind: read, list, scrape, change or large_change.", "kind");

    /// <summary>API requests without room.</summary>
    public static readonly MetricDefinition AdminRequestsRefusedTotal = Counter("meshdns_admin_requests_refused_total", "Requests to the admin API refused with 503 because their line was too long or too slow, or (body) there was no memory for their bodies.", "kind");

    /// <summary>Memory of request bodies.</summary>
    public static readonly MetricDefinition AdminBodyBytes = Gauge("meshdns_admin_body_bytes", "Memory of request bodies that arrive or wait to be read.");

    /// <summary>Connections to the API.</summary>
    public static readonly MetricDefinition AdminConnections = Gauge("meshdns_admin_connections", "Connections to the admin API that are open.");

    /// <summary>Connections to the API that found no place or lost theirs.</summary>
    public static readonly MetricDefinition AdminConnectionsClosedTotal = Counter("meshdns_admin_connections_closed_total", "Connections to the admin API closed because there are too many: displaced (it had kept the server waiting) or refused.", "reason");

    /// <summary>What this node asked of other nodes.</summary>
    public static readonly MetricDefinition ClusterAsksTotal = Counter("meshdns_cluster_asks_total", "Requests to other nodes, by kind and outcome: done, refused, timeout, cancelled or failed.", "kind", "outcome");

    /// <summary>How long other nodes took.</summary>
    public static readonly MetricDefinition ClusterAskDurationSeconds = Histogram("meshdns_cluster_ask_duration_seconds", "Round trip of a request to another node, whatever its outcome; kinds that wait for news wait here too.", "kind");

    /// <summary>Connections given up.</summary>
    public static readonly MetricDefinition ClusterStallsTotal = Counter("meshdns_cluster_stalls_total", "Connections to other nodes given up because nothing came back on them before a deadline.");

    /// <summary>What other nodes asked of this one.</summary>
    public static readonly MetricDefinition ClusterRequestsTotal = Counter("meshdns_cluster_requests_total", "Authenticated requests of other nodes, by kind and outcome: done, refused, malformed, busy, abandoned or failed.", "kind", "outcome");

    /// <summary>Cluster traffic that was not authenticated.</summary>
    public static readonly MetricDefinition ClusterRejectedTotal = Counter("meshdns_cluster_rejected_total", "Cluster traffic rejected before anything was done, by reason: handshake or certificate.", "reason");

    /// <summary>Collectors that threw.</summary>
    public static readonly MetricDefinition CollectorFailuresTotal = Counter("meshdns_collector_failures_total", "Metric collectors that failed during a scrape.");

    /// <summary>Always 1; the labels say what runs.</summary>
    public static readonly MetricDefinition BuildInfo = Gauge("meshdns_build_info", "Always 1; the labels say what runs.", "version", "runtime");

    /// <summary>Memory in the managed heap after the last collection.</summary>
    public static readonly MetricDefinition HeapBytes = Gauge("meshdns_heap_bytes", "Managed heap in use.");

    /// <summary>Garbage collections.</summary>
    public static readonly MetricDefinition CollectionsTotal = Counter("meshdns_gc_collections_total", "Garbage collections, by generation.", "generation");

    /// <summary>Time that the collector paused the process.</summary>
    public static readonly MetricDefinition GcPauseSecondsTotal = Counter("meshdns_gc_pause_seconds_total", "Time that the garbage collector paused the process.");

    /// <summary>Bytes allocated on the managed heap since the start, as far as the runtime has counted them.</summary>
    public static readonly MetricDefinition GcAllocatedBytesTotal = Counter("meshdns_gc_allocated_bytes_total", "Bytes allocated on the managed heap.");

    /// <summary>Processor time used, as Prometheus' client libraries name it.</summary>
    public static readonly MetricDefinition ProcessCpuSecondsTotal = Counter("process_cpu_seconds_total", "Processor time used, user and system.");

    /// <summary>Resident memory, as Prometheus' client libraries name it.</summary>
    public static readonly MetricDefinition ProcessResidentMemoryBytes = Gauge("process_resident_memory_bytes", "Resident memory.");

    /// <summary>Start time, as Prometheus' client libraries name it.</summary>
    public static readonly MetricDefinition ProcessStartTimeSeconds = Gauge("process_start_time_seconds", "Start of the process, seconds since the Unix epoch.");

    /// <summary>Threads of the process.</summary>
    public static readonly MetricDefinition ProcessThreads = Gauge("process_threads", "Threads of the process.");

    /// <summary>All of the above.</summary>
    public static IReadOnlyList<MetricDefinition> All { get; } =
    [
        QueriesTotal, QueryDurationSeconds, QueriesDroppedTotal, UpstreamQueriesTotal, UpstreamLatencySeconds, UpstreamIgnoredRepliesTotal, UpstreamEventsTotal,
        CacheHitsTotal, CacheMissesTotal, CacheStaleTotal, CacheEvictionsTotal, CacheBytes, CacheEntries,
        EdgeFaultsTotal, TcpConnections, TcpConnectionsClosedTotal, TcpForwardsDisplacedTotal, TcpHeldBytes, EdgeReceiveErrorsTotal, QueriesWaiting, DirectoryViolationsTotal,
        DirectoryNames, DirectoryAgeSeconds, Vips, DirectoryLagEvents, VipsCapacity, ClusterMembers, ClusterUnreachable, ActorSystemsTotal, ShardsHere, ChangesWaiting, LogRows, AllocatorEpoch,
        JournalAppendSeconds, JournalAppendsTotal, ChangesTotal, AdminRequestsTotal, AdminRejectedTotal,
        AdminRequestsWaiting, AdminRequestsRefusedTotal, AdminBodyBytes, AdminConnections, AdminConnectionsClosedTotal, CollectorFailuresTotal,
        ClusterAsksTotal, ClusterAskDurationSeconds, ClusterStallsTotal, ClusterRequestsTotal, ClusterRejectedTotal,
        BuildInfo, HeapBytes, CollectionsTotal, GcPauseSecondsTotal, GcAllocatedBytesTotal,
        ProcessCpuSecondsTotal, ProcessResidentMemoryBytes, ProcessStartTimeSeconds, ProcessThreads,
    ];

    private static MetricDefinition Counter(string name, string help, params string[] labels) => new(name, MetricType.Counter, help, labels);

    private static MetricDefinition Gauge(string name, string help, params string[] labels) => new(name, MetricType.Gauge, help, labels);

    private static MetricDefinition Histogram(string name, string help, params string[] labels) => new(name, MetricType.Histogram, help, labels);
}
