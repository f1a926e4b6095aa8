using System.Net;
using MeshDns.Host.Settings;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Tests.Settings;

public sealed class SettingsDefaultsTests
{
    /// <summary>The keys of the fixed interface ("Configuration keys"); other tools set them.</summary>
    private const string FixedKeys = """
        node.name node.roles node.data-dir dns.listen dns.ttl dns.negative-ttl dns.not-ready dns.capture mesh.cluster-domain mesh.zones
        directory.max-age directory.expired upstream.servers upstream.routes upstream.timeout admin.listen admin.token
        cluster.listen cluster.advertise cluster.feed cluster.join cluster.secret cluster.heartbeat cluster.lease cluster.shards
        journal.store journal.connection-string journal.allow-data-loss journal.keep vips.ipv4 vips.ipv6 vips.quarantine
        clients sources.manifests sources.kubernetes gateway.enabled
        """;

    /// <summary>Keys beyond the fixed ones. The answer cache is bounded by bytes, and how many is the operator's to say; where metrics are pushed; an owner behind mapped ports must say where edges without a database reach it.</summary>
    private const string FurtherKeys = "upstream.cache-size cluster.advertise-feed cluster.tls.certificate cluster.tls.key cluster.tls.authority telemetry.otlp.endpoint";

    [Fact]
    public void The_schema_has_exactly_the_keys_of_the_interface()
    {
        var expected = $"{FixedKeys} {FurtherKeys}".Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(key => $"meshdns.{key}");
        Assert.Equal(expected.Order(StringComparer.Ordinal), SettingsSchema.All.Select(key => key.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Reference_conf_has_the_same_keys_in_the_same_order_each_with_a_default_and_its_variable()
    {
        var root = new ObjectTerm(new HoconOrigin("reference.conf", 1, 1));
        HoconParser.Parse(root, "reference.conf", SettingsLoader.Reference());
        var found = new List<string>();
        Walk(root, []);
        Assert.Equal(SettingsSchema.All.Select(key => key.Path), found);

        void Walk(ObjectTerm section, IReadOnlyList<string> path)
        {
            foreach (var (name, field) in section.Fields)
            {
                IReadOnlyList<string> here = [.. path, name];
                if (field.Layers is [ObjectTerm below])
                {
                    Walk(below, here);
                    continue;
                }
                found.Add(string.Join('.', here));
                Assert.Equal(2, field.Layers.Count);
                var variable = Assert.IsType<SubstitutionTerm>(field.Layers[1]);
                Assert.True(variable.Optional);
                Assert.Equal(string.Join('_', here).Replace('-', '_').ToUpperInvariant(), Assert.Single(variable.Path));
            }
        }
    }

    [Fact]
    public void Every_key_of_reference_conf_is_explained()
    {
        var lines = SettingsLoader.Reference().Split('\n');
        foreach (var key in SettingsSchema.All)
        {
            var wiring = Array.FindIndex(lines, line => line.Contains($"${{?{key.EnvironmentName}}}", StringComparison.Ordinal));
            Assert.StartsWith("#", lines[wiring - 2].TrimStart(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_defaults()
    {
        var settings = Load.Set();
        Assert.Equal(Environment.MachineName.ToLowerInvariant(), settings.Node.Name);
        Assert.Equal(NodeRoles.Owner | NodeRoles.Edge, settings.Node.Roles);
        Assert.Equal("./data", settings.Node.DataDirectory);
        Assert.Equal([IPEndPoint.Parse("127.0.0.1:15053")], settings.Dns.Listen);
        Assert.Equal(TimeSpan.FromSeconds(30), settings.Dns.Ttl);
        Assert.Equal(TimeSpan.FromSeconds(5), settings.Dns.NegativeTtl);
        Assert.Equal(NotReadyAnswer.Forward, settings.Dns.NotReady);
        Assert.True(settings.Dns.Capture);
        Assert.Equal("cluster.local", settings.Mesh.ClusterDomain);
        Assert.Empty(settings.Mesh.Zones);
        Assert.Equal(TimeSpan.FromHours(24) - TimeSpan.FromMinutes(1), settings.Directory.MaxAge);
        Assert.Equal(ExpiredAnswer.Refuse, settings.Directory.Expired);
        Assert.Empty(settings.Upstream.Servers);
        Assert.Empty(settings.Upstream.Routes);
        Assert.Equal(TimeSpan.FromSeconds(4), settings.Upstream.Timeout);
        Assert.Equal(64L << 20, settings.Upstream.CacheSizeBytes);
        Assert.Equal(IPEndPoint.Parse("127.0.0.1:15380"), settings.Admin.Listen);
        Assert.False(settings.Admin.Token.IsSet);
        Assert.Null(settings.Cluster.Listen);
        Assert.Null(settings.Cluster.Advertise);
        Assert.Empty(settings.Cluster.Join);
        Assert.False(settings.Cluster.Secret.IsSet);
        Assert.Null(settings.Cluster.Tls);
        Assert.Equal(TimeSpan.FromSeconds(1), settings.Cluster.Heartbeat);
        Assert.Equal(TimeSpan.FromSeconds(5), settings.Cluster.Lease);
        Assert.Equal(64, settings.Cluster.Shards);
        Assert.Equal(JournalStore.Sqlite, settings.Journal.Store);
        Assert.False(settings.Journal.ConnectionString.IsSet);
        Assert.False(settings.Journal.AllowDataLoss);
        Assert.Null(settings.Journal.KeepRows);
        Assert.Equal(IPNetwork.Parse("240.240.0.0/16"), settings.Vips.IPv4);
        Assert.Equal(IPNetwork.Parse("2001:2::/48"), settings.Vips.IPv6);
        Assert.Equal(TimeSpan.FromHours(24), settings.Vips.Quarantine);
        Assert.Empty(settings.Clients);
        Assert.Empty(settings.Sources.Manifests);
        Assert.Null(settings.Sources.Kubernetes);
        Assert.False(settings.Gateway.Enabled);
        Assert.Null(settings.Telemetry.OtlpEndpoint);
        Assert.Empty(settings.Akka);
        Assert.Empty(settings.Unsupported());
    }
}
