using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Host.Cli;
using Microsoft.Data.Sqlite;

namespace MeshDns.Host.Tests.Cli;

/// <summary>The verb over a store: what it says of a log that is well, of one that is damaged, and of rows.</summary>
public sealed class VerifyVerbTests : IDisposable
{
    private const string Term = "aaaaaaaaaaaaaaaa";

    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-verify").FullName;
    private readonly Buckets _buckets = new(4);
    private readonly List<LogRow> _rows = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_log_that_is_well_has_no_breach()
    {
        await WriteAsync();
        Assert.Equal("3 rows, 2 transactions, 4 events, 0 documents, 0 hosts, 0 leases: no breach\n", (await VerifyAsync()).Exits(ExitCode.Done).Output);
    }

    [Fact]
    public async Task A_breach_is_told_and_fails()
    {
        await WriteAsync();
        await ExecuteAsync("DELETE FROM journal WHERE sequence_number = 2");
        var run = (await VerifyAsync()).Exits(ExitCode.Failed);
        Assert.Equal("breach: row 3 came after row 1\n", run.Error);
        Assert.EndsWith(": 1 breaches\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_are_printed_as_text()
    {
        await WriteAsync();
        var lines = (await VerifyAsync("--print", "2..9")).Exits(ExitCode.Done).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Matches($"^2 {Term} facts shard-0. closed by 3, before it 0: 0 vip-rested.1 {{.*a.example", lines[0]);
        Assert.Matches($"^3 {Term} closing mesh from 2, 1 facts, at 1970-01-01T00:00:00.007Z, by 'test', keys \\['k'\\]:$", lines[1]);
        Assert.Contains("cluster-founded.1 {", (await VerifyAsync("--print", "1..1")).Output, StringComparison.Ordinal);
        Assert.Contains("the log has the rows 1 to 3", (await VerifyAsync("--print", "7..9")).Exits(ExitCode.Failed).Error, StringComparison.Ordinal);
        await ExecuteAsync("UPDATE journal SET message = x'0102' WHERE sequence_number = 2");
        Assert.Contains("cannot be read", (await VerifyAsync("--print", "2..2")).Exits(ExitCode.Done).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_not_there_or_an_older_engines_is_told()
    {
        Assert.Contains("there is no log at", (await VerifyAsync()).Exits(ExitCode.Failed).Error, StringComparison.Ordinal);
        await ExecuteAsync("CREATE TABLE ownership (stream TEXT)");
        Assert.Contains("./meshdns export", (await VerifyAsync()).Exits(ExitCode.Failed).Error, StringComparison.Ordinal);
    }

    private Task<CliRun> VerifyAsync(params string[] more) =>
        CliRun.RunAsync(["verify", "--set", $"node.data-dir={_folder}", .. more], new Dictionary<string, string>(), verifies: true);

    private async Task WriteAsync()
    {
        await using (var store = await SqliteLogStore.OpenAsync(Path.Combine(_folder, "journal.db"), TimeProvider.System, default))
        {
            Append([],
                new AllocatorStarted(1, "n1", 1) { At = 1 }, new ClusterFounded(store.ClusterId, "240.240.0.0/16", "2001:2::/48", _buckets.Count) { At = 1 }, new SettingsChanged(30_000, [], "cluster.local") { At = 1 });
            Append([new RememberedKey("k", "d", [1])], new VipRested(3, HostName.Parse("a.example"), 5000) { At = 7 });
        }
        await using var connection = await ConnectAsync();
        foreach (var row in _rows)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = $"INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, tags, manifest) VALUES (1, 0, 'mesh', {row.Number}, @p, ';{row.Tag};', '{row.Manifest}')";
            command.Parameters.AddWithValue("@p", row.Payload);
            await command.ExecuteNonQueryAsync();
        }
    }

    private void Append(RememberedKey[] keys, params MeshEvent[] facts)
    {
        var after = _rows is [.., var last] ? last.Position : LogPosition.Start;
        _rows.AddRange(new TransactionWriter(_buckets).Write(new TransactionDraft(7, "test", facts, keys), after, Term, _ => LogPosition.Start)!.Rows);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private async Task<SqliteConnection> ConnectAsync()
    {
        SQLitePCL.Batteries_V2.Init();
        var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "journal.db")};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }
}
