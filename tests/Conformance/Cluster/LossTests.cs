using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>Nodes that leave: asked to, killed, or replaced one by one. Each test has a cluster of its own.</summary>
public sealed class LossTests(ITestOutputHelper output)
{
    [Fact]
    public Task A_drained_node_owns_nothing_and_still_answers() => WithThreeAsync(async (cluster, nodes) =>
    {
        var vip = (await nodes[0].DeclareAsync("drained.test"))["drained.test"];
        Assert.Contains("node-2 drains", (await nodes[0].CliAsync("drain node-2")).Done());
        Assert.DoesNotContain("node-2", await cluster.OwnersAsync());
        await nodes[0].PollAsync(async () => (string?)(await nodes[0].MemberAsync("node-2"))!["state"] == "draining" && (await cluster.OwnersAsync()).SequenceEqual(["node-1", "node-3"]), "the other two share the streams");
        Assert.Equal(0, (int)(await nodes[0].MemberAsync("node-2"))!["streams"]!);
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
        Assert.DoesNotContain($"node-{Array.IndexOf(nodes, leaving) + 1}", await cluster.OwnersAsync());
        Assert.Equal(2L, await cluster.Server.ExecuteAsync("SELECT count(*) FROM meshdns.member", cluster.Database));
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
        Assert.Contains(await AllocatorNameAsync(others[0]), await cluster.OwnersAsync());
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
            var edge = cluster.LaunchEdge("edge-1", await nodes[0].ClusterAddressAsync());
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
        });
    }

    [Fact]
    public Task All_nodes_are_restarted_one_by_one_and_no_query_fails() => WithThreeAsync(async (cluster, nodes) =>
    {
        var vips = await nodes[0].DeclareAsync(nodes, [.. Enumerable.Range(0, 10).Select(i => $"rolling-{i}.test")]);
        string[] ports = [.. nodes.Select(node => $"dns.listen={node.Dns}")];
        await using var careful = SteadyClient.Alternating(vips, nodes);
        await using var resolver = SteadyClient.Retrying(vips, nodes);
        for (var i = 0; i < nodes.Length; i++)
        {
            await careful.GoOverToAsync([.. nodes.Where((_, n) => n != i)]);
            Assert.Equal(0, await nodes[i].StopAsync());
            await resolver.AskMoreAsync(20);
            nodes[i] = await cluster.StartAsync($"node-{i + 1}", ports[i]);
            var added = await nodes[i].DeclareUntilDoneAsync($"after-{i}.test");
            foreach (var node in nodes) await node.AnswersAsync($"after-{i}.test", added);
        }
        await careful.GoOverToAsync(nodes);
        await careful.AskMoreAsync(30);
        await careful.EndAsync();
        await resolver.EndAsync();
        await cluster.SettledAsync(nodes[0], "node-1", "node-2", "node-3");
    });

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
