using MeshDns.Actors.Store;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>Owners that announce different versions on one database. <c>./test upgrade</c> does the first with two real builds.</summary>
public sealed class UpgradeTests(ITestOutputHelper output)
{
    private static readonly OwnerVersions _old = new(Speaks: 4, Understands: 3, Writes: 4, Reads: 5);
    private static readonly OwnerVersions _new = new(Speaks: 5, Understands: 4, Writes: 5, Reads: 6);
    private static readonly OwnerVersions _tooNew = new(Speaks: 6, Understands: 5, Writes: 5, Reads: 6);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(4, 3, 4, 5, null)]
    [InlineData(5, 4, 5, 6, null)]
    [InlineData(6, 5, 5, 6, "n speaks version 6 of what owners say and understands 5 and newer; this node speaks 4 and understands 3 and newer. Upgrade or go back by one release at a time")]
    [InlineData(2, 1, 4, 5, "n speaks version 2 of what owners say and understands 1 and newer; this node speaks 4 and understands 3 and newer. Upgrade or go back by one release at a time")]
    [InlineData(4, 4, 6, 7, "n writes rows of format 6 and reads up to 7; this node writes 4 and reads up to 5. Upgrade or go back by one release at a time")]
    [InlineData(4, 4, 3, 3, "n writes rows of format 3 and reads up to 3; this node writes 4 and reads up to 5. Upgrade or go back by one release at a time")]
    internal void Two_are_in_one_cluster_when_each_understands_the_other(int speaks, int understands, int writes, int reads, string? whyNot)
    {
        var other = new OwnerVersions(speaks, understands, writes, reads);
        Assert.Equal(whyNot, _old.WhyNot("n", other));
        Assert.Equal(whyNot is null, other.WhyNot("n", _old) is null);
        // Of two that do not fit exactly one goes.
        Assert.True(whyNot is null || _old.YieldsTo(other) != other.YieldsTo(_old));
    }

    [Fact]
    public async Task Owners_are_upgraded_one_at_a_time_while_changes_are_made_and_no_VIP_moves()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        var nodes = new EngineNode[3];
        for (var i = 0; i < nodes.Length; i++) nodes[i] = await ReadyAsync($"n{i}", database, _old);
        var vips = new Dictionary<string, int>();
        try
        {
            for (var i = 0; i < nodes.Length; i++)
            {
                // The one that goes takes no change; the others take one after the other.
                var (others, going) = (nodes.Where((_, n) => n != i).ToArray(), nodes[i]);
                using var stop = new CancellationTokenSource();
                var changes = ChangeAsync(others, vips, stop.Token);
                await going.DisposeAsync();
                nodes[i] = await ReadyAsync($"n{i}", database, _new);
                await stop.CancelAsync();
                await changes;
            }
            Assert.Equal("n0 5, n1 5, n2 5", await VersionsAsync(database));
            foreach (var node in nodes)
            {
                await node.EventuallyAsync(() => node.Names.Names == vips.Count);
                foreach (var (host, vip) in vips) Assert.Equal(vip, (await node.Mesh.Control.GetHostAsync(HostName.Parse(host), default))?.Vip?.Index);
            }
            Assert.Equal(vips.Count, vips.Values.Distinct().Count());
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_owner_that_cannot_work_with_the_others_owns_nothing_says_so_and_follows()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        var old = await ReadyAsync("old", database, _old);
        await using var stranger = await NodeAsync("stranger", database, _tooNew);
        await using (old)
        {
            await stranger.EventuallyAsync(() => stranger.Mesh.NotReady.Contains("old speaks version 4", StringComparison.Ordinal));
            Assert.Null(stranger.Mesh.Engine.Life);
            var refused = await stranger.Mesh.Control.ChangeAsync(EngineNode.Put("b", "b.example"), _patience, default);
            Assert.Equal(ChangeOutcome.Unavailable, refused.Outcome);
            Assert.Contains("old speaks version 4 of what owners say and understands 3 and newer; this node speaks 6 and understands 5 and newer", refused.Detail, StringComparison.Ordinal);
            var reply = await old.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), _patience, default);
            Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
            await stranger.EventuallyAsync(() => stranger.Names.Names == 1);
            Assert.Equal(["old"], (await old.Mesh.Control.GetClusterAsync(default)).Members.Select(m => m.Node));
        }
        // With nobody left whom it would misunderstand it is a member of its own accord.
        await stranger.WhenReadyAsync();
        Assert.Equal(ChangeOutcome.Applied, (await stranger.Mesh.Control.ChangeAsync(EngineNode.Put("b", "b.example"), _patience, default)).Outcome);
    }

    [Fact]
    public async Task Of_two_that_came_at_the_same_moment_the_newer_one_goes()
    {
        var server = await PostgresServer.Shared;
        var database = await server.CreateDatabaseAsync();
        await using var node = await ReadyAsync("new", database, _tooNew);
        var name = database.Split("Database=")[1];
        await server.ExecuteAsync("""
            INSERT INTO meshdns.node SELECT 'ghost', 'ghost', 'ghost', 'akka.tcp://mesh@127.0.0.1:9', '', formed_by, formed_at, seen_at + 3600000, 4, 3, 4, 5 FROM meshdns.node
            """, name);
        await node.EventuallyAsync(() => node.Mesh.NotReady.Contains("ghost speaks version 4", StringComparison.Ordinal));
        Assert.Null(node.Mesh.Engine.Life);
        await server.ExecuteAsync("DELETE FROM meshdns.node WHERE name = 'ghost'", name);
        await node.WhenReadyAsync();
    }

    [Fact]
    public async Task A_table_of_nodes_from_before_the_versions_gets_them_and_an_older_program_writes_it_still()
    {
        var server = await PostgresServer.Shared;
        var database = await server.CreateDatabaseAsync();
        var name = database.Split("Database=")[1];
        await using (await ReadyAsync("n", database, OwnerVersions.Current)) { }
        await server.ExecuteAsync("ALTER TABLE meshdns.node DROP COLUMN speaks, DROP COLUMN understands, DROP COLUMN writes, DROP COLUMN reads", name);
        await using var node = await ReadyAsync("n", database, OwnerVersions.Current);
        // As the commits before the column wrote.
        await server.ExecuteAsync("INSERT INTO meshdns.node AS n VALUES ('m', 'd', 'h', '', '', '', 0, 0)", name);
        Assert.Equal("m 1, n 1", await VersionsAsync(database));
    }

    private static async Task ChangeAsync(EngineNode[] nodes, Dictionary<string, int> vips, CancellationToken stop)
    {
        for (var i = 0; i < 3 || !stop.IsCancellationRequested; i++)
        {
            var (node, name) = (nodes[i % nodes.Length], $"h{vips.Count}");
            var reply = await node.Mesh.Control.ChangeAsync(EngineNode.Put(name, $"{name}.example"), _patience, default);
            Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
            vips.Add($"{name}.example", (await node.Mesh.Control.GetHostAsync(HostName.Parse($"{name}.example"), default))!.Vip!.Index);
        }
    }

    private static async Task<string> VersionsAsync(string database) =>
        (string)(await (await PostgresServer.Shared).ExecuteAsync("SELECT string_agg(name || ' ' || speaks, ', ' ORDER BY name) FROM meshdns.node", database.Split("Database=")[1]))!;

    private async Task<EngineNode> ReadyAsync(string name, string database, OwnerVersions versions)
    {
        var node = await NodeAsync(name, database, versions);
        await node.WhenReadyAsync();
        return node;
    }

    private Task<EngineNode> NodeAsync(string name, string database, OwnerVersions versions) =>
        EngineNode.OnPostgresAsync(name, database, text => { lock (output) output.WriteLine(text); }, versions: versions);
}
