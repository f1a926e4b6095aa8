using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Tests.Shared;
using Npgsql;

namespace MeshDns.Engine.Tests.Store;

/// <summary>What the shared log says when its database is slow, read-only, gone or another one. Each test has a server of its own.</summary>
public sealed class PostgresFaultTests : IAsyncLifetime
{
    private PostgresServer _server = null!;

    public async Task InitializeAsync() => _server = await PostgresServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_server_that_keeps_silent_or_is_gone_is_unavailable_and_heals_by_itself()
    {
        await using var store = await OpenAsync(TimeSpan.FromMilliseconds(500));
        await _server.PauseAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.LookAsync(default));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.ReadAsync(LogPosition.Start, true, default));
        await _server.ResumeAsync();
        await LooksAgainAsync(store);
        await _server.KillAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.LookAsync(default));
        await _server.RestartAsync();
        await LooksAgainAsync(store);
    }

    [Fact]
    public async Task A_database_that_became_read_only_still_reads()
    {
        await using var store = await OpenAsync(TimeSpan.FromSeconds(5));
        await _server.SetAsync("default_transaction_read_only", "on");
        Assert.Equal(LogPosition.Start, (await store.LookAsync(default)).Position);
        Assert.True((await store.ReadAsync(LogPosition.Start, true, default)).Holds);
    }

    [Fact]
    public async Task A_look_that_no_standby_confirms_confirms_nothing()
    {
        await using var standby = await _server.AddStandbyAsync(synchronous: true);
        await using var store = await OpenAsync(TimeSpan.FromSeconds(5), Both(standby));
        Assert.True(store.HasStandby);
        await store.LookAsync(default);
        await _server.SetAsync("synchronous_standby_names", "nobody");
        // An administrator cancels the wait: the server calls that a commit, with a warning.
        var look = store.LookAsync(default);
        await UntilAsync("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        await _server.ExecuteAsync("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => look);
    }

    [Fact]
    public async Task The_journals_plugin_writes_to_the_primary_wherever_in_its_string_that_is()
    {
        await using var standby = await _server.AddStandbyAsync(synchronous: true);
        var options = new PostgresJournalOptions($"Host=127.0.0.1:{standby.Port},127.0.0.1:{_server.Port};Username=postgres;Database=postgres", TimeSpan.FromSeconds(5), AllowDataLoss: false);
        await using var connection = new NpgsqlConnection(options.Plugin());
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT pg_is_in_recovery()", connection);
        Assert.Equal(false, await command.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_promoted_synchronous_standby_goes_on_with_the_same_log()
    {
        await using var standby = await _server.AddStandbyAsync(synchronous: true);
        await using var store = await OpenAsync(TimeSpan.FromSeconds(5), Both(standby));
        var log = new LogWriter();
        await InsertAsync(_server, log.Start("aaaaaaaaaaaaaaaa"));
        await _server.KillAsync();
        await standby.PromoteAsync();
        Assert.Equal(log.Position, await LooksAgainAsync(store));
    }

    [Fact]
    public async Task A_promoted_standby_that_lagged_does_not_hold_what_was_read()
    {
        await using var standby = await _server.AddStandbyAsync(synchronous: false);
        await using var store = await OpenAsync(TimeSpan.FromSeconds(5), Both(standby), allowDataLoss: true);
        var log = new LogWriter();
        await InsertAsync(_server, log.Start("aaaaaaaaaaaaaaaa"));
        var kept = log.Position;
        await UntilAsync("SELECT 1 FROM pg_stat_replication WHERE flush_lsn = pg_current_wal_lsn()");
        await standby.StopAsync();
        await InsertAsync(_server, log.Start("bbbbbbbbbbbbbbbb"));
        Assert.True((await store.ReadAsync(log.Position, false, default)).Holds);
        await _server.KillAsync();
        await standby.RestartAsync();
        await standby.PromoteAsync();
        Assert.Equal(kept, await LooksAgainAsync(store));
        Assert.False((await store.ReadAsync(log.Position, false, default)).Holds);
        Assert.True((await store.ReadAsync(kept, false, default)).Holds);
    }

    [Fact]
    public async Task Several_hosts_need_a_synchronous_standby_or_leave_to_lose_data()
    {
        var several = $"Host=127.0.0.1:{_server.Port},localhost:{_server.Port};Username=postgres;Database=postgres";
        var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => OpenAsync(TimeSpan.FromSeconds(5), several));
        Assert.Contains("journal.allow-data-loss", refused.Message, StringComparison.Ordinal);
        await using var store = await OpenAsync(TimeSpan.FromSeconds(5), several, allowDataLoss: true);
        Assert.Equal((LogPosition.Start, false), ((await store.LookAsync(default)).Position, store.HasStandby));
    }

    [Fact]
    public async Task A_connection_string_that_is_not_one_is_refused_without_showing_it()
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => OpenAsync(TimeSpan.FromSeconds(5), "Password=secret;Nonsense=1"));
        Assert.Contains("not valid", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
    }

    private static async Task InsertAsync(PostgresServer server, IReadOnlyList<LogRow> rows)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        foreach (var row in rows)
        {
            await using var command = new NpgsqlCommand("INSERT INTO meshdns.journal (created, deleted, persistence_id, sequence_number, message, tags, manifest, identifier, writer_uuid) VALUES (1, false, 'mesh', @n, @p, @t, @m, 1, 'w')", connection);
            command.Parameters.AddWithValue("n", row.Number);
            command.Parameters.AddWithValue("p", row.Payload);
            command.Parameters.AddWithValue("t", LogTable.TagColumn(row.Tag));
            command.Parameters.AddWithValue("m", row.Manifest);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task<LogPosition> LooksAgainAsync(PostgresLogStore store)
    {
        for (var attempt = 0; ; attempt++)
        {
            try { return (await store.LookAsync(default)).Position; }
            catch (StoreUnavailableException) when (attempt < 300) { await Task.Delay(100); }
        }
    }

    private string Both(PostgresServer standby) => $"Host={_server.Host}:{_server.Port},{standby.Host}:{standby.Port};Username=postgres;Database=postgres";

    private async Task<PostgresLogStore> OpenAsync(TimeSpan lease, string? connection = null, bool allowDataLoss = false)
    {
        static Task<PostgresLogStore> With(PostgresJournalOptions options) => PostgresLogStore.OpenAsync(options, (_, _, _, _) => { }, default);
        // Made with time to spare: only what a test does is to run into the short lease.
        if (connection is null) await (await With(new PostgresJournalOptions(_server.ConnectionString(), TimeSpan.FromSeconds(5), false))).DisposeAsync();
        return await With(new PostgresJournalOptions(connection ?? _server.ConnectionString(), lease, allowDataLoss));
    }

    private async Task UntilAsync(string sql)
    {
        for (var attempt = 0; await _server.ExecuteAsync(sql) is null; attempt++)
        {
            Assert.True(attempt < 1000, sql);
            await Task.Delay(20);
        }
    }
}
