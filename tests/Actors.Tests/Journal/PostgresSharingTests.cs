using System.Globalization;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Tests.Shared;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>Several nodes on one database that is well.</summary>
public sealed class PostgresSharingTests : IAsyncLifetime
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly NodeIdentity _node = new("a", "1");
    private readonly List<PostgresJournal> _open = [];
    private string _connection = "";

    public async Task InitializeAsync() => _connection = await (await PostgresServer.Shared).CreateDatabaseAsync();

    public async Task DisposeAsync()
    {
        foreach (var journal in _open) await journal.DisposeAsync();
    }

    [Fact]
    public async Task Nodes_that_start_at_once_make_the_tables_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OpenAsync()));
        Assert.Equal(1L, await PostgresRig.ExecuteAsync(_connection, "SELECT count(*) FROM meshdns.schema_version"));
    }

    [Fact]
    public async Task A_schema_without_tables_is_brought_up_to_date_and_what_is_there_stays()
    {
        await PostgresRig.ExecuteAsync(_connection, "CREATE SCHEMA meshdns; CREATE TABLE meshdns.schema_version (version int NOT NULL)");
        var first = await OpenAsync();
        await CommitAsync(first, await TakeAsync(first, "vips"), "x.example");
        Assert.Single((await (await OpenAsync()).ReadAsync("vips", false, _none)).Rows);
    }

    [Fact]
    public async Task What_an_older_program_of_the_same_version_did_not_make_is_added_and_the_older_one_works_on()
    {
        var older = await OpenAsync();
        await PostgresRig.ExecuteAsync(_connection, "DROP FUNCTION meshdns.append_forwarded; DROP TABLE meshdns.forwarded_reply");
        var newer = await OpenAsync();
        Assert.Equal(AppendOutcome.Committed, (await newer.AppendAsync(new AppendRequest([], [new RememberedReply(" a-1", "", "{}"u8.ToArray())]), _none)).Outcome);
        await CommitAsync(older, await TakeAsync(older, "vips"), "x.example");
        Assert.Equal(1, await PostgresRig.ExecuteAsync(_connection, "SELECT max(version) FROM meshdns.schema_version"));
    }

    [Fact]
    public async Task Tables_of_a_newer_program_are_refused()
    {
        await OpenAsync();
        await PostgresRig.ExecuteAsync(_connection, "UPDATE meshdns.schema_version SET version = 99");
        var refused = await Assert.ThrowsAsync<JournalRefusedException>(OpenAsync);
        Assert.Contains("schema version 99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_hosts_need_a_synchronous_standby_or_leave_to_lose_data()
    {
        var several = _connection.Replace("Host=127.0.0.1", "Host=127.0.0.1,localhost", StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<JournalRefusedException>(() => OpenAsync(PostgresRig.Options(several)));
        Assert.Contains("journal.allow-data-loss", refused.Message, StringComparison.Ordinal);
        var journal = await OpenAsync(PostgresRig.Options(several) with { AllowDataLoss = true });
        Assert.Empty(await journal.ReadOwnershipAsync(_none));
    }

    [Fact]
    public async Task A_connection_string_that_is_not_one_is_refused_without_showing_it()
    {
        var refused = await Assert.ThrowsAsync<JournalRefusedException>(() => OpenAsync(PostgresRig.Options("Password=secret;Nonsense=1")));
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_append_a_claim_and_a_heartbeat_are_one_round_trip_each()
    {
        var server = await PostgresServer.Shared;
        await using var counter = new TurnCounter(server.Port);
        var through = PostgresRig.Options(_connection.Replace($"Port={server.Port}", $"Port={counter.Port}", StringComparison.Ordinal));
        var journal = await OpenAsync(through);
        var fence = await TakeAsync(journal, "vips");
        // Once the statements are prepared, as they are nearly always.
        for (var i = 0; i < 4; i++) fence = await CommitAsync(journal, fence, "x.example");
        var before = counter.Of("SELECT meshdns.append(");
        var request = new AppendRequest([JournalContract.Append(fence, JournalContract.Granted(1, "x.example"), JournalContract.Granted(2, "y.example"))], [JournalContract.Reply("k")]);
        Assert.Equal(AppendOutcome.Committed, (await journal.AppendAsync(request, _none)).Outcome);
        Assert.Equal(before + 1, counter.Of("SELECT meshdns.append("));
        for (var i = 0; i < 4; i++)
        {
            before = counter.Of("FROM meshdns.claim(");
            await journal.ClaimAsync(_node, [new StreamWish("vips", i == 0 ? "t1" : $"u{i}", i + 1)], $"u{i + 1}", _none);
        }
        Assert.Equal(before + 1, counter.Of("FROM meshdns.claim("));
        // By a journal that writes nothing else: what it would tell the others goes over the same connections.
        var quiet = await OpenAsync(through);
        for (var i = 0; i < 4; i++)
        {
            before = counter.Of("UPDATE meshdns.member");
            await quiet.HeartbeatAsync(ClusterJournalContract.Beat("a", "1"), _none);
        }
        Assert.Equal(before + 1, counter.Of("UPDATE meshdns.member"));
    }

    [Fact]
    public async Task Of_writers_with_one_fence_exactly_one_commits()
    {
        var (first, second) = (await OpenAsync(), await OpenAsync());
        var fence = await TakeAsync(first, "shard-00");
        for (var round = 0; round < 30; round++)
        {
            var ends = await Task.WhenAll(new[] { first, second }.Select(j => j.AppendAsync(RequestOf(fence, $"h{round}.example"), _none)));
            Assert.Equal([AppendOutcome.Committed, AppendOutcome.Fenced], ends.Select(e => e.Outcome).Order());
            fence = fence with { Seq = fence.Seq + 1 };
        }
        Assert.Equal(30, (await second.ReadAsync("shard-00", false, _none)).Rows.Count);
    }

    [Fact]
    public async Task Of_nodes_that_claim_the_same_streams_each_stream_goes_to_one()
    {
        var journals = new[] { await OpenAsync(), await OpenAsync(), await OpenAsync() };
        var streams = Enumerable.Range(0, 64).Select(i => $"shard-{i:00}").ToArray();
        for (var round = 0; round < 10; round++)
        {
            var seen = (await journals[0].ReadOwnershipAsync(_none)).ToDictionary(r => r.Stream);
            var granted = await Task.WhenAll(journals.Select((journal, i) => journal.ClaimAsync(
                new NodeIdentity($"n{i}", "1"), [.. (i == 1 ? streams.Reverse() : streams).Select(s => seen.TryGetValue(s, out var row) ? new StreamWish(s, row.Term, row.Epoch) : new StreamWish(s, "", 0))], $"r{round}-{i}", _none)));
            Assert.Equal(streams, granted.SelectMany(g => g).Select(g => g.Fence.Stream).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task A_reader_never_sees_half_a_transaction()
    {
        var journal = await OpenAsync();
        var pairs = new List<(string Left, string Right)>();
        for (var i = 0; i < 4; i++) pairs.Add((string.Create(CultureInfo.InvariantCulture, $"left-{i}"), string.Create(CultureInfo.InvariantCulture, $"right-{i}")));
        var writers = new List<Task>();
        foreach (var (left, right) in pairs) writers.Add(WriteAsync(journal, await TakeAsync(journal, left), await TakeAsync(journal, right)));
        var writing = Task.WhenAll(writers);
        var reader = await OpenAsync();
        var position = new Dictionary<string, StreamPosition>();
        for (var last = false; ; last = writing.IsCompleted)
        {
            foreach (var stream in (await reader.ReadFeedAsync(position, _none)).Streams)
                position[stream.Stream] = stream.Rows is [.., var row] ? new StreamPosition(row.Term, row.Epoch, row.Seq) : position[stream.Stream];
            foreach (var (left, right) in pairs) Assert.Equal(position.GetValueOrDefault(left).Seq, position.GetValueOrDefault(right).Seq);
            if (last) break;
        }
        await writing;
        Assert.All(position.Values, p => Assert.Equal(50, p.Seq));

        static async Task WriteAsync(PostgresJournal journal, Fence left, Fence right)
        {
            for (var i = 0; i < 50; i++)
            {
                var request = new AppendRequest([JournalContract.Append(left, JournalContract.Declared("x.example")), JournalContract.Append(right, JournalContract.Declared("y.example"))], []);
                Assert.Equal(AppendOutcome.Committed, (await journal.AppendAsync(request, _none)).Outcome);
                (left, right) = (left with { Seq = left.Seq + 1 }, right with { Seq = right.Seq + 1 });
            }
        }
    }

    [Fact]
    public async Task A_past_that_the_journal_lost_resets_the_reader_though_the_stream_has_moved_on_or_is_gone()
    {
        var journal = await OpenAsync();
        var fence = await CommitAsync(journal, await TakeAsync(journal, "shard-00"), "x.example");
        await CommitAsync(journal, fence, "y.example");
        await CommitAsync(journal, await TakeAsync(journal, "shard-01"), "z.example");
        var position = new Dictionary<string, StreamPosition> { ["shard-00"] = new("t1", 1, 2), ["shard-01"] = new("t1", 1, 1) };
        Assert.Empty((await journal.ReadFeedAsync(position, _none)).Streams);
        // As a database that failed over to a standby which lagged, and went on.
        await PostgresRig.ExecuteAsync(_connection, "DELETE FROM meshdns.event WHERE seq = 2 OR stream = 'shard-01'; UPDATE meshdns.ownership SET seq = 1; DELETE FROM meshdns.ownership WHERE stream = 'shard-01'");
        var rewound = (await journal.ReadFeedAsync(position, _none)).Streams;
        Assert.Equal([("shard-00", true, 1), ("shard-01", true, 0)], rewound.Select(s => (s.Stream, s.Reset, s.Rows.Count)));
        Assert.False(await journal.ContainsAsync("shard-00", position["shard-00"], _none));
        await CommitAsync(journal, (await journal.TakeAsync(_node, ["shard-00"], "t2"))[0].Fence, "w.example");
        Assert.True((await journal.ReadFeedAsync(position, _none)).Streams[0].Reset);
    }

    [Fact]
    public async Task What_one_node_does_wakes_the_others()
    {
        var (here, there) = (await OpenAsync(), await OpenAsync());
        var (appended, changed) = (new SemaphoreSlim(0), new SemaphoreSlim(0));
        there.Appended += () => appended.Release();
        there.MembersChanged += () => changed.Release();
        var fence = await TakeAsync(here, "shard-00");
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(0, appended.CurrentCount);
        await CommitAsync(here, fence, "x.example");
        Assert.True(await appended.WaitAsync(TimeSpan.FromSeconds(30)));
        await here.JoinAsync(ClusterJournalContract.Beat("a", "1"), _none);
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(30)));
        await here.LeaveAsync(_node, _none);
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(30)));
        await here.ReleaseAsync([fence], _none);
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_listener_that_lost_its_connection_listens_again_and_says_that_anything_may_have_happened()
    {
        var journal = await OpenAsync();
        var (appended, changed) = (new SemaphoreSlim(0), new SemaphoreSlim(0));
        journal.Appended += () => appended.Release();
        journal.MembersChanged += () => changed.Release();
        await PostgresRig.ExecuteAsync(_connection, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database() AND pid <> pg_backend_pid()");
        Assert.True(await appended.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(30)));
        var other = await OpenAsync();
        await CommitAsync(other, await TakeAsync(other, "shard-00"), "x.example");
        Assert.True(await appended.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Members_that_expired_ten_leases_ago_are_forgotten()
    {
        var journal = await OpenAsync();
        foreach (var name in (string[])["a", "b", "c"]) await journal.JoinAsync(ClusterJournalContract.Beat(name, "1"), _none);
        await PostgresRig.ExecuteAsync(_connection, "UPDATE meshdns.member SET expires_at = expires_at - CASE node WHEN 'b' THEN 54000 WHEN 'c' THEN 56000 ELSE 0 END");
        await journal.HeartbeatAsync(ClusterJournalContract.Beat("a", "1"), _none);
        Assert.Equal(["a", "b"], (await journal.HeartbeatAsync(ClusterJournalContract.Beat("a", "1"), _none)).Members.Select(m => m.Node.Node));
    }

    [Fact]
    public async Task An_image_is_everything_that_the_journal_has()
    {
        var journal = await OpenAsync();
        await journal.SettleSettingsAsync(new Dictionary<string, string> { ["a"] = "1" }, [], _none);
        var fence = await TakeAsync(journal, "vips");
        await journal.AppendAsync(new AppendRequest([JournalContract.Append(fence, JournalContract.Granted(1, "x.example"), JournalContract.Granted(2, "y.example"), JournalContract.Released(2, "y.example"))], []), _none);
        await journal.SaveSnapshotAsync(fence with { Seq = 2 }, [1, 2], _none);
        var image = await PostgresImage.ReadAsync(_connection, _none);
        Assert.Equal("1", image.Settings["a"]);
        var stream = Assert.Single(image.Streams);
        Assert.Equal((new OwnershipRow("vips", "a", "1", "t1", 1, 3), 2L, 3), (stream.Owner, stream.SnapshotSeq, stream.Rows.Count));
        Assert.Equal([1, 2], stream.Snapshot!);
        Assert.Equal([(1, "x.example", "leased"), (2, "y.example", "quarantined")], image.Leases.Select(l => (l.Index, l.Host!, l.State)));
        Assert.Empty(image.StrayStreams);
        Assert.Empty(image.Claims);
    }

    [Fact]
    public async Task A_database_without_a_journal_has_no_image_and_gets_no_tables_from_one()
    {
        await Assert.ThrowsAsync<JournalUnavailableException>(() => PostgresImage.ReadAsync(_connection, _none));
        Assert.Equal(false, await PostgresRig.ExecuteAsync(_connection, "SELECT to_regnamespace('meshdns') IS NOT NULL"));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => PostgresImage.ReadAsync(_connection.Replace("Database=", "Database=no", StringComparison.Ordinal), _none));
    }

    private Task<PostgresJournal> OpenAsync() => OpenAsync(PostgresRig.Options(_connection));

    private async Task<PostgresJournal> OpenAsync(PostgresJournalOptions options)
    {
        var journal = await PostgresRig.OpenAsync(options);
        lock (_open) _open.Add(journal);
        return journal;
    }

    private static async Task<Fence> TakeAsync(PostgresJournal journal, string stream) => (await journal.TakeAsync(_node, [stream], "t1"))[0].Fence;

    private static AppendRequest RequestOf(Fence fence, string host) => new([JournalContract.Append(fence, JournalContract.Declared(host))], []);

    private static async Task<Fence> CommitAsync(PostgresJournal journal, Fence fence, string host)
    {
        Assert.Equal(new AppendResult(AppendOutcome.Committed), await journal.AppendAsync(RequestOf(fence, host), _none));
        return fence with { Seq = fence.Seq + 1 };
    }
}
