using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Tests.Shared;
using Npgsql;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>What the journal says and does when its database is slow, full, gone or another one. Each test has a server of its own.</summary>
public sealed class PostgresFaultTests : IAsyncLifetime
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly NodeIdentity _node = new("a", "1");
    private PostgresServer _server = null!;
    private PostgresJournal _journal = null!;
    private Fence _fence;

    public async Task InitializeAsync() => _server = await PostgresServer.StartAsync();

    public async Task DisposeAsync()
    {
        if (_journal is not null) await _journal.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_lock_held_by_somebody_else_makes_it_unavailable_and_nothing_happens()
    {
        await OpenAsync(TimeSpan.FromSeconds(1));
        await using (await HoldAsync())
        {
            await Assert.ThrowsAsync<JournalUnavailableException>(AppendAsync);
            await Assert.ThrowsAsync<JournalUnavailableException>(() => _journal.TakeAsync(_node, ["shard-00"], "t2"));
            Assert.Empty(await RowsAsync());
        }
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
    }

    [Fact]
    public async Task A_session_that_is_ended_before_the_append_was_done_is_never_a_success()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        await using var holder = await HoldAsync();
        var append = AppendAsync();
        await WaitForLockAsync();
        await _server.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
        await Assert.ThrowsAsync<JournalUnavailableException>(() => append);
        await holder.DisposeAsync();
        Assert.Empty(await RowsAsync());
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
    }

    [Fact]
    public async Task A_server_that_is_killed_under_an_append_leaves_it_in_doubt_and_works_again_when_it_is_back()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        await using (await HoldAsync())
        {
            var append = AppendAsync();
            await WaitForLockAsync();
            await _server.KillAsync();
            await Assert.ThrowsAsync<JournalInDoubtException>(() => append);
        }
        await Assert.ThrowsAsync<JournalUnavailableException>(AppendAsync);
        await Assert.ThrowsAsync<JournalUnavailableException>(() => _journal.ReadOwnershipAsync(_none));
        await _server.RestartAsync();
        await RecoverAsync("t2");
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
        Assert.Single(await RowsAsync());
    }

    [Fact]
    public async Task An_orderly_restart_costs_nothing_that_was_acknowledged_and_heals_by_itself()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
        var told = new SemaphoreSlim(0);
        _journal.Appended += () => told.Release();
        await _server.RestartAsync();
        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(60)));
        await RecoverAsync("t2");
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
        Assert.Equal(2, (await RowsAsync()).Count);
    }

    [Fact]
    public async Task A_server_that_keeps_silent_leaves_an_append_in_doubt_and_a_read_unavailable()
    {
        await OpenAsync(TimeSpan.FromMilliseconds(500));
        await AppendAsync();
        await _server.PauseAsync();
        await Assert.ThrowsAsync<JournalInDoubtException>(AppendAsync);
        await Assert.ThrowsAsync<JournalUnavailableException>(() => _journal.HeartbeatAsync(ClusterJournalContract.Beat("a", "1"), _none));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => _journal.ReadFeedAsync(new Dictionary<string, StreamPosition>(), _none));
        await _server.ResumeAsync();
        await RecoverAsync("t2");
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
    }

    [Fact]
    public async Task A_cancelled_wait_for_a_standby_is_in_doubt_though_the_server_says_committed()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        await _server.SetAsync("synchronous_standby_names", "nobody");
        var append = AppendAsync();
        Assert.Equal(true, await CancelWaitAsync());
        await Assert.ThrowsAsync<JournalInDoubtException>(() => append);
        Assert.Single(await RowsAsync());
    }

    [Fact]
    public async Task A_claim_that_no_standby_has_is_not_granted()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        await _server.SetAsync("synchronous_standby_names", "nobody");
        var claim = _journal.TakeAsync(_node, ["shard-00"], "t2");
        Assert.Equal(true, await CancelWaitAsync());
        await Assert.ThrowsAsync<JournalUnavailableException>(() => claim);
    }

    [Fact]
    public async Task What_waits_for_a_standby_is_seen_by_nobody_and_members_live_on()
    {
        await OpenAsync(TimeSpan.FromMilliseconds(500));
        await _journal.JoinAsync(ClusterJournalContract.Beat("a", "1"), _none);
        await _server.SetAsync("synchronous_standby_names", "nobody");
        await Assert.ThrowsAsync<JournalInDoubtException>(AppendAsync);
        Assert.Empty(await RowsAsync());
        Assert.True((await _journal.HeartbeatAsync(ClusterJournalContract.Beat("a", "1"), _none)).IsMember);
        // Its rows are held as long as it waits: whoever recovers the stream learns the outcome, not a guess.
        await Assert.ThrowsAsync<JournalUnavailableException>(() => _journal.TakeAsync(_node, ["shard-00"], "t2"));
        await _server.SetAsync("synchronous_standby_names", "");
        await RecoverAsync("t2");
        Assert.Single(await RowsAsync());
    }

    [Fact]
    public async Task A_database_that_became_read_only_refuses_writes_and_still_reads()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        await AppendAsync();
        await _server.SetAsync("default_transaction_read_only", "on");
        var refused = await Assert.ThrowsAsync<JournalUnavailableException>(AppendAsync);
        Assert.Contains("read-only", refused.Message, StringComparison.Ordinal);
        Assert.Single(await RowsAsync());
        await using (var admin = new NpgsqlConnection(_server.ConnectionString() + ";Pooling=false;Options=-c default_transaction_read_only=off"))
        {
            await admin.OpenAsync();
            foreach (var sql in (string[])["ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"]) await new NpgsqlCommand(sql, admin).ExecuteNonQueryAsync();
        }
        await RecoverAsync("t2");
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
    }

    [Fact]
    public async Task A_full_disk_makes_it_unavailable_until_there_is_room()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        await _server.ExecuteAsync("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file: No space left on device'; END $$");
        await _server.ExecuteAsync("CREATE TRIGGER full_disk BEFORE INSERT ON meshdns.event FOR EACH ROW EXECUTE FUNCTION full_disk()");
        var refused = await Assert.ThrowsAsync<JournalUnavailableException>(AppendAsync);
        Assert.Contains("No space left", refused.Message, StringComparison.Ordinal);
        await _server.ExecuteAsync("DROP TRIGGER full_disk ON meshdns.event");
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
    }

    [Fact]
    public async Task A_server_without_room_for_another_session_makes_it_unavailable()
    {
        await OpenAsync(TimeSpan.FromSeconds(30));
        await _server.ExecuteAsync("CREATE ROLE guest LOGIN CONNECTION LIMIT 0");
        await using var guest = PostgresJournal.Create(PostgresRig.Options(_server.ConnectionString().Replace("=postgres;", "=guest;", StringComparison.Ordinal)), TimeProvider.System, (_, _, _, _) => { });
        await Assert.ThrowsAsync<JournalUnavailableException>(() => guest.ReadOwnershipAsync(_none));
    }

    [Fact]
    public async Task Too_many_calls_at_once_are_refused_and_the_others_end()
    {
        await OpenAsync(TimeSpan.FromSeconds(1));
        await using (await HoldAsync())
        {
            var calls = Enumerable.Range(0, 400).Select(_ => Record.ExceptionAsync(AppendAsync)).ToArray();
            var ends = await Task.WhenAll(calls);
            Assert.All(ends, e => Assert.True(e is JournalUnavailableException or JournalInDoubtException, e?.ToString()));
            Assert.Contains(ends, e => e!.Message.Contains("too much waiting", StringComparison.Ordinal));
        }
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
    }

    [Fact]
    public async Task A_journal_may_be_made_while_the_database_is_away()
    {
        await _server.StopAsync();
        _journal = PostgresJournal.Create(PostgresRig.Options(_server.ConnectionString()), TimeProvider.System, (_, _, _, _) => { });
        await Assert.ThrowsAsync<JournalUnavailableException>(() => _journal.ReadOwnershipAsync(_none));
        var told = new SemaphoreSlim(0);
        _journal.Appended += () => told.Release();
        await _server.RestartAsync();
        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Empty(await _journal.ReadOwnershipAsync(_none));
    }

    [Fact]
    public async Task A_promoted_synchronous_standby_takes_over_with_everything_acknowledged()
    {
        await using var standby = await _server.AddStandbyAsync(synchronous: true);
        await OpenAsync(TimeSpan.FromSeconds(5), Both(standby));
        var timeline = (await _journal.TakeAsync(_node, ["shard-01"], "t1"))[0].Timeline;
        for (var i = 0; i < 20; i++) await AppendAsync();
        await _server.KillAsync();
        await standby.PromoteAsync();
        var claim = await RecoverAsync("t2");
        Assert.Equal((20, 8), (_fence.Seq, claim.Timeline.Length));
        Assert.NotEqual(timeline, claim.Timeline);
        Assert.Equal(AppendOutcome.Committed, (await AppendAsync()).Outcome);
    }

    [Fact]
    public async Task A_promoted_standby_that_lagged_is_found_out_by_readers()
    {
        await using var standby = await _server.AddStandbyAsync(synchronous: false);
        await OpenAsync(TimeSpan.FromSeconds(5), Both(standby), allowDataLoss: true);
        await AppendAsync();
        await RigCaughtUpAsync();
        await standby.StopAsync();
        await AppendAsync();
        var position = new Dictionary<string, StreamPosition> { ["shard-00"] = new("t1", 1, 2) };
        Assert.Empty((await _journal.ReadFeedAsync(position, _none)).Streams);
        await _server.KillAsync();
        await standby.RestartAsync();
        await standby.PromoteAsync();
        await RecoverAsync("t2");
        Assert.Equal(1, _fence.Seq);
        Assert.False(await _journal.ContainsAsync("shard-00", position["shard-00"], _none));
        Assert.True(Assert.Single((await _journal.ReadFeedAsync(position, _none)).Streams).Reset);
    }

    private string Both(PostgresServer standby) => $"Host={_server.Host},{standby.Host};Port={_server.Port},{standby.Port};Username=postgres;Database=postgres"
        .Replace($"Host={_server.Host},{standby.Host};Port={_server.Port},{standby.Port}", $"Host={_server.Host}:{_server.Port},{standby.Host}:{standby.Port}", StringComparison.Ordinal);

    private async Task OpenAsync(TimeSpan lease, string? connection = null, bool allowDataLoss = false)
    {
        // Made with time to spare: only what a test does is to run into the short lease.
        if (connection is null) await (await PostgresRig.OpenAsync(_server.ConnectionString())).DisposeAsync();
        _journal = await PostgresRig.OpenAsync(new PostgresJournalOptions(connection ?? _server.ConnectionString(), lease, allowDataLoss));
        _fence = (await _journal.TakeAsync(_node, ["shard-00"], "t1"))[0].Fence;
    }

    private async Task<AppendResult> AppendAsync()
    {
        var result = await _journal.AppendAsync(new AppendRequest([JournalContract.Append(_fence, JournalContract.Declared("x.example"))], []), _none);
        if (result.Outcome == AppendOutcome.Committed) _fence = _fence with { Seq = _fence.Seq + 1 };
        return result;
    }

    private async Task<IReadOnlyList<JournalRow>> RowsAsync() => (await _journal.ReadAsync("shard-00", false, _none)).Rows;

    // As an owner recovers: again and again until the database answers, for as long as a test may take.
    private async Task<StreamClaim> RecoverAsync(string term)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                var claim = (await _journal.TakeAsync(_node, ["shard-00"], term))[0];
                _fence = claim.Fence;
                return claim;
            }
            catch (JournalUnavailableException) when (attempt < 300) { await Task.Delay(100); }
        }
    }

    private async Task<IAsyncDisposable> HoldAsync()
    {
        var connection = new NpgsqlConnection(_server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await connection.BeginTransactionAsync();
        await new NpgsqlCommand("UPDATE meshdns.ownership SET seq = seq", connection).ExecuteNonQueryAsync();
        return connection;
    }

    private Task WaitForLockAsync() => UntilAsync("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'");

    private Task RigCaughtUpAsync() => UntilAsync("SELECT 1 FROM pg_stat_replication WHERE flush_lsn = pg_current_wal_lsn()");

    private async Task<object?> CancelWaitAsync()
    {
        await UntilAsync("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        return await _server.ExecuteAsync("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
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
