using MeshDns.Host.Settings;

namespace MeshDns.Host.Tests.Settings;

/// <summary>What settings that were read again mean for a node that runs.</summary>
public sealed class SettingsUpdateTests
{
    /// <summary>A value for each key that is none of its default.</summary>
    private static readonly Dictionary<string, string> _others = """
        node.name=other
        node.roles=edge,owner,gateway
        node.data-dir=./other
        dns.listen=127.0.0.1:5300
        dns.ttl=20s
        dns.negative-ttl=6s
        dns.not-ready=servfail
        dns.capture=off
        mesh.cluster-domain=other.local
        mesh.zones=[other.test]
        directory.max-age=1h
        directory.expired=serve
        upstream.servers=192.0.2.1
        upstream.routes={ "a.test" = ["192.0.2.2"] }
        upstream.timeout=2s
        upstream.cache-size=2MiB
        admin.listen=127.0.0.1:1
        admin.token=token
        cluster.heartbeat=500ms
        cluster.lease=6s
        cluster.shards=32
        cluster.secret=0123456789abcdef
        journal.connection-string=Host=a
        journal.allow-data-loss=true
        journal.keep=20000
        vips.ipv4=240.1.0.0/16
        vips.ipv6=2001:3::/48
        vips.quarantine=2d
        clients=[{ cidr = "10.0.0.0/8", capture = off }]
        sources.manifests=[a.yaml]
        gateway.enabled=true
        telemetry.otlp.endpoint=http://127.0.0.1:4318
        """.Split('\n').ToDictionary(line => line[..line.IndexOf('=', StringComparison.Ordinal)], line => line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]);

    // Refused without others beside them.
    private static readonly string[] _neverAlone =
    [
        "cluster.listen", "cluster.advertise", "cluster.feed", "cluster.advertise-feed", "cluster.join", "cluster.tls.certificate", "cluster.tls.key", "cluster.tls.authority",
        "journal.store", "sources.kubernetes",
    ];

    private static readonly string[] _live =
    [
        "dns.ttl", "dns.negative-ttl", "dns.not-ready", "dns.capture", "directory.max-age", "directory.expired", "upstream.servers", "upstream.routes", "upstream.timeout", "admin.token", "clients",
    ];

    private static MeshDnsSettings Defaults => Load.Set();

    private static string Said(SettingsUpdate update) => $"{string.Join(", ", update.Applied)} | {string.Join(", ", update.NeedsRestart)}";

    [Fact]
    public void Each_key_alone_is_applied_or_needs_a_restart_and_once_applied_is_the_same()
    {
        Assert.Equal(SettingsSchema.All.Select(SettingsUpdate.NameOf), [.. SettingsSchema.All.Select(SettingsUpdate.NameOf).Where(name => _others.ContainsKey(name) || _neverAlone.Contains(name))]);
        foreach (var (key, value) in _others)
        {
            var read = Load.Set($"{key}={value}");
            var update = SettingsUpdate.Of(Defaults, read);
            Assert.Equal(_live.Contains(key) ? $"{key} | " : $" | {key}", Said(update));
            var again = SettingsUpdate.Of(update.Settings, read);
            Assert.Equal(_live.Contains(key) ? " | " : $" | {key}", Said(again));
            // And back.
            Assert.Equal(update.Applied, SettingsUpdate.Of(update.Settings, Defaults).Applied);
        }
    }

    [Fact]
    public void What_applies_is_in_the_settings_and_nothing_else_is()
    {
        var all = SettingsUpdate.Of(Defaults, Load.Set([.. _others.Where(each => each.Key is not "vips.quarantine").Select(each => $"{each.Key}={each.Value}")])).Settings;
        Assert.Equal((20, 6, NotReadyAnswer.ServFail, false), (all.Dns.Ttl.TotalSeconds, all.Dns.NegativeTtl.TotalSeconds, all.Dns.NotReady, all.Dns.Capture));
        Assert.Equal((TimeSpan.FromHours(1), false, ExpiredAnswer.Serve), (all.Directory.MaxAge, all.Directory.IsDerived, all.Directory.Expired));
        Assert.Equal(("192.0.2.1:53", "a.test", 2.0), (Assert.Single(all.Upstream.Servers).ToString(), Assert.Single(all.Upstream.Routes).Suffix, all.Upstream.Timeout.TotalSeconds));
        Assert.Equal(("token", "10.0.0.0/8"), (all.Admin.Token.Reveal(), Assert.Single(all.Clients).Network.ToString()));
        var (defaults, rest) = (Defaults, all with { Upstream = Defaults.Upstream });
        Assert.Equal((defaults.Node, defaults.Vips, defaults.Gateway, defaults.Telemetry), (rest.Node, rest.Vips, rest.Gateway, rest.Telemetry));
        Assert.Equal(defaults.Dns.Listen, rest.Dns.Listen);
        Assert.Equal((defaults.Admin.Listen, defaults.Mesh.ClusterDomain, defaults.Cluster.Shards, defaults.Journal.KeepRows),
            (rest.Admin.Listen, rest.Mesh.ClusterDomain, rest.Cluster.Shards, rest.Journal.KeepRows));
        Assert.Equal(64 << 20, all.Upstream.CacheSizeBytes);
    }

    [Fact]
    public void Another_notation_of_the_same_is_no_change()
    {
        var update = SettingsUpdate.Of(Load.Set("clients=[{ cidr = \"10.0.0.0/8\", namespace = a }]", "upstream.servers=192.0.2.1,192.0.2.2", "upstream.routes={ \"a.test\" = [\"192.0.2.2\"] }", "admin.token=t"),
            Load.Set("clients=[{ namespace = a, cidr = \"10.0.0.0/8\" }]", "upstream.servers=[\"192.0.2.1:53\", \"192.0.2.2\"]", "upstream.routes={ \"A.test.\" = \"192.0.2.2:53\" }", "admin.token=t", "dns.ttl=30000ms"));
        Assert.Equal(" | ", Said(update));
    }

    [Fact]
    public void The_reference_marks_each_key_that_applies_live_and_no_other()
    {
        var lines = File.ReadAllLines(Load.Repository("reference.conf")).Select(line => line.Trim()).ToList();
        foreach (var key in SettingsSchema.All)
        {
            var comment = lines.Take(lines.FindIndex(line => line.Contains($"${{?{key.EnvironmentName}}}", StringComparison.Ordinal))).Reverse()
                .SkipWhile(line => !line.StartsWith('#')).TakeWhile(line => line.StartsWith('#'));
            Assert.True(key.IsLive == comment.Any(line => line.Contains("Live.", StringComparison.Ordinal)), key.Path);
        }
        Assert.Equal(_live.Order(), SettingsSchema.All.Where(key => key.IsLive).Select(SettingsUpdate.NameOf).Order());
    }

    [Fact]
    public void Keys_of_akka_need_a_restart()
    {
        var update = SettingsUpdate.Of(Load.Set("akka.loglevel=INFO", "akka.a.b=1"), Load.Set("akka.loglevel=DEBUG", "akka.c=2"));
        Assert.Equal(" | akka.a.b, akka.c, akka.loglevel", Said(update));
    }

    [Fact]
    public void A_token_is_not_given_up_while_the_api_that_runs_reaches_beyond_loopback()
    {
        var running = Load.Set("admin.listen=0.0.0.0:0", "admin.token=t");
        var update = SettingsUpdate.Of(running, Load.Set("admin.listen=127.0.0.1:0"));
        Assert.Equal(" | admin.listen, admin.token", Said(update));
        Assert.Equal("t", update.Settings.Admin.Token.Reveal());
        Assert.Equal(["admin.token"], SettingsUpdate.Of(running, Load.Set("admin.listen=0.0.0.0:0", "admin.token=u")).Applied);
    }

    // Promise 4: with a quarantine that does not hold yet neither a TTL nor an age may go.
    [Fact]
    public void Ages_go_with_the_quarantine_that_holds()
    {
        var running = Load.Set("vips.quarantine=4m");
        var update = SettingsUpdate.Of(running, Load.Set("vips.quarantine=24h", "dns.ttl=2m"));
        Assert.Equal(" | dns.ttl, vips.quarantine", Said(update));
        Assert.Equal((TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(3)), (update.Settings.Dns.Ttl, update.Settings.Directory.MaxAge));
        update = SettingsUpdate.Of(running, Load.Set("vips.quarantine=24h", "dns.ttl=1m", "directory.max-age=20h"));
        Assert.Equal("dns.ttl, directory.max-age | vips.quarantine", Said(update));
        Assert.Equal((TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2), false), (update.Settings.Dns.Ttl, update.Settings.Directory.MaxAge, update.Settings.Directory.IsDerived));
        update = SettingsUpdate.Of(update.Settings, Load.Set("vips.quarantine=4m", "dns.ttl=10s"));
        Assert.Equal((TimeSpan.FromSeconds(220), true), (update.Settings.Directory.MaxAge, update.Settings.Directory.IsDerived));
    }
}
