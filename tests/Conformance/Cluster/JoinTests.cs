using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.RegularExpressions;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>Who may take part, and what the others hear.</summary>
public sealed class JoinTests(JoinTests.OneNode fixture, ITestOutputHelper output) : IClassFixture<JoinTests.OneNode>, IDisposable
{
    private MeshCluster Cluster => fixture.Cluster;

    private NodeProcess Node => fixture.Node;

    [Theory]
    [InlineData("cluster.shards=16", "cluster.shards is '16' here and '64' in the journal")]
    [InlineData("vips.ipv4=240.241.0.0/16", "vips.ipv4 is '240.241.0.0/16' here and '240.240.0.0/16' in the journal")]
    [InlineData("vips.ipv6=2001:db8::/48", "vips.ipv6 is '2001:db8::/48' here and '2001:2::/48' in the journal")]
    public async Task A_node_with_other_settings_does_not_join_says_which_and_answers_on(string setting, string reason)
    {
        var other = await Cluster.StartUnreadyAsync("other", setting);
        await RefusesAsync(other, "the journal was created with other settings, which cannot change afterwards: ", reason);
        Assert.Equal(0, await other.StopAsync());
        await StillAloneAsync();
    }

    [Fact]
    public async Task A_node_does_not_touch_a_log_of_another_version_and_says_so()
    {
        await using var cluster = await MeshCluster.MakeAsync();
        var node = await cluster.StartAsync("node-1");
        var vip = (await node.DeclareAsync("version.test"))["version.test"];
        Assert.Equal(0, await node.StopAsync());
        await cluster.Server.ExecuteAsync("UPDATE meshdns.cluster SET version = 9", cluster.Database);
        var rows = await cluster.EventsAsync();
        var other = await cluster.StartUnreadyAsync("node-1");
        await RefusesAsync(other, "the log's tables have version 9; this program knows 1");
        await other.AnswersAsync("version.test", vip);
        Assert.Equal(rows, await cluster.EventsAsync());
        await cluster.Server.ExecuteAsync("UPDATE meshdns.cluster SET version = 1", cluster.Database);
        await other.WaitUntilReadyAsync();
        await cluster.EndAsync();
    }

    [Fact]
    public async Task A_node_that_would_misunderstand_a_living_owner_owns_nothing_says_so_and_answers_on()
    {
        await using var cluster = await MeshCluster.MakeAsync();
        var node = await cluster.StartAsync("node-1");
        var vip = (await node.DeclareAsync("versions.test"))["versions.test"];
        Assert.Equal(0, await node.StopAsync());
        // As an owner of a version far ahead would stand there.
        await cluster.Server.ExecuteAsync("INSERT INTO meshdns.node VALUES ('ahead', 'd', 'i', 'akka.tcp://mesh@127.0.0.1:9', '', 'f', 1, 99999999999999, 9, 8, 9, 9)", cluster.Database);
        var other = await cluster.StartUnreadyAsync("node-1");
        const string Why = "ahead speaks version 9 of what owners say and understands 8 and newer; this node speaks 1 and understands 1 and newer. Upgrade or go back by one release at a time";
        await other.WaitForLogAsync("this node cannot be in its cluster now; it tries again: " + Why);
        await other.AnswersAsync("versions.test", vip);
        Assert.Contains(Why, (string?)(await other.ApplyAsync(ClusterView.Manifests("refused.test"))).Refused(HttpStatusCode.ServiceUnavailable)["detail"]);
        await cluster.Server.ExecuteAsync("DELETE FROM meshdns.node WHERE name = 'ahead'", cluster.Database);
        await other.WaitUntilReadyAsync();
        await other.AnswersAsync("versions.test", vip);
        await cluster.EndAsync();
    }

    [Fact]
    public async Task A_second_node_of_a_live_members_name_waits_and_says_so()
    {
        var second = await Cluster.StartUnreadyAsync("node-1-again", "node.name=node-1");
        await second.WaitForLogAsync("a living node has the name node-1: give this one another node.name");
        await StillAloneAsync();
        Assert.Equal(0, await second.StopAsync());
        await StillAloneAsync();
    }

    [Theory]
    [InlineData("http", "handshake")]
    [InlineData("https", "certificate")]
    public async Task Who_shows_no_certificate_at_the_feed_is_refused_and_counted(string scheme, string reason)
    {
        var address = await Node.FeedAddressAsync();
        var before = await RejectedAsync(reason);
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
        using var http = new HttpClient(handler);
        foreach (var authorization in (string[])["", "Bearer " + MeshCluster.Secret])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{scheme}://{address}/cluster/v1/ask")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new StringContent("""{"kind":"drain.1"}"""),
            };
            if (authorization.Length > 0) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            await Assert.ThrowsAsync<HttpRequestException>(() => http.SendAsync(request));
        }
        await Node.PollAsync(async () => await RejectedAsync(reason) == before + 2, "both are counted");
        await StillAloneAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_shows_no_certificate_to_the_actor_system_gets_nothing(bool encrypted)
    {
        var vip = (await Node.DeclareAsync("stranger.mesh.internal"))["stranger.mesh.internal"];
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(await Node.ClusterAddressAsync()));
        var heard = await HearAsync(client.GetStream(), encrypted);
        // In plain text TLS may say that this is not TLS, and no more.
        Assert.True(heard <= (encrypted ? 0 : 7), $"{heard} bytes");
        await Node.AnswersAsync("stranger.mesh.internal", vip);
        await Node.WithdrawAsync("stranger.mesh.internal");
        await StillAloneAsync();
    }

    [Fact]
    public async Task A_node_with_another_secret_gets_no_names_and_is_told_what_may_be_wrong()
    {
        var vip = (await Node.DeclareAsync("secret.mesh.internal"))["secret.mesh.internal"];
        var before = await RejectedAsync("certificate");
        var stranger = Cluster.LaunchEdge("stranger", await Node.FeedAddressAsync(), "cluster.secret=another-secret-that-is-as-long");
        await stranger.WaitForLogAsync("cluster.secret differs");
        await Node.PollAsync(async () => await RejectedAsync("certificate") > before, "it is counted");
        Assert.DoesNotContain("ready:", stranger.Log);
        await Node.AnswersAsync("secret.mesh.internal", vip);
        Assert.Equal(0, await stranger.StopAsync());
        Assert.Null(await Node.MemberAsync("stranger"));
        await StillAloneAsync();
    }

    public void Dispose() => Cluster.Tell(output);

    private async Task<double> RejectedAsync(string reason) => await Node.MetricAsync($"meshdns_cluster_rejected_total{{reason=\"{reason}\"}}") ?? 0;

    private async Task StillAloneAsync()
    {
        await Cluster.SettledAsync(Node, "node-1");
        Assert.Equal(["node-1"], await MeshCluster.OwnersAsync(Node));
    }

    // It says why, once; queries are answered, changes are refused for that reason.
    private static async Task RefusesAsync(NodeProcess node, params string[] reasons)
    {
        await node.WaitForLogAsync("crit: .*the journal cannot be opened, trying again: " + string.Join(".*", reasons.Select(Regex.Escape)));
        await node.AskAsync("anything.cluster.local");
        var refused = (await node.ApplyAsync(ClusterView.Manifests("refused.test"))).Refused(HttpStatusCode.ServiceUnavailable);
        Assert.All(reasons, reason => Assert.Contains(reason, (string?)refused["detail"]));
        Assert.Equal(2, node.Log.Split("the journal cannot be opened").Length);
    }

    // How many bytes a stranger gets who says something, until it is hung up on.
    private static async Task<int> HearAsync(Stream stream, bool encrypted)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var heard = 0;
        try
        {
            if (encrypted)
            {
                var tls = new SslStream(stream, false, (_, shown, _, _) => shown is not null);
                stream = tls;
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "meshdns" }, deadline.Token);
            }
            await stream.WriteAsync(new byte[64], deadline.Token);
            var buffer = new byte[4096];
            for (int read; (read = await stream.ReadAsync(buffer, deadline.Token)) > 0;) heard += read;
        }
        catch (Exception e) when (e is IOException or AuthenticationException) { }
        return heard;
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
