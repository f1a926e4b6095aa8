using System.Collections.Concurrent;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared;
using Npgsql;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>Three owners in one process, on real Akka and a real PostgreSQL.</summary>
public sealed class ThreeNodesTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_node_takes_changes_and_all_answer_them()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        await using var one = await NodeAsync("n1", database);
        await one.WhenReadyAsync();
        await using var two = await NodeAsync("n2", database);
        await using var three = await NodeAsync("n3", database);
        await two.WhenReadyAsync();
        await three.WhenReadyAsync();
        EngineNode[] nodes = [one, two, three];
        for (var i = 0; i < nodes.Length; i++)
        {
            var reply = await nodes[i].Mesh.Control.ChangeAsync(EngineNode.Put($"e{i}", $"h{i}.example"), TimeSpan.FromSeconds(10), default);
            Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
            Assert.Empty(await nodes[i].Mesh.Control.WaitForEdgesAsync(reply.Position, TimeSpan.FromSeconds(5), default));
            foreach (var node in nodes)
            {
                await node.EventuallyAsync(() => node.Names.Names == i + 1);
                Assert.NotNull((await node.Mesh.Control.GetHostAsync(HostName.Parse($"h{i}.example"), default))?.Vip);
            }
        }
        // Gossip tells a member of another one when it comes by, and a shard that moves just now has no place to tell.
        var cluster = await two.Mesh.Control.GetClusterAsync(default);
        for (var i = 0; i < 1200 && (cluster.Members.Count < 3 || cluster.Streams.Any(s => s.Owner.Length == 0)); i++)
        {
            await Task.Delay(25);
            cluster = await two.Mesh.Control.GetClusterAsync(default);
        }
        Assert.Equal(["n1", "n2", "n3"], cluster.Members.Select(m => m.Node));
        Assert.DoesNotContain(cluster.Streams, s => s.Owner.Length == 0);
    }

    [Fact]
    public async Task A_downed_node_comes_back_by_itself_and_another_allocates_meanwhile()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        await using var one = await NodeAsync("n1", database);
        await one.WhenReadyAsync();
        await using var two = await NodeAsync("n2", database);
        await two.WhenReadyAsync();
        one.Mesh.Engine.EndLife();
        var reply = await two.Mesh.Control.ChangeAsync(EngineNode.Put("e", "h.example"), TimeSpan.FromSeconds(20), default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        for (var i = 0; i < 1200 && (one.Mesh.Engine.Lives < 2 || one.Mesh.NotReady.Length > 0); i++) await Task.Delay(25);
        Assert.Empty(one.Mesh.NotReady);
        await one.EventuallyAsync(() => one.Names.Names == 1);
    }

    // Nobody can be a member while an incarnation of its name is one; a silent one is decided over after some seconds.
    [Fact]
    public async Task A_node_that_comes_back_does_not_wait_until_its_incarnation_before_is_decided_over()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        var said = new ConcurrentQueue<string>();
        Task<EngineNode> StartAsync(string name) => EngineNode.OnPostgresAsync(name, database, text =>
        {
            said.Enqueue(text);
            lock (output) output.WriteLine(text);
        });
        await using var one = await StartAsync("n1");
        await one.WhenReadyAsync();
        await using var two = await StartAsync("n2");
        await two.WhenReadyAsync();
        one.Mesh.Engine.EndLife();
        await one.EventuallyAsync(() => one.Mesh.Engine.Lives == 2);
        await one.WhenReadyAsync();
        Assert.Contains(said, text => text.Contains("n2 Information cluster: n1 has begun anew", StringComparison.Ordinal));
        Assert.Equal(1, two.Mesh.Engine.Lives);
        var reply = await one.Mesh.Control.ChangeAsync(EngineNode.Put("e", "h.example"), TimeSpan.FromSeconds(20), default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
    }

    [Fact]
    public async Task What_kept_the_allocator_of_a_node_from_serving_is_past_when_another_one_serves()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        await using var one = await NodeAsync("n1", database);
        await one.WhenReadyAsync();
        await using var two = await NodeAsync("n2", database);
        await two.WhenReadyAsync();
        Assert.True(two.Mesh.Memory.IsNew("the append of row 1 failed: the disk is full"));
        await two.EventuallyAsync(() => two.Mesh.Memory.Trouble is null);
        Assert.Empty(two.Mesh.NotWritable);
    }

    [Fact]
    public async Task A_node_over_which_others_have_decided_begins_anew_and_joins_them()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        await using var one = await NodeAsync("n1", database);
        await one.WhenReadyAsync();
        await using var two = await NodeAsync("n2", database);
        await two.WhenReadyAsync();
        await using (var source = NpgsqlDataSource.Create(database))
        await using (var command = source.CreateCommand("DELETE FROM meshdns.node WHERE name = 'n2'")) Assert.Equal(1, await command.ExecuteNonQueryAsync());
        for (var i = 0; i < 1200 && (two.Mesh.Engine.Lives < 2 || two.Mesh.NotReady.Length > 0); i++) await Task.Delay(25);
        Assert.Empty(two.Mesh.NotReady);
        Assert.Equal(2, two.Mesh.Engine.Lives);
        Assert.Equal(1, one.Mesh.Engine.Lives);
        var reply = await two.Mesh.Control.ChangeAsync(EngineNode.Put("e", "h.example"), TimeSpan.FromSeconds(20), default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
    }

    private Task<EngineNode> NodeAsync(string name, string database) => EngineNode.OnPostgresAsync(name, database, text => { lock (output) output.WriteLine(text); });
}
