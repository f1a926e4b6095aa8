using System.Net;
using System.Text.Json.Nodes;
using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>While all is well it does not matter which node is asked.</summary>
public sealed class EveryNodeTests(SharedCluster shared, ITestOutputHelper output) : IClassFixture<SharedCluster>, IDisposable
{
    private const int Shards = 64;

    private IReadOnlyList<NodeProcess> Owners => shared.Owners;

    [Fact]
    public async Task What_one_node_was_told_all_answer_and_what_another_withdrew_none()
    {
        var vip = (await Owners[0].DeclareAsync("told.mesh.internal"))["told.mesh.internal"];
        foreach (var node in shared.All)
        {
            await node.AnswersAsync("told.mesh.internal", vip);
            Assert.Equal([vip], await node.AddressesAsync("told.mesh.internal"));
        }
        await Owners[1].WithdrawAsync("told.mesh.internal");
        foreach (var node in shared.All) await node.SaysAsync("told.mesh.internal", "NXDomain");
    }

    [Fact]
    public async Task A_node_carries_out_a_change_of_streams_that_others_own()
    {
        foreach (var node in shared.All)
        {
            // A host whose stream another node owns, and whose VIP comes from the allocator, wherever that is.
            var i = 0;
            var name = (string?)(await node.GetAsync("/v1/cluster")).Done["node"];
            string host;
            do host = $"routed-{i++}.{name}.test"; while (await node.OwnerOfAsync(StreamOf(host)) == name);
            var vip = (await node.DeclareAsync(host))[host];
            foreach (var other in shared.All) await other.AnswersAsync(host, vip);
            foreach (var other in Owners) Assert.Equal(await node.OwnerOfAsync(StreamOf(host)), (string?)(await other.GetAsync($"/v1/hosts/{host}")).Done["owner"]);
        }
    }

    [Fact]
    public async Task A_change_that_is_sent_to_another_node_again_is_not_made_again()
    {
        var manifest = ClusterView.Manifests("again.test");
        var first = (await Owners[0].SendAsync(HttpMethod.Post, "/v1/manifests", manifest, ("Idempotency-Key", "again-1"))).Done;
        Assert.Equal("created", (string?)first["results"]![0]!["action"]);
        var events = await shared.Cluster.EventsAsync();
        foreach (var node in shared.All)
        {
            var repeated = (await node.SendAsync(HttpMethod.Post, "/v1/manifests", manifest, ("Idempotency-Key", "again-1"))).Done;
            Assert.True(JsonNode.DeepEquals(first, repeated), $"{repeated} instead of {first}");
        }
        Assert.Equal(events, await shared.Cluster.EventsAsync());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await Owners[2].SendAsync(HttpMethod.Post, "/v1/manifests", ClusterView.Manifests("other.test"), ("Idempotency-Key", "again-1"))).Status);
    }

    [Fact]
    public async Task A_change_across_all_owners_happens_whole_or_not_at_all()
    {
        string[] hosts = [.. Enumerable.Range(0, 40).Select(i => $"whole-{i}.test")];
        var owners = new HashSet<string>();
        foreach (var host in hosts) owners.Add(await Owners[0].OwnerOfAsync(StreamOf(host)));
        Assert.Equal(3, owners.Count);
        // The allocator is asked last, when every shard has agreed: with its whole range taken away it must refuse, and then nothing has happened.
        var nothingLeft = Manifest.Fixed("lower-half", "lower-half.test", "240.240.0.0/17") + Manifest.Fixed("upper-half", "upper-half.test", "240.240.128.0/17");
        var events = await shared.Cluster.EventsAsync();
        (await Owners[2].ApplyAsync(ClusterView.Manifests(hosts) + nothingLeft)).Refused(HttpStatusCode.Conflict);
        Assert.Equal(events, await shared.Cluster.EventsAsync());
        Assert.Equal(HttpStatusCode.NotFound, (await Owners[1].GetAsync($"/v1/hosts/{hosts[0]}")).Status);

        var vips = await Owners[2].DeclareAsync(hosts);
        Assert.Equal(hosts.Length, vips.Values.Distinct().Count());
        foreach (var node in shared.All)
            foreach (var host in hosts) await node.AnswersAsync(host, vips[host]);
    }

    [Fact]
    public async Task The_cluster_is_seen_alike_from_every_node()
    {
        await Owners[0].DeclareAsync("seen.test");
        foreach (var node in shared.All)
        {
            await node.PollAsync(async () => (int?)(await node.MemberAsync("edge-1"))?["directory"]?["names"] > 0, "the edge has said how much it knows");
            var view = (await node.GetAsync("/v1/cluster")).Done;
            Assert.Equal(["edge-1 edge up", "node-1 owner,edge up", "node-2 owner,edge up", "node-3 owner,edge up"],
                view["members"]!.AsArray().Select(m => $"{m!["node"]} {string.Join(',', m["roles"]!.AsArray())} {m["state"]}"));
            Assert.All(view["members"]!.AsArray(), m => Assert.NotEqual("", (string?)m!["version"]));
            // What members say of themselves comes with their heartbeats.
            await node.PollAsync(async () =>
            {
                var directories = (await node.GetAsync("/v1/cluster")).Done["members"]!.AsArray().Select(m => m!["directory"]!).ToArray();
                return directories.Select(d => (int)d["names"]!).Distinct().ToArray() is [> 0] && directories.All(d => (long)d["lagEvents"]! == 0 && (double)d["ageSeconds"]! < 5);
            }, "all members have read everything");
            var streams = view["streams"]!.AsArray();
            Assert.Equal(Streams.All(Shards), streams.Select(s => (string)s!["stream"]!));
            Assert.All(streams, s => Assert.True((long)s!["epoch"]! > 0 && ((string)s["owner"]!).StartsWith("node-", StringComparison.Ordinal)));
            Assert.Equal(view["members"]!.AsArray().ToDictionary(m => (string)m!["node"]!, m => (int)m!["streams"]!).Where(m => m.Value > 0), streams.CountBy(s => (string)s!["owner"]!).OrderBy(o => o.Key));
        }
    }

    [Fact]
    public async Task The_verbs_show_nodes_and_streams()
    {
        var nodes = (await Owners[1].CliAsync("get nodes")).Done();
        foreach (var name in (string[])["node-1", "node-2", "node-3", "edge-1"]) Assert.Contains(name, nodes);
        Assert.Contains("AGE", nodes);
        var streams = (await Owners[1].CliAsync("get streams")).Done();
        Assert.Equal(Shards + 1, streams.Split('\n').Count(line => line.Contains(" node-")));
        var vips = JsonNode.Parse((await Owners[1].CliAsync("get streams vips -o json")).Done())!;
        Assert.Equal(await Owners[0].OwnerOfAsync("vips"), (string?)vips["owner"]);
    }

    [Fact]
    public async Task An_edge_takes_every_call_of_the_API()
    {
        var edge = shared.Edge;
        var applied = (await edge.SendAsync(HttpMethod.Post, "/v1/manifests?wait=edges", ClusterView.Manifests("asked.mesh.internal"))).Done;
        Assert.True((bool)applied["edges"]!["waited"]!);
        Assert.Empty(applied["edges"]!["missing"]!.AsArray());
        var vip = (await edge.GetAsync("/v1/hosts/asked.mesh.internal")).Done["vip"]!;
        foreach (var path in (string[])["/v1/hosts/asked.mesh.internal", $"/v1/vips/{vip["ipv4"]}", "/v1/service-entries/default/asked-mesh-internal", "/v1/hosts?q=asked.mesh", "/v1/service-entries?q=asked-mesh", "/v1/vips?q=asked.mesh"])
            Assert.True(JsonNode.DeepEquals((await Owners[2].GetAsync(path)).Done, (await edge.GetAsync(path)).Done), path);
        await edge.AnswersAsync("asked.mesh.internal", (string)vip["ipv4"]!);
        Assert.Contains((string)vip["ipv4"]!, (await edge.CliAsync("explain asked.mesh.internal")).Done());
        (await edge.CliAsync("drain node-9")).Failed(1, "there is no node node-9");
        await edge.WithdrawAsync("asked.mesh.internal");
        await edge.SaysAsync("asked.mesh.internal", "NXDomain");
        Assert.Equal(HttpStatusCode.NotFound, (await edge.GetAsync("/v1/hosts/asked.mesh.internal")).Status);
    }

    public void Dispose() => shared.Cluster.Tell(output);

    private static string StreamOf(string host) => Streams.Shard(Streams.ShardOf(HostName.Parse(host), Shards), Shards);
}
