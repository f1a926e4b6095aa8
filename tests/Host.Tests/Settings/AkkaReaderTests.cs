using MeshDns.Actors.Cluster;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Tests.Settings;

/// <summary>The root block <c>akka { }</c>.</summary>
public sealed class AkkaReaderTests : IDisposable
{
    private const string Fixed = "a promise or the cluster's security rests on it, so it is fixed";

    private readonly TemporaryFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Keys_and_scalars_are_taken_as_written()
    {
        var settings = Load.Valid(Read("akka {\n  cluster { gossip-interval = 1s, min-nr-of-members = 3 }\n  \"loglevel\" = INFO\n  log-dead-letters = on\n  a = \"x = [\", b = ${?NOBODY}, c = ${?SOMEBODY}, d {}\n}\nmeshdns.dns.ttl = 9s",
            ("SOMEBODY", "s")));
        Assert.Equal(
            ["akka.cluster.gossip-interval=1s", "akka.cluster.min-nr-of-members=3", "akka.loglevel=INFO", "akka.log-dead-letters=on", "akka.a=x = [", "akka.c=s"],
            settings.Akka.Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Equal(9, settings.Dns.Ttl.TotalSeconds);
    }

    [Fact]
    public void Set_takes_them_with_their_root_and_wins_over_the_file()
    {
        var file = _files.Write("my.conf", "akka.cluster { gossip-interval = 1s, min-nr-of-members = 3 }");
        var result = Load.Everything(file, ["akka.cluster.gossip-interval=2s", "akka={ loglevel = INFO }"]);
        Assert.Equal(["2s", "3", "INFO"], Load.Valid(result).Akka.Values);
        Assert.Equal($"--set akka.cluster.seed-nodes: akka.cluster.seed-nodes: {Fixed}", Assert.Single(Load.RefusedSet("akka.cluster.seed-nodes=x")));
        Assert.Contains("meshdns.\"akka.cluster\": unknown key", Assert.Single(Load.RefusedSet("\"akka.cluster\".gossip-interval=2s")), StringComparison.Ordinal);
        Assert.Contains("meshdns.meshdns: unknown key", Assert.Single(Load.RefusedSet("meshdns.akka.loglevel=INFO")), StringComparison.Ordinal);
    }

    [Fact]
    public void Describe_shows_them_after_the_schema_where_they_were_said()
    {
        var file = _files.Write("my.conf", "akka.loglevel = INFO\nakka.a.db-password = hunter2\nakka.b.connection-string = hunter2");
        var lines = Load.Everything(file, ["akka.log-dead-letters=on"]).Describe().Split('\n');
        Assert.Equal(
            [$"akka.loglevel = INFO  # {file}:1:17", $"akka.a.db-password = \"***\"  # {file}:2:22", $"akka.b.connection-string = \"***\"  # {file}:3:28", "akka.log-dead-letters = on  # --set akka.log-dead-letters"],
            lines[SettingsSchema.All.Count..]);
        var refused = Load.Everything(_files.Write("bad.conf", "akka.persistence.journal.sql.connection-string = hunter2"), []);
        Assert.DoesNotContain("hunter2", $"{refused.Describe()}{string.Join('\n', refused.Errors)}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("akka {\n  cluster {\n    seed-nodes = [a]\n  }\n}", 3, 5, $"akka.cluster.seed-nodes: {Fixed}")]
    [InlineData("akka.actor.serializers = x", 1, 1, $"akka.actor.serializers: {Fixed}")]
    [InlineData("akka.actor = null", 1, 1, $"akka.actor: {Fixed}")]
    [InlineData("akka.cluster.seed-nodes.0 = x", 1, 1, $"akka.cluster.seed-nodes.0: {Fixed}")]
    [InlineData("akka.actor.\"provider\" = local", 1, 1, $"akka.actor.provider: {Fixed}")]
    [InlineData("akka { \"actor.provider\" = local }", 1, 8, "akka.\"actor.provider\": between its dots a key has only letters")]
    [InlineData("akka { \"actor.serializers\" { json = x } }", 1, 8, "akka.\"actor.serializers\": between its dots")]
    [InlineData("akka { \"\".loglevel = x }", 1, 8, "akka.\"\": between its dots")]
    [InlineData("akka { \"a = 1\\nb\" = x }", 1, 8, "akka.\"a = 1\\u000ab\": between its dots")]
    [InlineData("akka { aé = x }", 1, 8, "akka.\"aé\": between its dots")]
    [InlineData("\"akka.loglevel\" = x", 1, 1, "\"akka.loglevel\": unknown key")]
    [InlineData("akkas.loglevel = x", 1, 1, "akkas: unknown key")]
    [InlineData("mesh-lease.heartbeat-timeout = 1s", 1, 1, "mesh-lease: unknown key")]
    [InlineData("akka = on", 1, 8, "akka: is a section, akka { ... }, not text")]
    [InlineData("akka = null", 1, 8, "akka: is a section, akka { ... }, not null")]
    [InlineData("akka.extensions = []", 1, 1, $"akka.extensions: {Fixed}")]
    [InlineData("akka.loglevel = []", 1, 1, "akka.loglevel: must be text, a number, a switch or a duration; a list is not taken here")]
    [InlineData("akka.loglevel = null", 1, 1, "akka.loglevel: is null; leave the key out to get its default")]
    [InlineData("akka.loglevel = \"a\\nb\"", 1, 1, "akka.loglevel: its value has control characters")]
    [InlineData("akka.remote.dot-netty.tcp.port = 1", 1, 1, "akka.remote.dot-netty.tcp.port: it follows from cluster.listen in meshdns { }; set that")]
    [InlineData("akka.remote.dot-netty.tcp.ssl.suppress-validation = true", 1, 1, "akka.remote.dot-netty.tcp.ssl.suppress-validation: it follows from cluster.secret or cluster.tls")]
    [InlineData("akka.cluster.failure-detector = x", 1, 1, "akka.cluster.failure-detector: it follows from cluster.heartbeat")]
    public void Each_is_refused_where_its_key_stands(string text, int line, int column, string message)
    {
        var file = _files.Write("bad.conf", text);
        Assert.StartsWith($"{file}:{line}:{column}: {message}", Assert.Single(Load.Refused(Load.Everything(file, []))), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_fixed_key_is_refused_with_all_above_and_below_it()
    {
        foreach (var key in AkkaSettings.FixedKeys.Where(key => !key.Contains('"', StringComparison.Ordinal)))
        {
            foreach (var written in new[] { key, $"{key}.below", key[..key.LastIndexOf('.')] })
                Assert.Single(Load.RefusedSet($"{written}=x"));
        }
    }

    [Fact]
    public void A_key_that_follows_from_another_would_do_nothing()
    {
        foreach (var key in AkkaReader.DerivedKeys)
        {
            Assert.Contains("it follows from", Assert.Single(Load.RefusedSet($"{key}=x")), StringComparison.Ordinal);
            // Of those that are fixed too nothing could come.
            if (AkkaSettings.WhyNot(key, "x") is not null)
                continue;
            var config = AkkaSettings.Of(new RemoteAddress("127.0.0.1", 1, "h", 2, IsEncrypted: true), ["owner"], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5),
                new JournalPlugin("Data Source=a", "PostgreSQL", IsShared: true), new Dictionary<string, string> { [key] = "overridden" });
            Assert.DoesNotContain("overridden", config.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_is_taken_is_taken_by_Akka_as_it_was_written()
    {
        var settings = Load.Valid(Read("akka { cluster.gossip-interval = 3s, loglevel = \"\\\"}, x = [\" }"));
        var config = AkkaSettings.Of(new RemoteAddress("127.0.0.1", 0, null, null, IsEncrypted: false), ["owner"], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5),
            new JournalPlugin("Data Source=a", "SQLite.MS", IsShared: false), settings.Akka);
        Assert.Equal(TimeSpan.FromSeconds(3), config.GetTimeSpan("akka.cluster.gossip-interval"));
        Assert.Equal("\"}, x = [", config.GetString("akka.loglevel"));
    }

    [Fact]
    public void Any_text_is_cheap_to_refuse()
    {
        var many = string.Join('\n', Enumerable.Range(0, 50_000).Select(i => $"k{i}=1"));
        Assert.Equal(200, Load.Refused(Read($"akka {{\n{many}\n}}")).Length);
        var longKey = new string('k', 400_000);
        var error = Assert.Single(Load.Refused(Read($"akka.{longKey} {{\n{many}\n}}")));
        Assert.EndsWith("akka: a key has at most 256 characters", error, StringComparison.Ordinal);
        Assert.Contains("at most 256", Assert.Single(Load.Refused(Read($"akka{string.Concat(Enumerable.Repeat(".abcdef", 50))} = 1"))), StringComparison.Ordinal);
    }

    private SettingsResult Read(string text, params (string Name, string Value)[] environment) => Load.Everything(_files.Write("akka.conf", text), [], environment);
}
