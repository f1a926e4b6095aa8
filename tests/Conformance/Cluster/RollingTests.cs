using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>
/// All nodes of a cluster are replaced one by one, and an edge last, while clients ask and changes are made. <c>./test upgrade COMMIT</c> begins with nodes of that commit (MESHDNS_OLDER names its program), replaces them
/// by this one's, and goes back; else all are of this one and it is done once.
/// </summary>
public sealed class RollingTests(ITestOutputHelper output)
{
    private const int Names = 10;

    private static string? Older => Environment.GetEnvironmentVariable("MESHDNS_OLDER") is { Length: > 0 } program ? program : null;

    [Fact]
    public async Task All_nodes_are_replaced_one_by_one_and_no_query_fails_and_no_VIP_moves()
    {
        var (cluster, nodes) = await MeshCluster.StartThreeAsync(program: Older);
        await using var _ = cluster;
        try
        {
            var vips = await nodes[0].DeclareAsync(nodes, [.. Enumerable.Range(0, Names).Select(i => $"rolling-{i}.test")]);
            var feeds = await Task.WhenAll(nodes.Select(node => node.FeedAddressAsync()));
            // Owners of the first commits on Akka forget the others while they leave, and strand an edge that was told of one only.
            string[] join = Older is null ? [] : [$"cluster.join=[{string.Join(", ", feeds.Select(feed => $"\"{feed}\""))}]"];
            var edge = cluster.LaunchEdge("edge-1", feeds[0], join);
            await edge.WaitUntilReadyAsync();
            await using (var careful = SteadyClient.Alternating(vips, [.. nodes, edge]))
            await using (var resolver = SteadyClient.Retrying(vips, nodes))
            {
                foreach (var program in Older is { } older ? (string[])[NodeProcess.Program, older] : [NodeProcess.Program])
                {
                    cluster.Program = program;
                    await ReplaceAllAsync(cluster, nodes, feeds, edge, careful, resolver, vips);
                    await careful.GoOverToAsync(nodes);
                    Assert.Equal(0, await edge.StopAsync());
                    edge = cluster.LaunchEdge("edge-1", feeds[0], [.. join, $"dns.listen={edge.Dns}"]);
                    await edge.WaitUntilReadyAsync();
                    await careful.GoOverToAsync([.. nodes, edge]);
                    await careful.AskMoreAsync(30);
                }
                await careful.EndAsync();
                await resolver.EndAsync();
            }
            // What was declared on the way, by whichever build, is where it was on every node.
            foreach (var node in nodes.Append(edge))
                foreach (var (host, vip) in vips) await node.AnswersAsync(host, vip);
            Assert.Equal(vips.Count, vips.Values.Distinct().Count());
            output.WriteLine($"{vips.Count - Names} names were declared while nodes were replaced");
            await cluster.SettledAsync(nodes[0], "node-1", "node-2", "node-3");
            await cluster.EndAsync();
        }
        finally { cluster.Tell(output); }
    }

    private static async Task ReplaceAllAsync(MeshCluster cluster, NodeProcess[] nodes, string[] feeds, NodeProcess edge, SteadyClient careful, SteadyClient resolver, Dictionary<string, string> vips)
    {
        for (var i = 0; i < nodes.Length; i++)
        {
            NodeProcess[] others = [.. nodes.Where((_, n) => n != i)];
            await careful.GoOverToAsync([.. others, edge]);
            using var stop = new CancellationTokenSource();
            var declared = DeclareAsync([.. others, edge], vips.Count, stop.Token);
            Assert.Equal(0, await nodes[i].StopAsync());
            await resolver.AskMoreAsync(20);
            nodes[i] = await cluster.StartAsync($"node-{i + 1}", $"dns.listen={nodes[i].Dns}", $"cluster.feed={feeds[i]}");
            await stop.CancelAsync();
            foreach (var (host, vip) in await declared) vips.Add(host, vip);
            var own = $"by-{vips.Count}.test";
            vips.Add(own, await nodes[i].DeclareUntilDoneAsync(own));
            foreach (var node in nodes) await node.AnswersAsync(own, vips[own]);
        }
    }

    // One name after the other, through each in turn; at least one through each.
    private static async Task<Dictionary<string, string>> DeclareAsync(NodeProcess[] nodes, int first, CancellationToken stop)
    {
        var declared = new Dictionary<string, string>();
        for (var i = 0; i < nodes.Length || !stop.IsCancellationRequested; i++)
        {
            var host = $"on-the-way-{first + i}.test";
            declared.Add(host, await nodes[i % nodes.Length].DeclareUntilDoneAsync(host));
        }
        return declared;
    }
}
