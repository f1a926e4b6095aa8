using System.Net;
using Xunit.Abstractions;

namespace MeshDns.Compose;

/// <summary>The compose file and the image of this repository, as docs/cluster.md tells people to run them.</summary>
public sealed class ComposeTests(ComposeCluster cluster, ITestOutputHelper output) : IClassFixture<ComposeCluster>, IDisposable
{
    // A node that is gone is noticed after its lease of 5 s; the rest is for a busy machine.
    private static readonly TimeSpan _settled = TimeSpan.FromSeconds(90);

    [DockerFact]
    public async Task Each_node_answers_what_was_declared_on_one()
    {
        var vip = await cluster.DeclareAsync(cluster.Nodes[0], "declared.example.com");
        Assert.StartsWith("240.240.", vip, StringComparison.Ordinal);
        foreach (var node in cluster.Nodes)
        {
            Assert.Equal(vip, await ComposeCluster.DigAsync(node, "declared.example.com"));
            Assert.Equal(vip, await ComposeCluster.DigAsync(node, "declared.example.com", tcp: true));
        }
        Assert.NotEqual(vip, await cluster.DeclareAsync(cluster.Nodes[1], "other.example.com"));
        await ThreeMembersAsync(cluster.Nodes[2]);
    }

    [DockerFact]
    public async Task An_edge_without_a_database_answers_takes_changes_and_follows()
    {
        var (edge, node) = (cluster.Edge, cluster.Nodes[1]);
        var vip = await cluster.DeclareAsync(node, "for-the-edge.example.com");
        await EdgeAnswersAsync("for-the-edge.example.com", vip);
        var own = await cluster.DeclareAsync(edge, "by-the-edge.example.com");
        Assert.Equal(own, await ComposeCluster.DigAsync(node, "by-the-edge.example.com"));
        await EdgeAnswersAsync("by-the-edge.example.com", own);
        var (status, text) = await cluster.SendAsync(edge, HttpMethod.Delete, "/v1/service-entries/default/for-the-edge");
        Assert.True(status == HttpStatusCode.OK, $"{status}: {text}");
        await EdgeAnswersAsync("for-the-edge.example.com", "");
        Assert.Contains(edge.Container[..12], (await Docker.RunAsync("exec", node.Container, "meshdns", "get", "nodes")).Output, StringComparison.Ordinal);
        var environment = (await Docker.RunAsync("exec", edge.Container, "env")).Output;
        Assert.Contains("MESHDNS_CLUSTER_SECRET=", environment, StringComparison.Ordinal);
        Assert.DoesNotContain("password", environment, StringComparison.OrdinalIgnoreCase);
    }

    [DockerFact]
    public async Task A_restarted_node_answers_the_same_address_and_its_edge_reads_from_another_meanwhile()
    {
        var node = await cluster.OwnerOfEdgeAsync();
        var other = cluster.Nodes.First(n => n != node);
        var vip = await cluster.DeclareAsync(node, "restarted.example.com");
        await EdgeAnswersAsync("restarted.example.com", vip);
        await cluster.ComposeAsync("stop", node.Service);
        Assert.Equal(vip, await ComposeCluster.DigAsync(cluster.Edge, "restarted.example.com"));
        Assert.Equal(vip, await ComposeCluster.DigAsync(other, "restarted.example.com"));
        await EdgeAnswersAsync("meanwhile-for-the-edge.example.com", await cluster.DeclareAsync(other, "meanwhile-for-the-edge.example.com"));
        await cluster.ComposeAsync("start", node.Service);
        await cluster.HealthyAsync(node);
        Assert.Equal(vip, await ComposeCluster.DigAsync(node, "restarted.example.com"));
        Assert.Equal(vip, await cluster.VipAsync(node, "restarted.example.com"));
        await ThreeMembersAsync(other);
    }

    [DockerFact]
    public async Task A_node_that_was_cut_off_keeps_answering_and_catches_up()
    {
        var (cut, other) = (cluster.Nodes[2], cluster.Nodes[0]);
        var before = await cluster.DeclareAsync(cut, "before.example.com");
        await Docker.RunAsync("network", "disconnect", ComposeCluster.Network, cut.Container);

        // Its ports went with the network, so it is asked from inside.
        var explained = await Docker.RunAsync("exec", cut.Container, "meshdns", "explain", "before.example.com");
        Assert.Contains(before, explained.Output, StringComparison.Ordinal);
        await cluster.EventuallyAsync("the others take a declaration", _settled, async () => (await cluster.TryDeclareAsync(other, "meanwhile.example.com")).Status is HttpStatusCode.OK or HttpStatusCode.Created);
        var meanwhile = await cluster.VipAsync(other, "meanwhile.example.com");
        Assert.Equal(before, await ComposeCluster.DigAsync(other, "before.example.com"));

        await Docker.RunAsync("network", "connect", "--alias", cut.Service, ComposeCluster.Network, cut.Container);
        await cluster.HealthyAsync(cut);
        await cluster.EventuallyAsync("it has caught up", _settled, async () => await ComposeCluster.DigAsync(cut, "meanwhile.example.com") == meanwhile);
        Assert.Equal(before, await ComposeCluster.DigAsync(cut, "before.example.com"));
        await ThreeMembersAsync(other);
    }

    [DockerFact]
    public async Task It_grows_to_five_nodes_and_back_to_three()
    {
        var vip = await cluster.DeclareAsync(cluster.Nodes[0], "grown.example.com");
        await cluster.ComposeAsync("up", "-d", "--no-recreate", "--scale", "node=2");
        var containers = await cluster.ContainersAsync("node");
        Assert.Equal(2, containers.Length);
        foreach (var container in containers)
        {
            var node = await ComposeCluster.ScaledAsync("node", container);
            await cluster.HealthyAsync(node);
            Assert.Equal(vip, await ComposeCluster.DigAsync(node, "grown.example.com"));
            var own = await cluster.DeclareAsync(node, $"on-{container[..12]}.example.com");
            Assert.Equal(own, await ComposeCluster.DigAsync(cluster.Nodes[2], $"on-{container[..12]}.example.com"));
        }
        await MembersAsync(cluster.Nodes[1], ["node-1", "node-2", "node-3", .. containers.Select(id => id[..12])]);

        await cluster.ComposeAsync("up", "-d", "--no-recreate", "--scale", "node=0");
        await ThreeMembersAsync(cluster.Nodes[1]);
        Assert.Equal(vip, await ComposeCluster.DigAsync(cluster.Nodes[1], "grown.example.com"));
    }

    [DockerFact]
    public async Task A_node_runs_without_privileges()
    {
        foreach (var container in (string[])[cluster.Nodes[0].Container, cluster.Edge.Container])
        {
            var status = (await Docker.RunAsync("exec", container, "cat", "/proc/1/status")).Output.Split('\n');
            Assert.DoesNotContain(status, line => line.StartsWith("Uid:\t0", StringComparison.Ordinal));
            Assert.Contains("CapEff:\t0000000000000000", status);
            Assert.Contains("CapBnd:\t0000000000000000", status);
            Assert.Contains("NoNewPrivs:\t1", status);
            var write = await Docker.TryAsync(TimeSpan.FromMinutes(1), ["docker", "exec", container, "touch", "/opt/meshdns/new"]);
            Assert.NotEqual(0, write.ExitCode);
        }
    }

    [DockerFact]
    public async Task The_API_asks_for_the_token_that_compose_was_given()
    {
        using var http = new HttpClient();
        using var reply = await http.GetAsync($"http://127.0.0.1:{cluster.Nodes[0].AdminPort}/v1/cluster");
        Assert.Equal(HttpStatusCode.Unauthorized, reply.StatusCode);
        Assert.Contains("node-2", (await Docker.RunAsync("exec", cluster.Nodes[0].Container, "meshdns", "get", "nodes")).Output, StringComparison.Ordinal);
    }

    [DockerFact]
    public async Task A_secret_that_is_missing_is_named()
    {
        var all = new Dictionary<string, string> { ["POSTGRES_PASSWORD"] = "p", ["MESHDNS_CLUSTER_SECRET"] = "s", ["MESHDNS_ADMIN_TOKEN"] = "t" };
        foreach (var missing in all.Keys)
        {
            // An empty value, so that a .env file of this folder does not fill it in.
            var run = await Docker.TryAsync(TimeSpan.FromMinutes(1), [.. Docker.Compose, "config"], new Dictionary<string, string>(all) { [missing] = "" });
            Assert.NotEqual(0, run.ExitCode);
            Assert.Contains($"{missing} is not set, see .env.example", run.Error, StringComparison.Ordinal);
        }
    }

    public void Dispose() => output.WriteLine(cluster.Log);

    private Task EdgeAnswersAsync(string host, string vip) =>
        cluster.EventuallyAsync($"the edge answers {host}", _settled, async () => await ComposeCluster.DigAsync(cluster.Edge, host) == vip);

    private Task ThreeMembersAsync(ComposeNode node) => MembersAsync(node, ["node-1", "node-2", "node-3"]);

    private async Task MembersAsync(ComposeNode node, string[] expected) => await cluster.EventuallyAsync($"the members are {string.Join(", ", expected)}", _settled, async () =>
        (await cluster.MembersAsync(node)).SequenceEqual(expected.Order(StringComparer.Ordinal)));
}
