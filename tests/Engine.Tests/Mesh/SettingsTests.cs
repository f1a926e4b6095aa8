using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>What all nodes share, on real Akka: whose word counts, and who hears of a change.</summary>
public sealed class SettingsTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("meshdns-settings").FullName;

    private string Journal => Path.Combine(_folder, "journal.db");

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_change_by_one_owner_is_seen_by_the_others_and_one_that_is_configured_otherwise_takes_it()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        await using var one = await OwnerAsync("n1", database);
        await one.WhenReadyAsync();
        await using (var two = await OwnerAsync("n2", database, o => o with { Quarantine = TimeSpan.FromHours(1), MaxTtl = TimeSpan.FromSeconds(10), Zones = new MeshZones([HostName.Parse("other.internal")]) }))
        {
            await two.WhenReadyAsync();
            Assert.Equal((86_400_000, 30_000), Times(await two.Mesh.Control.GetSettingsAsync(default)));
            var reply = await two.Mesh.Control.ChangeAsync(Of(new SettingsChange { QuarantineMs = 7_200_000, LargestTtlMs = 60_000, Zones = ["put.internal"] }), _deadline, default);
            Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
            Assert.Equal((7_200_000, 60_000), Times(reply.Settings!));
            Assert.Empty(await two.Mesh.Control.WaitForEdgesAsync(reply.Position, TimeSpan.FromSeconds(10), default));
            foreach (var node in (EngineNode[])[one, two])
            {
                Assert.Equal(reply.Settings!.Shared.Tag, (await node.Mesh.Control.GetSettingsAsync(default)).Shared.Tag);
                Assert.Equal(reply.Settings.Shared.Tag, node.Names.Shared!.Tag);
                Assert.True(node.Names.Zones.Contains(HostName.Parse("x.put.internal").ToWire()));
                Assert.False(node.Names.Zones.Contains(HostName.Parse("x.other.internal").ToWire()));
            }
        }
        await using var again = await OwnerAsync("n2", database, o => o with { Quarantine = TimeSpan.FromHours(5) });
        await again.WhenReadyAsync();
        one.Mesh.Engine.EndLife();
        var next = await again.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), _deadline, default);
        Assert.True(next.Outcome == ChangeOutcome.Applied, next.Detail);
        Assert.Equal((7_200_000, 60_000), Times(await again.Mesh.Control.GetSettingsAsync(default)));
    }

    [Fact]
    public async Task A_node_alone_writes_what_it_is_configured_with_at_each_start()
    {
        await using (var node = await AloneAsync())
        {
            var reply = await node.Mesh.Control.ChangeAsync(Of(new SettingsChange { QuarantineMs = 172_800_000 }), _deadline, default);
            Assert.Contains("at its next start", Assert.Single(reply.Warnings!), StringComparison.Ordinal);
            Assert.Equal((172_800_000, 30_000), Times(await node.Mesh.Control.GetSettingsAsync(default)));
        }
        await using (var same = await AloneAsync()) Assert.Equal((86_400_000, 30_000), Times(await same.Mesh.Control.GetSettingsAsync(default)));
        await using var other = await AloneAsync(o => o with { MaxTtl = TimeSpan.FromSeconds(10), ClusterDomain = HostName.Parse("other.local"), Zones = new MeshZones([HostName.Parse("other.local"), HostName.Parse("own.internal")]) });
        Assert.Equal((86_400_000, 10_000), Times(await other.Mesh.Control.GetSettingsAsync(default)));
        Assert.Equal(("other.local", "own.internal"), (other.Names.Shared!.ClusterDomain, Assert.Single(other.Names.Shared.Zones)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_edge_without_a_database_hands_a_change_on_and_answers_by_what_its_owner_has(bool hasImage)
    {
        var network = new FeedNetwork();
        await using var owner = await EngineNode.OnSqliteAsync(Journal, Say, imageEvery: hasImage ? 4 : 2000, feed: "owner:1", configure: o => o with { MaxTtl = TimeSpan.FromSeconds(20), Quarantine = TimeSpan.FromHours(3) });
        await owner.WhenReadyAsync();
        network.Serve("owner:1", owner.Mesh.Feed);
        for (var i = 0; i < 4; i++) Assert.Equal(ChangeOutcome.Applied, (await owner.Mesh.Control.ChangeAsync(EngineNode.Put($"e{i}", $"h{i}.example"), _deadline, default)).Outcome);
        if (hasImage) await owner.EventuallyAsync(() => owner.Mesh.Following.State.Image is not null);
        await using var edge = new EdgeNode("e1", network, Say, null, "owner:1");
        await edge.WhenReadyAsync();
        Assert.Equal((10_800_000, 20_000, 20u), (edge.Names.Shared!.QuarantineMs, edge.Names.Shared.LargestTtlMs, edge.Names.LargestTtl));
        var reply = await edge.Control.ChangeAsync(Of(new SettingsChange { IfMatch = edge.Names.Shared.Tag, LargestTtlMs = 15_000 }), _deadline, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        Assert.Equal((10_800_000, 15_000), Times(await edge.Control.GetSettingsAsync(default)));
        await EdgeNode.EventuallyAsync(() => edge.Names.LargestTtl == 15);
    }

    private static (long, long) Times(SettingsView view) => (view.Shared.QuarantineMs, view.Shared.LargestTtlMs);

    private static ChangeRequest Of(SettingsChange change) => new() { Changes = [], Settings = change };

    private Task<EngineNode> OwnerAsync(string name, string database, Func<MeshOptions, MeshOptions>? configure = null) => EngineNode.OnPostgresAsync(name, database, Say, configure: configure);

    private async Task<EngineNode> AloneAsync(Func<MeshOptions, MeshOptions>? configure = null)
    {
        var node = await EngineNode.OnSqliteAsync(Journal, Say, configure: configure);
        await node.WhenReadyAsync();
        return node;
    }

    private void Say(string text)
    {
        lock (output) output.WriteLine(text);
    }
}
