using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Settings;

/// <summary>Every key, declared once: its path, its reader, and whether it applies live. Its default and its reason are in <c>hocon/reference.conf</c>; a test holds the two together.</summary>
internal static class SettingsSchema
{
    private static readonly List<SettingKey> _declared = [];

    public static readonly SettingKey<string> NodeName = Add("node.name", NameReaders.NodeName);
    public static readonly SettingKey<NodeRoles> NodeRoles = Add("node.roles", NameReaders.Roles);
    public static readonly SettingKey<string> NodeDataDirectory = Add("node.data-dir", NameReaders.FilePath);

    public static readonly SettingKey<IReadOnlyList<IPEndPoint>> DnsListen
        = Add("dns.listen", SettingReaders.List(AddressReaders.Listen, 1, 64, "endpoints (IP:PORT or [IPV6]:PORT)"));
    public static readonly SettingKey<TimeSpan> DnsTtl = Add("dns.ttl", SettingReaders.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), wholeSeconds: true), isLive: true);
    public static readonly SettingKey<TimeSpan> DnsNegativeTtl
        = Add("dns.negative-ttl", SettingReaders.Duration(TimeSpan.Zero, TimeSpan.FromHours(1), wholeSeconds: true), isLive: true);
    public static readonly SettingKey<NotReadyAnswer> DnsNotReady
        = Add("dns.not-ready", SettingReaders.OneOf(("forward", NotReadyAnswer.Forward), ("servfail", NotReadyAnswer.ServFail)), isLive: true);
    public static readonly SettingKey<bool> DnsCapture = Add("dns.capture", SettingReaders.Switch, isLive: true);

    public static readonly SettingKey<string> MeshClusterDomain = Add("mesh.cluster-domain", NameReaders.Domain);
    public static readonly SettingKey<IReadOnlyList<string>> MeshZones = Add("mesh.zones", SettingReaders.List(NameReaders.Domain, 0, 1024, "domain names"));

    public static readonly SettingKey<TimeSpan?> DirectoryMaxAge = Add<TimeSpan?>("directory.max-age", (value, issues) =>
        value is Hocon.HoconText { Text: "auto" } ? null : SettingReaders.Duration(TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(365), or: "auto or ")(value, issues), isLive: true);
    public static readonly SettingKey<ExpiredAnswer> DirectoryExpired
        = Add("directory.expired", SettingReaders.OneOf(("refuse", ExpiredAnswer.Refuse), ("serve", ExpiredAnswer.Serve)), isLive: true);

    public static readonly SettingKey<IReadOnlyList<IPEndPoint>> UpstreamServers = Add("upstream.servers", TableReaders.Servers(0), isLive: true);
    public static readonly SettingKey<IReadOnlyList<UpstreamRoute>> UpstreamRoutes = Add("upstream.routes", TableReaders.Routes, isLive: true);
    public static readonly SettingKey<TimeSpan> UpstreamTimeout
        = Add("upstream.timeout", SettingReaders.Duration(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(60)), isLive: true);
    public static readonly SettingKey<long> UpstreamCacheSize = Add("upstream.cache-size", SettingReaders.Size(1L << 20, 64L << 30));

    public static readonly SettingKey<IPEndPoint> AdminListen = Add("admin.listen", AddressReaders.Listen);
    public static readonly SettingKey<Secret> AdminToken = Add("admin.token", SettingReaders.Secret(), isSecret: true, isLive: true);

    public static readonly SettingKey<IPEndPoint?> ClusterListen = Add("cluster.listen", AddressReaders.OptionalListen);
    public static readonly SettingKey<string?> ClusterAdvertise = Add("cluster.advertise", AddressReaders.Advertise);
    public static readonly SettingKey<IPEndPoint?> ClusterFeed = Add("cluster.feed", AddressReaders.OptionalListen);
    public static readonly SettingKey<string?> ClusterAdvertiseFeed = Add("cluster.advertise-feed", AddressReaders.Advertise);
    public static readonly SettingKey<IReadOnlyList<string>> ClusterJoin
        = Add("cluster.join", SettingReaders.List(AddressReaders.Node, 0, 64, "owners' feeds (HOST:PORT)"));
    public static readonly SettingKey<Secret> ClusterSecret = Add("cluster.secret", SettingReaders.Secret(leastChars: 16), isSecret: true);
    public static readonly SettingKey<string> ClusterTlsCertificate = Add("cluster.tls.certificate", NameReaders.OptionalFilePath);
    public static readonly SettingKey<string> ClusterTlsKey = Add("cluster.tls.key", NameReaders.OptionalFilePath);
    public static readonly SettingKey<string> ClusterTlsAuthority = Add("cluster.tls.authority", NameReaders.OptionalFilePath);
    public static readonly SettingKey<TimeSpan> ClusterHeartbeat
        = Add("cluster.heartbeat", SettingReaders.Duration(TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)));
    public static readonly SettingKey<TimeSpan> ClusterLease
        = Add("cluster.lease", SettingReaders.Duration(TimeSpan.FromMilliseconds(30), TimeSpan.FromMinutes(10)));
    public static readonly SettingKey<int> ClusterShards = Add("cluster.shards", SettingReaders.Whole(1, 1024));

    public static readonly SettingKey<JournalStore> JournalStore
        = Add("journal.store", SettingReaders.OneOf(("sqlite", Settings.JournalStore.Sqlite), ("postgres", Settings.JournalStore.Postgres)));
    public static readonly SettingKey<Secret> JournalConnectionString = Add("journal.connection-string", SettingReaders.Secret(free: true), isSecret: true);
    public static readonly SettingKey<bool> JournalAllowDataLoss = Add("journal.allow-data-loss", SettingReaders.Switch);
    public static readonly SettingKey<long?> JournalKeep = Add("journal.keep", SettingReaders.WholeOr("all", 10_000, 1_000_000_000_000));

    public static readonly SettingKey<IPNetwork> VipsIPv4 = Add("vips.ipv4", AddressReaders.Network(AddressFamily.InterNetwork, 16, 30));
    public static readonly SettingKey<IPNetwork> VipsIPv6 = Add("vips.ipv6", AddressReaders.Network(AddressFamily.InterNetworkV6, 16, 112));
    public static readonly SettingKey<TimeSpan> VipsQuarantine = Add("vips.quarantine", SettingReaders.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromDays(365)));

    public static readonly SettingKey<IReadOnlyList<ClientSettings>> Clients = Add("clients", TableReaders.Clients, isLive: true);

    public static readonly SettingKey<IReadOnlyList<string>> SourcesManifests
        = Add("sources.manifests", SettingReaders.List(NameReaders.FilePath, 0, 256, "paths"));
    public static readonly SettingKey<string?> SourcesKubernetes = Add("sources.kubernetes", NameReaders.Kubernetes);

    public static readonly SettingKey<bool> GatewayEnabled = Add("gateway.enabled", SettingReaders.Switch);

    public static readonly SettingKey<Uri?> TelemetryOtlpEndpoint = Add("telemetry.otlp.endpoint", AddressReaders.OptionalUrl);

    /// <summary>All keys, in the order of reference.conf.</summary>
    public static IReadOnlyList<SettingKey> All => _declared;

    private static SettingKey<T> Add<T>(string path, SettingReader<T> read, bool isSecret = false, bool isLive = false)
    {
        var key = new SettingKey<T>(path, read, isSecret, isLive);
        _declared.Add(key);
        return key;
    }
}
