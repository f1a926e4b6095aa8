using MeshDns.Actors.Directory;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Messages;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>Where an edge without a database begins, and what it does when its place is not there any more.</summary>
public sealed class EdgeStartTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("meshdns-edge").FullName;
    private readonly FeedNetwork _network = new();
    private readonly List<NodeRequest> _seen = [];

    private string Journal => Path.Combine(_folder, "journal.db");

    private string Saved => Path.Combine(_folder, "edge.bin");

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_edge_that_knows_nothing_begins_with_an_image_where_there_is_one(bool isCut)
    {
        await using var owner = await OwnerAsync(imageEvery: 10);
        await WithImageAsync(owner);
        if (isCut) await CutAsync();
        await PutAsync(owner, "late");
        await using var edge = Edge();
        await edge.WhenReadyAsync();
        AssertSame(owner, edge);
        Assert.NotEqual(0, FirstRead());
        Assert.Empty(edge.Alarms);
    }

    [Fact]
    public async Task An_edge_that_knows_nothing_begins_at_the_beginning_where_there_is_no_image()
    {
        await using var owner = await OwnerAsync();
        await PutAsync(owner, "a");
        await using var edge = Edge();
        await edge.WhenReadyAsync();
        AssertSame(owner, edge);
        Assert.Equal(0, FirstRead());
    }

    [Fact]
    public async Task An_edge_goes_on_where_its_saved_directory_ends()
    {
        await using var owner = await OwnerAsync();
        await PutAsync(owner, "a");
        await SaveAsync();
        await PutAsync(owner, "b");
        await using var edge = Edge(Saved);
        Assert.True(edge.Knows("a.example"));
        await edge.WhenReadyAsync();
        AssertSame(owner, edge);
        Assert.NotEqual(0, FirstRead());
        lock (_seen) Assert.DoesNotContain(_seen, r => r is ReadImage);
        Assert.Empty(edge.Alarms);
    }

    [Fact]
    public async Task An_edge_whose_saved_place_was_cut_away_reloads_and_mourns_nothing()
    {
        await using (var owner = await OwnerAsync(imageEvery: 10))
        {
            await PutAsync(owner, "first");
            await SaveAsync();
            await WithImageAsync(owner);
            await CutAsync();
        }
        // The memory of the owner before still reached back to the place.
        await using var again = await OwnerAsync(imageEvery: 10);
        await using var edge = Edge(Saved);
        await edge.WhenReadyAsync();
        AssertSame(again, edge);
        lock (_seen) Assert.Contains(_seen, r => r is ReadImage);
        Assert.Empty(edge.Alarms);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_edge_drops_what_a_log_that_went_back_does_not_have(bool runsMeanwhile)
    {
        var copy = Path.Combine(_folder, "copy.db");
        EdgeNode? edge = null;
        await using (var owner = await OwnerAsync())
        {
            await PutAsync(owner, "a");
            await using (var connection = new SqliteConnection($"Data Source={Journal};Pooling=false"))
            {
                await connection.OpenAsync();
                await using var command = connection.CreateCommand();
                command.CommandText = $"VACUUM INTO '{copy}'";
                await command.ExecuteNonQueryAsync();
            }
            await PutAsync(owner, "lost");
            if (runsMeanwhile) edge = Edge();
            await SaveAsync();
            if (edge is not null) await EdgeNode.EventuallyAsync(() => edge.Knows("lost.example"));
            _network.Take("n1:2");
        }
        foreach (var file in System.IO.Directory.GetFiles(_folder, "journal.db*")) System.IO.File.Delete(file);
        System.IO.File.Move(copy, Journal);
        await using var again = await OwnerAsync();
        edge ??= Edge(Saved);
        await using var disposed = edge;
        // Its VIP is nobody's until the log says whose.
        await EdgeNode.EventuallyAsync(() => edge.Knows("a.example") && !edge.Knows("lost.example"));
        await edge.WhenReadyAsync();
        AssertSame(again, edge);
        Assert.Contains("no longer has", Assert.Single(edge.Alarms), StringComparison.Ordinal);
    }

    private static void AssertSame(EngineNode owner, EdgeNode edge) =>
        Assert.Equal(owner.Names.Hosts.Select(h => (h.Host.Text, h.VipIndex)).Order(), edge.Names.Hosts.Select(h => (h.Host.Text, h.VipIndex)).Order());

    private static async Task PutAsync(EngineNode owner, string name)
    {
        var reply = await owner.Mesh.Control.ChangeAsync(EngineNode.Put(name, $"{name}.example"), _deadline, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        await owner.EventuallyAsync(() => owner.Names.Hosts.Any(h => h.Host.Text == $"{name}.example"));
    }

    // What an edge had read that ran until just now.
    private async Task SaveAsync()
    {
        await using var edge = Edge();
        await edge.WhenReadyAsync();
        await edge.Mesh.StopAsync();
        DirectoryFile.Save(Saved, edge.Names);
        lock (_seen) _seen.Clear();
    }

    private static async Task WithImageAsync(EngineNode owner)
    {
        for (var i = 0; i < 8; i++) await PutAsync(owner, $"h{i}");
        await owner.EventuallyAsync(() => owner.Mesh.Following.State.Image is { Number: >= 10 });
    }

    private async Task CutAsync()
    {
        await using var store = await SqliteLogStore.OpenAsync(Journal, TimeProvider.System, default);
        long? image = null;
        for (var i = 0; i < 200 && image is null; i++)
        {
            image = (await store.FindImageAsync(long.MaxValue, ["mesh"], default))?.Position.Number;
            await Task.Delay(25);
        }
        await store.CutAsync(image!.Value, default);
    }

    private long FirstRead()
    {
        lock (_seen) return _seen.OfType<ReadFeed>().First().Number;
    }

    private EdgeNode Edge(string? names = null) => new("e1", _network, Write, names, "n1:2");

    private async Task<EngineNode> OwnerAsync(long imageEvery = 2000)
    {
        var node = await EngineNode.OnSqliteAsync(Journal, Write, imageEvery: imageEvery, feed: "n1:2");
        _network.Seen = (_, request) => { lock (_seen) _seen.Add(request); };
        _network.Serve("n1:2", node.Mesh.Feed);
        await node.WhenReadyAsync();
        return node;
    }

    private void Write(string text)
    {
        lock (output) output.WriteLine(text);
    }
}
