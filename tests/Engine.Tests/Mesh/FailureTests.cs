using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Engine.Tests.Store;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>What goes wrong beside a node alone on its file, on real Akka and real SQLite.</summary>
public sealed class FailureTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-engine").FullName;

    private string File => Path.Combine(_folder, "journal.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_change_whose_append_fails_is_made_by_the_next_incarnation_under_the_same_key()
    {
        await using var node = await NodeAsync();
        await ApplyAsync(node, "a");
        var epoch = node.Mesh.Following.State.Epoch;
        // The disk refuses two appends: the change's, and the next incarnation's start.
        await using (var connection = await ConnectAsync())
        {
            await ExecuteAsync(connection, "CREATE TABLE refusals (n INTEGER); INSERT INTO refusals VALUES (0); CREATE TRIGGER refuse BEFORE INSERT ON journal WHEN (SELECT n FROM refusals) = 0 BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END");
            var change = node.Mesh.Control.ChangeAsync(EngineNode.Put("b", "b.example"), _patience, default);
            await Task.Delay(1500);
            await ExecuteAsync(connection, "UPDATE refusals SET n = 1");
            Assert.Equal(ChangeOutcome.Applied, (await change).Outcome);
        }
        Assert.True(node.Mesh.Following.State.Epoch > epoch);
        Assert.NotNull(await node.Mesh.Control.GetHostAsync(HostName.Parse("b.example"), default));
    }

    [Fact]
    public async Task A_writer_behind_its_back_ends_the_incarnation_and_what_it_wrote_stays()
    {
        await using var node = await NodeAsync();
        await ApplyAsync(node, "a");
        var state = node.Mesh.Following.State;
        await using (var connection = await ConnectAsync())
        {
            // Another incarnation's start, as a second process that should not be there would write it.
            var row = LogWriter.StartAfter(state.Position, state.Epoch, state.At, "cccccccccccccccc");
            await using var command = connection.CreateCommand();
            command.CommandText = $"INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, tags, manifest, identifier, writer_uuid) VALUES (1, 0, 'mesh', {row.Number}, @p, ';mesh;', '{row.Manifest}', 1, 'w')";
            command.Parameters.AddWithValue("@p", row.Payload);
            await command.ExecuteNonQueryAsync();
        }
        var reply = await node.Mesh.Control.ChangeAsync(EngineNode.Put("b", "b.example"), _patience, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        Assert.Equal(state.Epoch + 2, node.Mesh.Following.State.Epoch);
    }

    [Fact]
    public async Task A_log_that_went_back_is_seen_before_anything_is_granted_and_every_free_VIP_rests()
    {
        HostRecord known;
        var copy = Path.Combine(_folder, "copy.db");
        await using (var node = await NodeAsync())
        {
            await ApplyAsync(node, "a");
            await using (var connection = await ConnectAsync()) await ExecuteAsync(connection, $"VACUUM INTO '{copy}'");
            await ApplyAsync(node, "b");
            known = (await node.Mesh.Control.GetHostAsync(HostName.Parse("b.example"), default))!;
            node.SaveNames(Path.Combine(_folder, "directory.bin"));
        }
        foreach (var file in Directory.GetFiles(_folder, "journal.db*")) System.IO.File.Delete(file);
        System.IO.File.Move(copy, File);
        await using var again = await NodeAsync(Path.Combine(_folder, "directory.bin"));
        await again.EventuallyAsync(() => again.Mesh.Following.Lost is null);
        Assert.Null(await again.Mesh.Control.GetHostAsync(HostName.Parse("b.example"), default));
        // A new name gets none of what rests; the name that the directory knew gets its own back at once.
        Assert.Equal(RefusalReason.PoolExhausted, (await again.Mesh.Control.ChangeAsync(EngineNode.Put("c", "c.example"), _patience, default)).Reason);
        await ApplyAsync(again, "b");
        Assert.Equal(known.Vip!.Index, (await again.Mesh.Control.GetHostAsync(HostName.Parse("b.example"), default))!.Vip!.Index);
    }

    [Fact]
    public async Task Actor_systems_come_and_go_and_no_acknowledged_change_is_lost()
    {
        await using var node = await NodeAsync();
        var acknowledged = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            var change = node.Mesh.Control.ChangeAsync(EngineNode.Put($"e{i}", $"h{i}.example"), _patience, default);
            if (i % 2 == 0) node.Mesh.Engine.EndLife();
            if ((await change).Outcome == ChangeOutcome.Applied) acknowledged.Add($"h{i}.example");
            await node.WhenReadyAsync();
        }
        Assert.True(node.Mesh.Engine.Lives >= 5);
        Assert.NotEmpty(acknowledged);
        foreach (var host in acknowledged) Assert.NotNull(await node.Mesh.Control.GetHostAsync(HostName.Parse(host), default));
    }

    private async Task ApplyAsync(EngineNode node, string name)
    {
        var reply = await node.Mesh.Control.ChangeAsync(EngineNode.Put(name, $"{name}.example"), _patience, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        Assert.Empty(await node.Mesh.Control.WaitForEdgesAsync(reply.Position, _patience, default));
    }

    private async Task<SqliteConnection> ConnectAsync()
    {
        var connection = new SqliteConnection($"Data Source={File};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    private static async Task ExecuteAsync(SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private async Task<EngineNode> NodeAsync(string? names = null)
    {
        var node = await EngineNode.OnSqliteAsync(File, text => { lock (output) output.WriteLine(text); }, names);
        await node.WhenReadyAsync();
        return node;
    }
}
