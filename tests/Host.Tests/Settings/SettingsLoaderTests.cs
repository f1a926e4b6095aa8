using System.Net;
using MeshDns.Host.Cluster;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Tests.Settings;

public sealed class SettingsLoaderTests : IDisposable
{
    private readonly TemporaryFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Later_wins_reference_then_environment_then_file_then_set()
    {
        var file = _files.Write("my.conf", "meshdns.dns { ttl = 12s, negative-ttl = 3s }\nmeshdns.dns.negative-ttl = ${?MESHDNS_DNS_NEGATIVE_TTL}");
        (string, string)[] environment = [("MESHDNS_DNS_TTL", "11s"), ("MESHDNS_DNS_NEGATIVE_TTL", "2s"), ("MESHDNS_UPSTREAM_TIMEOUT", "1s")];
        var settings = Load.Valid(Load.Everything(file, [], environment));
        Assert.Equal((12, 2, 1), (settings.Dns.Ttl.TotalSeconds, settings.Dns.NegativeTtl.TotalSeconds, settings.Upstream.Timeout.TotalSeconds));
        settings = Load.Valid(Load.Everything(file, ["dns.ttl=13s", "dns.ttl=14s"], environment));
        Assert.Equal(14, settings.Dns.Ttl.TotalSeconds);
    }

    [Fact]
    public void Every_key_can_be_said_by_a_variable_and_by_set()
    {
        foreach (var (path, value) in _samples)
        {
            var key = SettingsSchema.All.Single(known => known.Path == $"meshdns.{path}");
            string[] rest = path switch
            {
                "admin.listen" => ["admin.token=t"],
                "cluster.listen" => [$"cluster.secret={_samples["cluster.secret"]}", "cluster.advertise=a:1", "journal.store=postgres", "journal.connection-string=x"],
                "cluster.feed" => [$"cluster.secret={_samples["cluster.secret"]}", "cluster.listen=0.0.0.0:1", "cluster.advertise=a:1", "journal.store=postgres", "journal.connection-string=x"],
                "cluster.join" => [$"cluster.secret={_samples["cluster.secret"]}", "node.roles=edge"],
                _ when path.StartsWith("cluster.tls.", StringComparison.Ordinal) =>
                    [.. _samples.Where(s => s.Key != path && s.Key.StartsWith("cluster.tls.", StringComparison.Ordinal)).Select(s => $"{s.Key}={s.Value}")],
                _ => [],
            };
            var variable = Load.Everything(null, rest, (key.EnvironmentName, value));
            Load.Valid(variable);
            Assert.Equal($"env {key.EnvironmentName}", variable.Effective.Single(setting => setting.Key == key.Path).Origin);
            var set = Load.Everything(null, [$"{path}={value}", .. rest]);
            Load.Valid(set);
            Assert.Equal($"--set {path}", set.Effective.Single(setting => setting.Key == key.Path).Origin);
        }
        Assert.Equal(SettingsSchema.All.Count, _samples.Count);
    }

    [Fact]
    public void Lists_take_HOCON_or_text_with_commas()
    {
        var expected = new[] { IPEndPoint.Parse("127.0.0.1:53"), IPEndPoint.Parse("[::1]:0") };
        Assert.Equal(expected, Load.Set("dns.listen=[\"127.0.0.1:53\", \"[::1]:0\"]").Dns.Listen);
        Assert.Equal(expected, Load.Set("dns.listen=127.0.0.1:53, [::1]:0").Dns.Listen);
        Assert.Equal([expected[1]], Load.Set("dns.listen=\"[::1]:0\"").Dns.Listen);
        Assert.Equal(expected, Load.Env(("MESHDNS_DNS_LISTEN", "127.0.0.1:53,[::1]:0")).Dns.Listen);
        Assert.Equal(expected.Reverse(), Load.Env(("MESHDNS_DNS_LISTEN", "[::1]:0,127.0.0.1:53")).Dns.Listen);
        Assert.Empty(Load.Env(("MESHDNS_MESH_ZONES", "")).Mesh.Zones);
        Assert.Equal(["mesh.internal", "b"], Load.Set("mesh.zones=Mesh.Internal.,b").Mesh.Zones);
        Assert.Equal(NodeRoles.Owner | NodeRoles.Gateway, Load.Set("node.roles=gateway,owner").Node.Roles);
    }

    [Fact]
    public void Upstream_servers_default_to_port_53()
    {
        var servers = Load.Set("upstream.servers=[9.9.9.9, \"10.0.0.1:5353\", \"2620:fe::fe\", \"[2620:fe::fe]:5353\"]").Upstream.Servers;
        Assert.Equal(["9.9.9.9:53", "10.0.0.1:5353", "[2620:fe::fe]:53", "[2620:fe::fe]:5353"], servers.Select(server => server.ToString()));
    }

    [Theory]
    [InlineData("upstream.routes={ example = [10.0.0.1], \"Corp.Example.\" = \"10.0.0.2,10.0.0.3\" }")]
    [InlineData("upstream.routes={ \"corp.example\" = [10.0.0.2, 10.0.0.3] }", "upstream.routes.example=10.0.0.1")]
    [InlineData("upstream.routes.\"corp.example\"=10.0.0.2,10.0.0.3", "upstream.routes.example=10.0.0.1")]
    public void Routes_have_the_longest_suffix_first(params string[] arguments)
    {
        var routes = Load.Set(arguments).Upstream.Routes;
        Assert.Equal(["corp.example", "example"], routes.Select(route => route.Suffix));
        Assert.Equal(["10.0.0.2:53", "10.0.0.3:53"], routes[0].Servers.Select(server => server.ToString()));
    }

    [Fact]
    public void Clients_are_networks_with_what_they_see()
    {
        const string Text = "[{ cidr = \"10.1.0.0/16\", namespace = shop, capture = off }, { cidr = \"2001:db8::/32\" }]";
        ClientSettings[] expected = [new(IPNetwork.Parse("10.1.0.0/16"), "shop", false), new(IPNetwork.Parse("2001:db8::/32"), null, null)];
        Assert.Equal(expected, Load.Set($"clients={Text}").Clients);
        Assert.Equal(expected, Load.Env(("MESHDNS_CLIENTS", Text)).Clients);
        Assert.Equal(expected, Load.Valid(Load.Everything(_files.Write("my.conf", $"meshdns.clients = {Text}"), [])).Clients);
    }

    [Fact]
    public void Single_values_of_every_kind()
    {
        var settings = Load.Set("directory.max-age=1h", "directory.expired=serve", "dns.not-ready=servfail", "dns.capture=no", "journal.store=postgres",
            "journal.connection-string=Host=db; Password=p", "upstream.cache-size=1.5 MiB", "cluster.advertise=node-1:15390", "sources.kubernetes=in-cluster",
            "node.name=Node_1.Lab", "vips.quarantine=1d");
        Assert.Equal(TimeSpan.FromHours(1), settings.Directory.MaxAge);
        Assert.Equal(ExpiredAnswer.Serve, settings.Directory.Expired);
        Assert.Equal(NotReadyAnswer.ServFail, settings.Dns.NotReady);
        Assert.False(settings.Dns.Capture);
        Assert.Equal(JournalStore.Postgres, settings.Journal.Store);
        Assert.Equal("Host=db; Password=p", settings.Journal.ConnectionString.Reveal());
        Assert.Equal(3 << 19, settings.Upstream.CacheSizeBytes);
        Assert.Equal("node-1:15390", settings.Cluster.Advertise);
        Assert.Equal("in-cluster", settings.Sources.Kubernetes);
        Assert.Equal("node_1.lab", settings.Node.Name);
        Assert.Equal("[::1]:15390", Load.Set("cluster.advertise=\"[::1]:15390\"").Cluster.Advertise);
    }

    [Fact]
    public void Max_age_follows_quarantine_and_ttl_unless_given()
    {
        var settings = Load.Set("dns.ttl=1s", "vips.quarantine=4s");
        Assert.Equal(TimeSpan.FromSeconds(2), settings.Directory.MaxAge);
    }

    [Fact]
    public void Rows_of_the_journal_are_kept_all_or_so_many()
    {
        Assert.Null(Load.Set("journal.keep=all").Journal.KeepRows);
        Assert.Equal(10_000, Load.Set("journal.keep=10000").Journal.KeepRows);
        Assert.Equal(1_000_000_000_000, Load.Env(("MESHDNS_JOURNAL_KEEP", "1000000000000")).Journal.KeepRows);
    }

    [Fact]
    public void What_this_build_cannot_honour_is_listed()
    {
        var list = Load.Set("node.roles=owner,gateway", "sources.kubernetes=in-cluster", "gateway.enabled=on").Unsupported();
        Assert.Equal(
            ["node.roles", "node.roles", "sources.kubernetes", "gateway.enabled"],
            list.Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]));
    }

    [Fact]
    public void A_cluster_can_be_set_up()
    {
        var owner = Load.Set("journal.store=postgres", "journal.connection-string=x", "journal.allow-data-loss=on", "cluster.listen=0.0.0.0:1", "cluster.advertise=a:1",
            "cluster.tls.certificate=c", "cluster.tls.key=k", "cluster.tls.authority=r", "cluster.feed=0.0.0.0:2", "cluster.advertise-feed=b:3");
        Assert.Empty(owner.Unsupported());
        Assert.Equal(("0.0.0.0:2", "b:3"), (owner.Cluster.Feed?.ToString(), owner.Cluster.AdvertiseFeed));
        Assert.Equal(new ClusterTlsSettings("c", "k", "r"), owner.Cluster.Tls);
        var edge = Load.Set("node.roles=edge", "cluster.join=10.0.0.1:1,owner-2:1", "cluster.secret=0123456789abcdef");
        Assert.Empty(edge.Unsupported());
        Assert.Equal(["10.0.0.1:1", "owner-2:1"], edge.Cluster.Join);
    }

    [Fact]
    public void The_examples_are_valid()
    {
        var single = Load.Valid(Load.Everything(Load.Repository("single.conf"), []));
        Assert.Empty(single.Unsupported());
        Assert.Equal("/var/lib/meshdns", single.Node.DataDirectory);
        var cluster = Load.Valid(Load.Everything(Load.Repository("cluster.conf"), [], ("MESHDNS_CLUSTER_ADVERTISE", "node-1:15390"),
            ("MESHDNS_CLUSTER_SECRET", "0123456789abcdef"), ("MESHDNS_ADMIN_TOKEN", "t"), ("MESHDNS_JOURNAL_CONNECTION_STRING", "Host=db")));
        Assert.Equal(JournalStore.Postgres, cluster.Journal.Store);
        Assert.Empty(cluster.Unsupported());
        Assert.Equal("node-1:15391", ClusterEntrance.Of(cluster.Cluster)!.AddressAt(15391));
        var edge = Load.Valid(Load.Everything(Load.Repository("edge.conf"), [], ("MESHDNS_CLUSTER_JOIN", "node-1:15391,node-2:15391"), ("MESHDNS_CLUSTER_SECRET", "0123456789abcdef"), ("MESHDNS_ADMIN_TOKEN", "t")));
        Assert.Equal(["node-1:15391", "node-2:15391"], edge.Cluster.Join);
        Assert.Empty(edge.Unsupported());
        Assert.Equal(3, Load.Refused(Load.Everything(Load.Repository("cluster.conf"), [])).Count(error => error.Contains("${MESHDNS_", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_cluster_example_is_reached_at_the_hosts_name_unless_told_otherwise()
    {
        (string, string)[] secrets = [("MESHDNS_CLUSTER_SECRET", "0123456789abcdef"), ("MESHDNS_ADMIN_TOKEN", "t"), ("MESHDNS_JOURNAL_CONNECTION_STRING", "Host=db")];
        var file = Load.Repository("cluster.conf");
        Assert.Equal("abc:15390", Load.Valid(Load.Everything(file, [], [("HOSTNAME", "abc"), .. secrets])).Cluster.Advertise);
        Assert.Equal("node-1:1", Load.Valid(Load.Everything(file, [], [("HOSTNAME", "abc"), ("MESHDNS_CLUSTER_ADVERTISE", "node-1:1"), .. secrets])).Cluster.Advertise);
        Assert.Contains(Load.Refused(Load.Everything(file, [], secrets)), error => error.Contains("cluster.advertise", StringComparison.Ordinal));
    }

    [Fact]
    public void Describe_shows_each_effective_value_and_where_it_was_said()
    {
        var file = _files.Write("my.conf", "meshdns {\n  dns.ttl = 12s\n  upstream.servers = [9.9.9.9]\n}");
        var lines = Load.Everything(file, ["admin.listen=127.0.0.1:0"], ("MESHDNS_MESH_ZONES", "a.b"), ("MESHDNS_DNS_TTL", "1s")).Describe().Split('\n');
        Assert.Equal(SettingsSchema.All.Count, lines.Length);
        Assert.Contains($"meshdns.dns.ttl = 12s  # {file}:2:13; env MESHDNS_DNS_TTL is set too, but this wins", lines);
        Assert.Contains($"meshdns.upstream.servers = [9.9.9.9]  # {file}:3:22", lines);
        Assert.Contains("meshdns.admin.listen = \"127.0.0.1:0\"  # --set admin.listen", lines);
        Assert.Contains("meshdns.mesh.zones = a.b  # env MESHDNS_MESH_ZONES", lines);
        Assert.Contains(lines, line => line.StartsWith("meshdns.dns.capture = on  # reference.conf:", StringComparison.Ordinal));
    }

    [Fact]
    public void No_secret_is_ever_shown()
    {
        const string Secret = "hunter2-\t\u0001";
        string[] keys = ["admin.token", "cluster.secret", "journal.connection-string"];
        var file = _files.Write("my.conf", string.Join('\n', keys.Select(key => $"meshdns.{key} = \"hunter2-\\t\\u0001\"")));
        SettingsResult[] results =
        [
            Load.Everything(file, []),
            Load.Everything(null, [.. keys.Select(key => $"{key}={Secret}")]),
            Load.Everything(null, [.. keys.Select(key => $"{key}=[\"{Secret}\"]")]),
            Load.Everything(null, [.. keys.Select(key => $"{key}=\"{Secret}")]),
            Load.Everything(null, [.. keys.Select(key => $"{key}.x={Secret}"), Secret]),
            Load.Everything(null, [], [.. keys.Select(key => ($"MESHDNS_{key.ToUpperInvariant().Replace('.', '_').Replace('-', '_')}", Secret))]),
            Load.Everything(null, [.. keys.Select(key => $"{key}=hunter2-hunter2-hunter2")]),
        ];
        foreach (var result in results)
            Assert.DoesNotContain("hunter2", $"{result} {result.Describe()} {result.Settings} {string.Join('\n', result.Errors)}", StringComparison.Ordinal);
        Assert.Contains("meshdns.admin.token = \"***\"  # --set admin.token", results[^1].Describe(), StringComparison.Ordinal);
        Assert.Equal("hunter2-hunter2-hunter2", results[^1].Settings!.Admin.Token.Reveal());
    }

    private static readonly Dictionary<string, string> _samples = new()
    {
        ["node.name"] = "n1",
        ["node.roles"] = "owner",
        ["node.data-dir"] = "/tmp/x",
        ["dns.listen"] = "127.0.0.1:1",
        ["dns.ttl"] = "10s",
        ["dns.negative-ttl"] = "1s",
        ["dns.not-ready"] = "servfail",
        ["dns.capture"] = "off",
        ["mesh.cluster-domain"] = "c.local",
        ["mesh.zones"] = "a,b",
        ["directory.max-age"] = "1h",
        ["directory.expired"] = "serve",
        ["upstream.servers"] = "1.1.1.1",
        ["upstream.routes"] = "{ \"a.b\" = [1.1.1.1] }",
        ["upstream.timeout"] = "2s",
        ["upstream.cache-size"] = "1GiB",
        ["admin.listen"] = "0.0.0.0:1",
        ["admin.token"] = "t",
        ["cluster.listen"] = "0.0.0.0:1",
        ["cluster.advertise"] = "a:1",
        ["cluster.feed"] = "0.0.0.0:2",
        ["cluster.advertise-feed"] = "a:2",
        ["cluster.join"] = "a:1,[::1]:2",
        ["cluster.secret"] = "0123456789abcdef",
        ["cluster.tls.certificate"] = "node.pem",
        ["cluster.tls.key"] = "node.key",
        ["cluster.tls.authority"] = "ca.pem",
        ["cluster.heartbeat"] = "100ms",
        ["cluster.lease"] = "10s",
        ["cluster.shards"] = "7",
        ["journal.store"] = "sqlite",
        ["journal.connection-string"] = "Host=x",
        ["journal.allow-data-loss"] = "true",
        ["journal.keep"] = "100000",
        ["vips.ipv4"] = "240.241.0.0/20",
        ["vips.ipv6"] = "fd00::/64",
        ["vips.quarantine"] = "1h",
        ["clients"] = "[{ cidr = \"10.0.0.0/8\" }]",
        ["sources.manifests"] = "a.yaml,b",
        ["sources.kubernetes"] = "/kube.conf",
        ["gateway.enabled"] = "yes",
        ["telemetry.otlp.endpoint"] = "http://collector:4318",
    };
}
