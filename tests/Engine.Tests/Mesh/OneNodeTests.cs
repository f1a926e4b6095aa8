using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>A node alone on its file, on real Akka and real SQLite.</summary>
public sealed class OneNodeTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("meshdns-engine").FullName;

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_change_is_made_read_and_kept_over_a_restart()
    {
        HostRecord? first;
        await using (var node = await NodeAsync())
        {
            var reply = await node.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), TimeSpan.FromSeconds(10), default);
            Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
            Assert.Empty(await node.Mesh.Control.WaitForEdgesAsync(reply.Position, TimeSpan.FromSeconds(5), default));
            first = await node.Mesh.Control.GetHostAsync(HostName.Parse("a.example"), default);
            Assert.NotNull(first!.Vip);
            Assert.Equal(1, node.Names.Names);
        }
        await using (var again = await NodeAsync())
        {
            Assert.Equal(first.Vip.Index, (await again.Mesh.Control.GetHostAsync(HostName.Parse("a.example"), default))!.Vip!.Index);
            var unchanged = await again.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), TimeSpan.FromSeconds(10), default);
            Assert.Equal(DocumentAction.Unchanged, unchanged.Results[0].Action);
            Assert.Equal("a", Assert.Single((await again.Mesh.Control.ListDocumentsAsync(DocumentKind.ServiceEntry, new PageRequest(), default)).Items).Document.Key.Name);
            Assert.Equal(65, (await again.Mesh.Control.GetClusterAsync(default)).Streams.Count(s => s.Owner == "n1"));
        }
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1 << 20, false)]
    public async Task An_image_is_made_after_so_many_bytes_however_few_rows_they_are(long bytes, bool isDue)
    {
        var file = Path.Combine(_folder, "journal.db");
        await using var node = await EngineNode.OnSqliteAsync(file, output.WriteLine, imageEvery: 1_000_000, imageBytes: bytes);
        await node.WhenReadyAsync();
        Assert.Equal(ChangeOutcome.Applied, (await node.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), TimeSpan.FromSeconds(10), default)).Outcome);
        await using var store = await SqliteLogStore.OpenAsync(file, TimeProvider.System, default);
        var image = await store.FindImageAsync(long.MaxValue, ["mesh"], default);
        // That none comes can only be seen for a while: for longer than the writer's turns are apart.
        for (var i = 0; i < (isDue ? 1200 : 40) && image is null; i++)
        {
            await Task.Delay(25);
            image = await store.FindImageAsync(long.MaxValue, ["mesh"], default);
        }
        Assert.Equal(isDue, image is not null);
    }

    [Fact]
    public async Task Changes_that_come_while_one_is_appended_share_the_next_append()
    {
        const int Changes = 200;
        await using (var node = await NodeAsync())
        {
            await Task.WhenAll(Enumerable.Range(0, Changes).Select(async i =>
                Assert.Equal(ChangeOutcome.Applied, (await node.Mesh.Control.ChangeAsync(EngineNode.Put($"e{i}", $"h{i}.example"), TimeSpan.FromSeconds(20), default)).Outcome)));
        }
        await using var store = await SqliteLogStore.OpenAsync(Path.Combine(_folder, "journal.db"), TimeProvider.System, default);
        var closing = 0;
        for (var (position, isAll) = (LogPosition.Start, false); !isAll;)
        {
            var slice = await store.ReadAsync(position, false, default);
            closing += slice.Rows.Count(r => r.Tag == LogRow.MeshTag);
            if (slice.Rows.Count > 0) position = slice.Rows[^1].Position;
            isAll = slice.IsAll;
        }
        Assert.InRange(closing, 2, Changes / 2);
    }

    [Fact]
    public async Task An_image_is_stored_and_read_at_the_next_start_with_what_came_after_it()
    {
        await using (var node = await NodeAsync(imageEvery: 10))
        {
            for (var i = 0; i < 8; i++) Assert.Equal(ChangeOutcome.Applied, (await node.Mesh.Control.ChangeAsync(EngineNode.Put($"e{i}", $"h{i}.example"), TimeSpan.FromSeconds(10), default)).Outcome);
            await node.EventuallyAsync(() => node.Mesh.Following.State.Image is not null);
            await node.EventuallyAsync(() => node.Mesh.Following.State.Image!.Number >= 10 && File.Exists(Path.Combine(_folder, "journal.db.images")));
            Assert.Equal(ChangeOutcome.Applied, (await node.Mesh.Control.ChangeAsync(EngineNode.Put("late", "late.example"), TimeSpan.FromSeconds(10), default)).Outcome);
        }
        // What the image stands for is not there to be read any more.
        await using (var store = await SqliteLogStore.OpenAsync(Path.Combine(_folder, "journal.db"), TimeProvider.System, default))
            await store.CutAsync((await store.FindImageAsync(long.MaxValue, ["mesh"], default))!.Position.Number, default);
        await using (var again = await NodeAsync())
        {
            Assert.Equal(9, again.Names.Names);
            foreach (var host in (string[])["h0.example", "h7.example", "late.example"]) Assert.NotNull((await again.Mesh.Control.GetHostAsync(HostName.Parse(host), default))?.Vip);
            Assert.Equal(9, (await again.Mesh.Control.ListVipsAsync(new PageRequest(), default)).Items.Count);
        }
    }

    [Fact]
    public async Task Old_rows_are_cut_away_where_the_operator_wants_that_and_nothing_is_missed_after_it()
    {
        var changes = 0;
        await using (var node = await NodeAsync(imageEvery: 10, keepRows: 5))
        {
            for (; changes < 500 && (await DumpAsync()).Rows[0].Number == 1; changes++)
                Assert.Equal(ChangeOutcome.Applied, (await node.Mesh.Control.ChangeAsync(EngineNode.Put($"e{changes}", $"h{changes}.example"), TimeSpan.FromSeconds(10), default)).Outcome);
        }
        var dump = await DumpAsync();
        Assert.True(dump.Rows[0].Number > 1);
        Assert.Empty(LogAudit.Run(dump.Rows, dump.Images).Breaches);
        await using var again = await NodeAsync();
        Assert.Equal(changes, again.Names.Names);
        Assert.NotNull((await again.Mesh.Control.GetHostAsync(HostName.Parse("h0.example"), default))?.Vip);

        Task<LogDump> DumpAsync() => LogDump.ReadSqliteAsync(Path.Combine(_folder, "journal.db"), default);
    }

    [Fact]
    public async Task A_stale_replica_hears_what_is_declared_and_what_is_not()
    {
        await using var node = await NodeAsync();
        await node.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), TimeSpan.FromSeconds(10), default);
        IReadOnlyList<MeshEvent>? facts = null;
        for (var i = 0; i < 100 && facts is null; i++) facts = await node.Mesh.FindAsync([HostName.Parse("a.example")]);
        Assert.Contains(facts!, f => f is HostDeclared declared && declared.Host.Text == "a.example");
        Assert.Contains(facts!, f => f is VipGranted granted && granted.Host.Text == "a.example");
        facts = null;
        for (var i = 0; i < 100 && facts is null; i++) facts = await node.Mesh.FindAsync([HostName.Parse("b.example")]);
        Assert.Empty(facts!);
    }

    [Fact]
    public async Task A_drained_node_takes_no_change_and_reads_on()
    {
        await using var node = await NodeAsync();
        await node.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), TimeSpan.FromSeconds(10), default);
        Assert.True(await node.Mesh.Control.DrainAsync("n1", default));
        Assert.Null(node.Mesh.Engine.Life);
        Assert.Equal("this node is draining", node.Mesh.NotReady);
        var refused = await node.Mesh.Control.ChangeAsync(EngineNode.Put("b", "b.example"), TimeSpan.FromSeconds(10), default);
        Assert.Equal((ChangeOutcome.Unavailable, "this node is draining"), (refused.Outcome, refused.Detail));
        Assert.NotNull(await node.Mesh.Control.GetHostAsync(HostName.Parse("a.example"), default));
    }

    private async Task<EngineNode> NodeAsync(long imageEvery = 2000, long? keepRows = null)
    {
        var node = await EngineNode.OnSqliteAsync(Path.Combine(_folder, "journal.db"), text => { lock (output) output.WriteLine(text); }, imageEvery: imageEvery, keepRows: keepRows);
        await node.WhenReadyAsync();
        return node;
    }
}
