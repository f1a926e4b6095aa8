using MeshDns.Actors.Cluster;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>What of Akka's configuration an operator may set, and what reaches Akka's parser.</summary>
public sealed class AkkaSettingsTests
{
    private static readonly JournalPlugin _plugin = new("Data Source=a;Options=-c x=a\\ b", "SQLite.MS", IsShared: false);

    [Fact]
    public void Our_values_stand_an_operators_win_and_quoting_keeps_them_whole()
    {
        var config = Of(new Dictionary<string, string> { ["akka.cluster.gossip-interval"] = "3s", ["akka.log-dead-letters"] = "\"}, x = [" });
        Assert.Equal(TimeSpan.FromSeconds(3), config.GetTimeSpan("akka.cluster.gossip-interval"));
        Assert.Equal("\"}, x = [", config.GetString("akka.log-dead-letters"));
        Assert.Equal("Data Source=a;Options=-c x=a\\ b", config.GetString("akka.persistence.journal.sql.connection-string"));
        Assert.Equal("off", config.GetString("akka.persistence.journal.sql.replay-filter.mode"));
        Assert.False(config.GetBoolean("akka.coordinated-shutdown.exit-clr"));
    }

    [Theory]
    [InlineData("akka.actor.serializers.json", "x", "fixed")]
    [InlineData("akka.persistence.journal.sql.replay-filter.mode", "fail", "fixed")]
    [InlineData("akka.actor.serializers", "x", "fixed")]
    [InlineData("akka.actor.serializers.other", "x", "fixed")]
    [InlineData("akka.persistence.journal.sql.default.journal.table-name", "x", "fixed")]
    [InlineData("akka.extensions", "x", "fixed")]
    [InlineData("other.key", "x", "no key")]
    [InlineData("akka.a b", "x", "no key")]
    [InlineData("akka.a = [", "x", "no key")]
    [InlineData("akka.cluster.gossip-interval", "1s\nakka.loggers = []", "control characters")]
    public void What_promises_rest_on_and_what_is_no_key_is_refused_with_a_sentence(string key, string value, string why) =>
        Assert.Contains(why, Assert.Throws<ArgumentException>(() => Of(new Dictionary<string, string> { [key] = value })).Message, StringComparison.Ordinal);

    [Fact]
    public void The_lease_is_over_before_the_next_leader_asks_for_it()
    {
        var config = AkkaSettings.Of(new RemoteAddress("127.0.0.1", 0, null, null, false), ["owner"], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), _plugin with { IsShared = true }, new Dictionary<string, string>());
        Assert.True(config.GetTimeSpan("mesh-lease.heartbeat-timeout") <
            config.GetTimeSpan("akka.cluster.failure-detector.acceptable-heartbeat-pause") + config.GetTimeSpan("akka.cluster.split-brain-resolver.stable-after"));
    }

    private static Akka.Configuration.Config Of(Dictionary<string, string> overrides) =>
        AkkaSettings.Of(new RemoteAddress("127.0.0.1", 0, null, null, false), ["owner"], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), _plugin, overrides);
}
