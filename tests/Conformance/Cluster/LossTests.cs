using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>Nodes that leave: asked to, or killed. Each test has a cluster of its own.</summary>
public sealed class LossTests(ITestOutputHelper output)
{
    [Fact]
    public Task A_drained_node_owns_nothing_and_still_answers() => WithThreeAsync(async (cluster, nodes) =>
    {
        var vip = (await nodes[0].DeclareAsync("drained.test"))["drained.test"];
        Assert.Contains("node-2 drains", (await nodes[0].CliAsync("drain node-2")).Done());
        Assert.DoesNotContain("node-2", await MeshCluster.OwnersAsync(nodes[0]));
        await cluster.SettledAsync(nodes[0], "node-1", "node-3");
        foreach (var node in nodes)
        {
            await node.PollAsync(async () => (string?)(await node.MemberAsync("node-2"))?["state"] == "draining", "it is seen to drain");
            Assert.Equal(0, (int)(await node.MemberAsync("node-2"))!["streams"]!);
        }
        Assert.DoesNotContain("node-2", (await nodes[2].CliAsync("get streams")).Done());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await nodes[1].GetAsync("/readyz")).Status);

        await nodes[1].AnswersAsync("drained.test", vip);
        var after = (await nodes[2].DeclareAsync("after.drained.test"))["after.drained.test"];
        await nodes[1].AnswersAsync("after.drained.test", after);
        var refused = (await nodes[1].ApplyAsync(ClusterView.Manifests("refused.test"))).Refused(HttpStatusCode.ServiceUnavailable);
        Assert.Contains("draining", (string?)refused["detail"]);
        (await nodes[0].CliAsync("drain node-9")).Failed(1, "there is no node node-9");
    });

    [Fact]
    public Task A_node_that_is_told_to_stop_hands_its_streams_over_first() => WithThreeAsync(async (cluster, nodes) =>
    {
        var vips = await nodes[0].DeclareAsync(nodes, "one.test", "two.test");
        var leaving = await AllocatorAsync(nodes);
        var others = nodes.Except([leaving]).ToArray();
        await using var client = SteadyClient.Alternating(vips, others);
        Assert.Equal(0, await leaving.StopAsync());
        // No row of it is left, so nobody waits for a lease to end.
        Assert.DoesNotContain($"node-{Array.IndexOf(nodes, leaving) + 1}", await MeshCluster.OwnersAsync(others[0]));
        Assert.Equal(2L, await cluster.Server.ExecuteAsync("SELECT count(*) FROM meshdns.node", cluster.Database));
        vips.Add("three.test", (await others[0].DeclareAsync("three.test"))["three.test"]);
        Assert.Equal(3, vips.Values.Distinct().Count());
        await client.EndAsync();
    });

    [Fact]
    public Task The_allocators_node_is_killed_and_no_VIP_is_given_twice() => WithThreeAsync(async (cluster, nodes) =>
    {
        var vips = await nodes[0].DeclareAsync(nodes, [.. Enumerable.Range(0, 20).Select(i => $"kept-{i}.test")]);
        var lost = await AllocatorAsync(nodes);
        var others = nodes.Except([lost]).ToArray();
        await using var client = SteadyClient.Alternating(vips, others);
        await client.AskMoreAsync(50);
        await lost.KillAsync();
        var added = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i => (Host: $"new-{i}.test", Vip: await others[i % 2].DeclareUntilDoneAsync($"new-{i}.test"))));
        Assert.DoesNotContain($"node-{Array.IndexOf(nodes, lost) + 1}", await MeshCluster.OwnersAsync(others[0]));
        await client.AskMoreAsync(50);
        await client.EndAsync();
        foreach (var (host, vip) in added) vips.Add(host, vip);
        Assert.Equal(vips.Count, vips.Values.Distinct().Count());
        foreach (var node in others)
        {
            Assert.Equal(vips.Select(v => $"{v.Key} {v.Value} leased").Order(StringComparer.Ordinal), (await node.VipsAsync()).Select(WithoutIPv6).Order(StringComparer.Ordinal));
            foreach (var (host, vip) in vips) await node.AnswersAsync(host, vip);
        }
    });

    [Fact]
    public async Task An_edge_without_a_database_takes_another_owner_when_its_own_goes()
    {
        await WithThreeAsync(async (cluster, nodes) =>
        {
            // It knows of node-1 only, and so reads from it until it hears of the others.
            var edge = cluster.LaunchEdge("edge-1", await nodes[0].FeedAddressAsync());
            await edge.WaitUntilReadyAsync();
            var vips = await nodes[1].DeclareAsync([edge], "before.test");
            await using var client = SteadyClient.Alternating(vips, edge);
            await nodes[0].KillAsync();
            vips = new() { ["after.test"] = await nodes[1].DeclareUntilDoneAsync("after.test") };
            await edge.AnswersAsync("after.test", vips["after.test"]);
            await client.EndAsync();
            // What reaches it reaches all: it is one of the edges that a change waits for again.
            await nodes[1].PollAsync(async () => await nodes[1].MemberAsync("edge-1") is not null && await nodes[1].MemberAsync("node-1") is null, "node-2 knows the edge, and node-1 no more");
            var vip = (await edge.DeclareAsync("through.edge.test"))["through.edge.test"];
            await edge.AnswersAsync("through.edge.test", vip);
            // Drained by one whom it may never have asked.
            Assert.Contains("edge-1 drains", (await nodes[2].CliAsync("drain edge-1")).Done());
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await edge.GetAsync("/readyz")).Status);
            await edge.AnswersAsync("through.edge.test", vip);
        });
    }

    private async Task WithThreeAsync(Func<MeshCluster, NodeProcess[], Task> test)
    {
        var (cluster, nodes) = await MeshCluster.StartThreeAsync();
        await using var _ = cluster;
        try
        {
            await test(cluster, nodes);
            await cluster.EndAsync();
        }
        finally { cluster.Tell(output); }
    }

    private static Task<string> AllocatorNameAsync(NodeProcess seenBy) => seenBy.OwnerOfAsync("vips");

    private static async Task<NodeProcess> AllocatorAsync(NodeProcess[] nodes) => nodes[int.Parse((await AllocatorNameAsync(nodes[0]))["node-".Length..]) - 1];

    private static string WithoutIPv6(string vip) => string.Join(' ', vip.Split(' ').Where((_, i) => i != 2));
}
