using System.Data.Common;
using MeshDns.Actors.Store;
using MeshDns.Tests.Shared;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace MeshDns.Engine.Tests.Store;

public sealed class SqliteLogStoreTests : LogStoreContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-log").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private protected override string Table => "journal";

    private protected override string False => "0";

    private string Path => System.IO.Path.Combine(_folder, "journal.db");

    private protected override async Task<ILogStore> OpenAsync() => await SqliteLogStore.OpenAsync(Path, TimeProvider.System, default);

    private protected override async Task<DbConnection> ConnectAsync()
    {
        var connection = new SqliteConnection($"Data Source={Path};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    [Fact]
    public async Task A_file_of_the_engine_before_is_refused_with_the_way_over()
    {
        await ExecuteAsync("CREATE TABLE ownership (stream TEXT)");
        Assert.Contains("./meshdns export", (await Assert.ThrowsAsync<StoreRefusedException>(OpenAsync)).Message, StringComparison.Ordinal);
    }
}

public sealed class PostgresLogStoreTests : LogStoreContract, IAsyncLifetime
{
    private string _database = "";

    public async Task InitializeAsync() => _database = await (await PostgresServer.Shared).CreateDatabaseAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    private protected override string Table => "meshdns.journal";

    private protected override string False => "false";

    private protected override string OnTable => " ON meshdns.journal";

    private protected override async Task<ILogStore> OpenAsync() =>
        await PostgresLogStore.OpenAsync(new PostgresJournalOptions(_database, TimeSpan.FromSeconds(5), AllowDataLoss: false), (_, _, _, _) => { }, default);

    private protected override async Task<DbConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync();
        return connection;
    }

    [Fact]
    public async Task A_database_of_the_engine_before_is_refused_with_the_way_over()
    {
        await ExecuteAsync("CREATE SCHEMA meshdns; CREATE TABLE meshdns.ownership (stream text)");
        Assert.Contains("./meshdns export", (await Assert.ThrowsAsync<StoreRefusedException>(OpenAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ten_nodes_that_start_at_once_make_one_log()
    {
        var stores = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => OpenAsync()));
        Assert.Single(stores.Select(s => s.ClusterId).Distinct());
        foreach (var store in stores) await store.DisposeAsync();
    }
}
