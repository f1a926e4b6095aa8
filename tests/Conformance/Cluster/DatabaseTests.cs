using System.Diagnostics;
using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>The database goes away: for all, for a node that starts, for one node only.</summary>
public sealed class DatabaseTests(DatabaseTests.OwnServer fixture, ITestOutputHelper output) : IClassFixture<DatabaseTests.OwnServer>
{
    [Fact]
    public Task Names_are_answered_while_the_database_is_stopped_and_changes_resume_by_themselves() => WithTwoAsync(async (cluster, nodes) =>
    {
        var vips = await nodes[0].DeclareAsync(nodes, "known-1.test", "known-2.test");
        await using var client = SteadyClient.Alternating(vips, nodes);
        await cluster.Server.StopAsync();
        foreach (var node in nodes) await node.WaitForLogAsync("cannot read the log; answers go on from what is known");
        foreach (var node in nodes)
        {
            var begun = Stopwatch.GetTimestamp();
            var refused = (await node.SendAsync(HttpMethod.Post, "/v1/manifests", ClusterView.Manifests("later.test"))).Refused(HttpStatusCode.ServiceUnavailable);
            Assert.Contains("the database cannot be reached", (string?)refused["detail"]);
            Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(10), "a change that cannot be made is refused at once");
            Assert.Equal(HttpStatusCode.OK, (await node.GetAsync("/readyz")).Status);
        }
        await client.AskMoreAsync(100);
        await cluster.Server.RestartAsync();
        vips.Add("later.test", await nodes[1].DeclareUntilDoneAsync("later.test"));
        foreach (var node in nodes) await node.AnswersAsync("later.test", vips["later.test"]);
        Assert.Equal(3, vips.Values.Distinct().Count());
        await client.EndAsync();
    });

    [Fact]
    public Task A_node_that_starts_without_the_database_answers_what_it_saved() => WithTwoAsync(async (cluster, nodes) =>
    {
        var vips = await nodes[0].DeclareAsync(nodes, "saved.test");
        Assert.Equal(0, await nodes[1].StopAsync());
        await cluster.Server.StopAsync();
        var restarted = await cluster.StartUnreadyAsync("node-2");
        await restarted.AnswersAsync("saved.test", vips["saved.test"]);
        var refused = (await restarted.ApplyAsync(ClusterView.Manifests("later.test"))).Refused(HttpStatusCode.ServiceUnavailable);
        Assert.NotEqual("", (string?)refused["detail"]);
        await cluster.Server.RestartAsync();
        await restarted.WaitUntilReadyAsync();
        var vip = await restarted.DeclareUntilDoneAsync("later.test");
        await restarted.AnswersAsync("later.test", vip);
        await restarted.AnswersAsync("saved.test", vips["saved.test"]);
    });

    [Fact]
    public async Task A_node_that_is_cut_off_from_the_database_asks_who_knows_before_it_denies_a_name()
    {
        await using var cluster = await MeshCluster.MakeAsync(fixture.Server);
        try
        {
            // One shard, which stays where it first was placed.
            var whole = await cluster.StartAsync("node-1", "cluster.shards=1");
            await using var relay = new TcpRelay(fixture.Server.Port);
            var cut = await cluster.StartAsync("node-2", "cluster.shards=1", $"journal.connection-string={cluster.ConnectionString.Replace($"Port={fixture.Server.Port}", $"Port={relay.Port}")}");
            Assert.Equal(["node-1"], await MeshCluster.OwnersAsync(cut));
            var known = (await whole.DeclareAsync([cut], "known.mesh.internal"))["known.mesh.internal"];
            await relay.CutAsync();
            await cut.PollAsync(async () => await cut.MetricAsync("meshdns_directory_age_seconds") > 2, "its knowledge is old");
            // It hears of changes from the allocator's node, and makes them there.
            var declared = ClusterView.VipsOf(await cut.SendAsync(HttpMethod.Post, "/v1/manifests", ClusterView.Manifests("unheard.mesh.internal")))["unheard.mesh.internal"];
            await cut.AnswersAsync("known.mesh.internal", known);
            await cut.AnswersAsync("unheard.mesh.internal", declared);
            Assert.Equal("NXDOMAIN", (await cut.DigAsync("absent.mesh.internal A")).Status);

            // Nobody who could know is left: that is not a denial.
            Assert.Equal(0, await whole.StopAsync());
            Assert.Equal("SERVFAIL", (await cut.DigAsync("absent.mesh.internal A")).Status);
            await cut.AnswersAsync("known.mesh.internal", known);
            relay.Mend();
            await cut.SaysAsync("absent.mesh.internal", "NXDomain");
            await cut.AnswersAsync("unheard.mesh.internal", declared);
            await cluster.EndAsync();
        }
        finally { cluster.Tell(output); }
    }

    private async Task WithTwoAsync(Func<MeshCluster, NodeProcess[], Task> test)
    {
        await using var cluster = await MeshCluster.MakeAsync(fixture.Server);
        try
        {
            NodeProcess[] nodes = await Task.WhenAll(cluster.StartAsync("node-1"), cluster.StartAsync("node-2"));
            await cluster.SettledAsync(nodes[0], "node-1", "node-2");
            await test(cluster, nodes);
            await cluster.EndAsync();
        }
        finally { cluster.Tell(output); }
    }

    /// <summary>A PostgreSQL that these tests may stop.</summary>
    public sealed class OwnServer : IAsyncLifetime
    {
        internal PostgresServer Server { get; private set; } = null!;

        public async Task InitializeAsync() => Server = await PostgresServer.StartAsync();

        public async Task DisposeAsync() => await Server.DisposeAsync();
    }
}
