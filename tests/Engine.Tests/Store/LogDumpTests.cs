using System.Data.Common;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MeshDns.Engine.Tests.Store;

/// <summary>Both stores are read whole, and nothing is written to them.</summary>
public abstract class LogDumpContract
{
    private const string A = "aaaaaaaaaaaaaaaa";

    private static readonly VipRange _range = new(Cidr.Parse("240.240.0.0/28"), Cidr.Parse("2001:2::/48"));

    private protected abstract string False { get; }

    private protected abstract string Table { get; }

    private protected abstract Task<ILogStore> OpenAsync();

    private protected abstract Task<LogDump> DumpAsync();

    private protected abstract Task<DbConnection> ConnectAsync();

    [Fact]
    public async Task A_log_is_read_whole_with_its_images_and_passes_the_audit_also_from_its_file()
    {
        await using var store = await OpenAsync();
        Assert.True(await DumpAsync() is { Rows: [], Images: [] });
        var rows = await FillAsync(store);
        var dump = await DumpAsync();
        Assert.Equal(store.ClusterId, dump.ClusterId);
        Assert.Equal(rows.Select(Text), dump.Rows.Select(Text));
        Assert.Equal([2L, null], dump.Images.OrderBy(i => i.Image.Position.Number).Select(i => i.Row));
        Assert.All(dump.Images, image => Assert.Equal(image.Digest, image.Image.Digest));
        Assert.Empty(LogAudit.Run(dump.Rows, dump.Images).Breaches);
        using var file = new MemoryStream();
        dump.WriteTo(file);
        file.Position = 0;
        var again = LogDump.ReadFrom(file);
        Assert.Equal(dump.Rows.Select(Text), again.Rows.Select(Text));
        Assert.Equal(dump.Images.Select(i => (i.Image.Digest, i.Digest, i.Row)), again.Images.Select(i => (i.Image.Digest, i.Digest, i.Row)));
        Assert.Equal(dump.ClusterId, again.ClusterId);
        Assert.Throws<FormatException>(() => LogDump.ReadFrom(new MemoryStream("{}"u8.ToArray())));
    }

    [Fact]
    public async Task Damage_is_read_as_it_is()
    {
        await using (var store = await OpenAsync()) await FillAsync(store);
        await ExecuteAsync($"DELETE FROM {Table} WHERE sequence_number = 2");
        var dump = await DumpAsync();
        Assert.Contains("row 3 came after row 1", LogAudit.Run(dump.Rows, dump.Images).Breaches);
        await ExecuteAsync($"UPDATE {Table} SET manifest = 'another'");
        Assert.Contains("manifest 'another'", (await Assert.ThrowsAsync<StoreUnavailableException>(DumpAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_of_another_version_or_of_the_engine_before_is_refused()
    {
        await (await OpenAsync()).DisposeAsync();
        await ExecuteAsync($"UPDATE {Table.Replace("journal", "cluster", StringComparison.Ordinal)} SET version = 9");
        Assert.Contains("version 9", (await Assert.ThrowsAsync<StoreRefusedException>(DumpAsync)).Message, StringComparison.Ordinal);
        await ExecuteAsync($"DROP TABLE {Table}");
        Assert.Contains("there is no log", (await Assert.ThrowsAsync<StoreUnavailableException>(DumpAsync)).Message, StringComparison.Ordinal);
        await ExecuteAsync($"CREATE TABLE {Table.Replace("journal", "ownership", StringComparison.Ordinal)} (stream text)");
        Assert.Contains("./meshdns export", (await Assert.ThrowsAsync<StoreRefusedException>(DumpAsync)).Message, StringComparison.Ordinal);
    }

    private protected async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    // A founded log, an image of its first row that the second vouches for, and one that nobody vouches for yet.
    private async Task<IReadOnlyList<LogRow>> FillAsync(ILogStore store)
    {
        var (log, buckets) = (new LogWriter(), new Buckets(4));
        var fold = new MeshFold(_range, buckets);
        var rows = new List<LogRow>(log.Start(A,
            new ClusterFounded(store.ClusterId, _range.V4.ToString(), _range.V6.ToString(), buckets.Count) { At = 1 }, new SettingsChanged(30_000, [], "cluster.local") { At = 1 }));
        var image = MeshImage.Of(Folded(), buckets, new VipLedgerCore(_range));
        rows.AddRange(log.Write(new ImageSaved(image.Position.Number, image.Position.Term, image.Digest) { At = 1 }));
        rows.AddRange(log.Write(new VipRested(3, HostName.Parse("a.example"), 5000) { At = 1 }));
        await InsertAsync(rows);
        await store.SaveImageAsync(image, default);
        await store.VouchAsync(image.Position, 2, default);
        await store.SaveImageAsync(MeshImage.Of(Folded(), buckets, new VipLedgerCore(_range)), default);
        return rows;

        MeshState Folded()
        {
            var (state, reader) = (fold.Empty, new TransactionReader(LogPosition.Start, 0));
            foreach (var row in rows)
            {
                (reader, var whole) = reader.Read(row, buckets);
                if (whole is not null) state = fold.Apply(state, whole);
            }
            return state;
        }
    }

    private async Task InsertAsync(IReadOnlyList<LogRow> rows)
    {
        await using var connection = await ConnectAsync();
        foreach (var row in rows)
        {
            await using var command = connection.CreateCommand();
            var payload = command.CreateParameter();
            (payload.ParameterName, payload.Value) = ("@p", row.Payload);
            command.Parameters.Add(payload);
            command.CommandText = $"INSERT INTO {Table} (created, deleted, persistence_id, sequence_number, message, tags, manifest) VALUES (1, {False}, 'mesh', {row.Number}, @p, ';{row.Tag};', '{row.Manifest}')";
            await command.ExecuteNonQueryAsync();
        }
    }

    private static string Text(LogRow row) => $"{row.Number} {row.Manifest} {row.Tag} {Convert.ToHexString(row.Payload)}";
}

public sealed class SqliteLogDumpTests : LogDumpContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-dump").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private protected override string False => "0";

    private protected override string Table => "journal";

    private string Path => System.IO.Path.Combine(_folder, "journal.db");

    private protected override async Task<ILogStore> OpenAsync() => await SqliteLogStore.OpenAsync(Path, TimeProvider.System, default);

    private protected override Task<LogDump> DumpAsync() => LogDump.ReadSqliteAsync(Path, default);

    private protected override async Task<DbConnection> ConnectAsync()
    {
        var connection = new SqliteConnection($"Data Source={Path};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_not_made()
    {
        Assert.Contains("there is no log at", (await Assert.ThrowsAsync<StoreUnavailableException>(DumpAsync)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder));
        await File.WriteAllTextAsync(Path, "this is no database, whatever its name says; it is text and long enough to be looked at as one");
        Assert.Contains("cannot be read", (await Assert.ThrowsAsync<StoreUnavailableException>(DumpAsync)).Message, StringComparison.Ordinal);
    }
}

public sealed class PostgresLogDumpTests : LogDumpContract, IAsyncLifetime
{
    private string _database = "";

    public async Task InitializeAsync() => _database = await (await PostgresServer.Shared).CreateDatabaseAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    private protected override string False => "false";

    private protected override string Table => "meshdns.journal";

    private protected override async Task<ILogStore> OpenAsync() =>
        await PostgresLogStore.OpenAsync(new PostgresJournalOptions(_database, TimeSpan.FromSeconds(5), AllowDataLoss: false), (_, _, _, _) => { }, default);

    private protected override Task<LogDump> DumpAsync() => LogDump.ReadPostgresAsync(_database, default);

    private protected override async Task<DbConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync();
        return connection;
    }

    [Fact]
    public async Task An_empty_database_stays_empty_and_one_that_is_away_is_told_without_its_password()
    {
        Assert.Contains("there is no log in", (await Assert.ThrowsAsync<StoreUnavailableException>(DumpAsync)).Message, StringComparison.Ordinal);
        await using (var connection = await ConnectAsync())
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = "SELECT count(*) FROM pg_namespace WHERE nspname = 'meshdns'";
            Assert.Equal(0L, await command.ExecuteScalarAsync());
        }
        await Assert.ThrowsAsync<StoreUnavailableException>(() => LogDump.ReadPostgresAsync("Host=127.0.0.1;Port=1;Username=u;Password=secret", default));
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => LogDump.ReadPostgresAsync("Password=secret;Nonsense=1", default));
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }
}
