using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>Who may take part, and what the others hear.</summary>
public sealed class JoinTests(JoinTests.OneNode fixture, ITestOutputHelper output) : IClassFixture<JoinTests.OneNode>, IDisposable
{
    private const string SealMissing = "meshdns_cluster_rejected_total{reason=\"seal_missing\"}";
    private const string SealWrong = "meshdns_cluster_rejected_total{reason=\"seal_wrong\"}";

    private MeshCluster Cluster => fixture.Cluster;

    private NodeProcess Node => fixture.Node;

    [Theory]
    [InlineData("cluster.shards=16", "cluster.shards is '16' here and '64' in the journal")]
    [InlineData("vips.ipv4=240.241.0.0/16", "vips.ipv4 is '240.241.0.0/16' here and '240.240.0.0/16' in the journal")]
    [InlineData("vips.ipv6=2001:db8::/48", "vips.ipv6 is '2001:db8::/48' here and '2001:2::/48' in the journal")]
    [InlineData("mesh.zones=[other.internal]", "cluster.local,other.internal' here and")]
    public async Task A_node_with_other_settings_does_not_join_and_says_which(string setting, string reason)
    {
        var other = Cluster.Launch("other", setting);
        Assert.Equal(1, await other.WaitForExitAsync());
        Assert.Contains(reason, other.Log);
        await StillAloneAsync();
    }

    [Fact]
    public async Task A_node_that_speaks_another_protocol_does_not_join()
    {
        // No other build is at hand: a member that a later one would have written stands for it.
        await Cluster.Server.ExecuteAsync("INSERT INTO meshdns.member VALUES ('later', 'i', '127.0.0.1:1', '', '9.0.0', 9, '{}', meshdns.now_ms() + 600000)", Cluster.Database);
        try
        {
            var other = Cluster.Launch("other");
            Assert.Equal(1, await other.WaitForExitAsync());
            Assert.Contains("later speaks protocol 9, this node 1", other.Log);
        }
        finally { await Cluster.Server.ExecuteAsync("DELETE FROM meshdns.member WHERE node = 'later'", Cluster.Database); }
        await StillAloneAsync();
    }

    [Fact]
    public async Task A_second_node_of_a_live_members_name_waits_and_says_so()
    {
        var second = await Cluster.StartUnreadyAsync("node-1-again", "node.name=node-1");
        await second.WaitForLogAsync("the cluster cannot be joined, trying again: .*node-1.*is a live member");
        await StillAloneAsync();
        Assert.Equal(0, await second.StopAsync());
        await StillAloneAsync();
    }

    [Fact]
    public async Task Cluster_traffic_without_a_seal_is_refused_and_counted()
    {
        var before = await Node.MetricAsync(SealMissing) ?? 0;
        using var http = new HttpClient();
        foreach (var authorization in (string[])["", "Bearer " + MeshCluster.Secret])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{await Node.ClusterAddressAsync()}/cluster/v1/ask")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new StringContent("""{"kind":"drain.1"}"""),
            };
            if (authorization.Length > 0) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            using var response = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Empty(await response.Content.ReadAsStringAsync());
        }
        Assert.Equal(before + 2, await Node.MetricAsync(SealMissing));
        await StillAloneAsync();
    }

    [Fact]
    public async Task A_node_with_another_secret_gets_no_names_and_is_told_what_may_be_wrong()
    {
        var vip = (await Node.DeclareAsync("secret.mesh.internal"))["secret.mesh.internal"];
        var before = await Node.MetricAsync(SealWrong) ?? 0;
        var stranger = Cluster.LaunchEdge("stranger", await Node.ClusterAddressAsync(), "cluster.secret=another-secret-that-is-as-long");
        await stranger.WaitForLogAsync("cluster.secret differs");
        Assert.True(await Node.MetricAsync(SealWrong) > before);
        Assert.DoesNotContain("ready:", stranger.Log);
        await Node.AnswersAsync("secret.mesh.internal", vip);
        Assert.Equal(0, await stranger.StopAsync());
        Assert.Null(await Node.MemberAsync("stranger"));
        await StillAloneAsync();
    }

    public void Dispose() => Cluster.Tell(output);

    private async Task StillAloneAsync()
    {
        await Cluster.SettledAsync(Node, "node-1");
        Assert.Equal(["node-1"], await Cluster.OwnersAsync());
    }

    public sealed class OneNode : IAsyncLifetime
    {
        internal MeshCluster Cluster { get; private set; } = null!;

        internal NodeProcess Node { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            Cluster = await MeshCluster.MakeAsync();
            Node = await Cluster.StartAsync("node-1");
        }

        public async Task DisposeAsync()
        {
            await using var cluster = Cluster;
            await cluster.EndAsync();
        }
    }
}
