using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using Microsoft.Data.Sqlite;

namespace MeshDns.Actors.Tests.Journal;

public sealed class SqliteJournalTests : JournalContract
{
    private readonly TemporaryDirectory _directory = new();

    internal override async Task<IJournal> OpenAsync() => await SqliteJournal.OpenAsync(_directory.Path, Clock);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_second_node_on_the_same_directory_is_refused()
    {
        var refused = await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(_directory.Path, Clock));
        Assert.Contains("in use by another node", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_only_user_of_a_file_may_adjust_what_no_event_depends_on()
    {
        using var other = new TemporaryDirectory();
        await using var journal = await SqliteJournal.OpenAsync(other.Path, Clock);
        await journal.SettleSettingsAsync(new Dictionary<string, string> { ["vips.ipv4"] = "1", ["dns.ttl"] = "30" }, ["dns.ttl"], CancellationToken.None);
        var stored = await journal.SettleSettingsAsync(new Dictionary<string, string> { ["vips.ipv4"] = "2", ["dns.ttl"] = "10" }, ["dns.ttl"], CancellationToken.None);
        Assert.Equal(("1", "10"), (stored["vips.ipv4"], stored["dns.ttl"]));
    }

    [Fact]
    public async Task Large_replies_are_forgotten_before_they_fill_the_disk()
    {
        using var other = new TemporaryDirectory();
        await using var journal = await SqliteJournal.OpenAsync(other.Path, Clock);
        // Random bytes do not compress, so five of them are more than is kept.
        var large = new byte[16 << 20];
        Random.Shared.NextBytes(large);
        for (var i = 0; i < 5; i++) await journal.AppendAsync(new AppendRequest([], [new RememberedReply($"k{i}", "h", large)]), CancellationToken.None);
        Assert.Null(await journal.FindReplyAsync("k0", CancellationToken.None));
        Assert.Equal(large, (await journal.FindReplyAsync("k4", CancellationToken.None))!.Reply);
    }

    [Fact]
    public async Task What_was_committed_is_there_after_the_file_is_opened_again()
    {
        using var other = new TemporaryDirectory();
        await using (var journal = await SqliteJournal.OpenAsync(other.Path, Clock))
        {
            var fence = (await journal.TakeAsync(new NodeIdentity("a", "1"), ["vips"], "t1"))[0].Fence;
            await journal.AppendAsync(new AppendRequest([Append(fence, Granted(1, "x.example"))], [Reply("k")]), CancellationToken.None);
        }
        await using var again = await SqliteJournal.OpenAsync(other.Path, Clock);
        Assert.Single((await again.ReadAsync("vips", false, CancellationToken.None)).Rows);
        Assert.NotNull(await again.FindReplyAsync("k", CancellationToken.None));
        Assert.Equal(new Fence("vips", "b", "2", "t2", 2, 1), (await again.TakeAsync(new NodeIdentity("b", "2"), ["vips"], "t2"))[0].Fence);
    }

    // A store that several nodes share must not do this; see the contract for what is not adjustable.
    [Fact]
    public async Task An_adjustable_setting_follows_the_one_node_that_can_use_the_file()
    {
        await Opened.SettleSettingsAsync(new Dictionary<string, string> { ["a"] = "1", ["b"] = "1" }, [], CancellationToken.None);
        var stored = await Opened.SettleSettingsAsync(new Dictionary<string, string> { ["a"] = "2", ["b"] = "2" }, ["b"], CancellationToken.None);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }, stored);
    }

    [Fact]
    public async Task A_closed_journal_says_so_and_does_not_hang()
    {
        using var other = new TemporaryDirectory();
        var journal = await SqliteJournal.OpenAsync(other.Path, Clock);
        await journal.DisposeAsync();
        await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.ReadAsync("vips", false, CancellationToken.None));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.AppendAsync(new AppendRequest([], [Reply("k")]), CancellationToken.None));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_with_a_reason()
    {
        using var other = new TemporaryDirectory();
        await File.WriteAllTextAsync(SqliteJournal.FileIn(other.Path), new string('x', 5000));
        await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(other.Path, Clock));
        Assert.Throws<JournalUnavailableException>(() => SqliteImage.Read(other.Path));
    }

    [Fact]
    public async Task A_newer_schema_is_refused_and_left_alone()
    {
        using var other = new TemporaryDirectory();
        await (await SqliteJournal.OpenAsync(other.Path, Clock)).DisposeAsync();
        using (var file = SqliteFile.Open(other.Path)) file.Run("PRAGMA user_version = 99");
        var refused = await Assert.ThrowsAsync<JournalUnavailableException>(() => SqliteJournal.OpenAsync(other.Path, Clock));
        Assert.Contains("schema version 99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_full_in_the_middle_of_an_append_leaves_nothing_of_it_and_the_next_one_works()
    {
        var fence = (await ClaimAsync("t1", "shard-00"))[0].Fence;
        using var file = SqliteFile.Open(_directory.Path);
        file.Run("CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.seq = 2 BEGIN SELECT no_such_function(); END");
        var journal = Opened;
        await Assert.ThrowsAsync<JournalUnavailableException>(() => journal.AppendAsync(new AppendRequest([Append(fence, Declared("x.example"), Declared("y.example"))], [Reply("k")]), CancellationToken.None));
        Assert.Null(await journal.FindReplyAsync("k", CancellationToken.None));
        file.Run("DROP TRIGGER full");
        await CommitAsync(fence, Declared("x.example"), Declared("y.example"));
    }

    [Fact]
    public void A_commit_that_fails_and_rolls_back_is_in_doubt_and_the_next_append_works()
    {
        using var other = new TemporaryDirectory();
        using var connection = SqliteSchema.OpenForWriting(SqliteJournal.FileIn(other.Path));
        using var append = new SqliteAppend(connection);
        connection.Execute("INSERT INTO ownership (stream, owner, incarnation, term, epoch, seq) VALUES ('shard-00', 'a', '1', 't1', 1, 0)");
        var request = new AppendRequest([Append(new Fence("shard-00", "a", "1", "t1", 1, 0), Declared("x.example"))], []);
        // A refusing hook turns COMMIT into an error and a rollback by SQLite itself, as a disk that is full at that moment does.
        SQLitePCL.raw.sqlite3_commit_hook(connection.Handle, _ => 1, null);
        Assert.Throws<JournalInDoubtException>(() => append.Run(request, 0));
        SQLitePCL.raw.sqlite3_commit_hook(connection.Handle, null, null);
        Assert.Equal(AppendOutcome.Committed, append.Run(request, 0).Outcome);
    }

    [Fact]
    public async Task A_file_locked_by_somebody_else_is_unavailable_not_in_doubt()
    {
        var fence = (await ClaimAsync("t1", "shard-00"))[0].Fence;
        using (var file = SqliteFile.Open(_directory.Path))
        {
            file.Run("BEGIN IMMEDIATE");
            await Assert.ThrowsAsync<JournalUnavailableException>(() => Opened.AppendAsync(new AppendRequest([Append(fence, Declared("x.example"))], []), CancellationToken.None));
            file.Run("ROLLBACK");
        }
        await CommitAsync(fence, Declared("x.example"));
    }

    [Fact]
    public async Task Appends_and_feed_reads_side_by_side_never_show_a_transaction_half()
    {
        var claims = await ClaimAsync("t1", "shard-00", "shard-01");
        var (left, right) = (claims[0].Fence, claims[1].Fence);
        var reading = Task.Run(async () =>
        {
            long seen = 0;
            while (seen < 100)
            {
                var read = await Opened.ReadFeedAsync(new Dictionary<string, Actors.Directory.StreamPosition>(), CancellationToken.None);
                var ends = read.Streams.ToDictionary(s => s.Stream, s => s.Rows.Count);
                Assert.Equal(ends.GetValueOrDefault("shard-00"), ends.GetValueOrDefault("shard-01"));
                seen = ends.GetValueOrDefault("shard-00");
            }
        });
        for (var i = 0; i < 100; i++)
        {
            var result = await Opened.AppendAsync(new AppendRequest([Append(left, Declared("x.example")), Append(right, Declared("y.example"))], []), CancellationToken.None);
            Assert.Equal(AppendOutcome.Committed, result.Outcome);
            left = left with { Seq = left.Seq + 1 };
            right = right with { Seq = right.Seq + 1 };
        }
        await reading;
    }

    [Fact]
    public async Task Every_kind_of_event_goes_through_the_file_unchanged()
    {
        var fence = (await ClaimAsync("t1", "shard-00"))[0].Fence;
        var facts = new MeshEvent[] { Declared("x.example"), new HostDeclared(Contracts.Names.HostName.Parse("x.example"), new Contracts.Services.HostDeclaration { Document = Make.Key("d") }) };
        await CommitAsync(fence, facts);
        var rows = (await Opened.ReadAsync("shard-00", false, CancellationToken.None)).Rows;
        foreach (var (fact, row) in facts.Zip(rows))
        {
            var encoded = EventCodec.Encode(fact);
            Assert.Equal(encoded.Kind, row.Kind);
            Assert.Equal(encoded.Payload, row.Payload);
        }
    }
}

/// <summary>A directory for one test, removed afterwards.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = System.IO.Directory.CreateTempSubdirectory("meshdns-test-").FullName;

    public void Dispose() => System.IO.Directory.Delete(Path, recursive: true);
}

/// <summary>A journal's file, opened behind its back.</summary>
internal sealed class SqliteFile : IDisposable
{
    private readonly SqliteConnection _connection;

    private SqliteFile(SqliteConnection connection) => _connection = connection;

    public static SqliteFile Open(string dataDirectory)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = SqliteJournal.FileIn(dataDirectory), Pooling = false, DefaultTimeout = 5 }.ToString());
        connection.Open();
        return new SqliteFile(connection);
    }

    public int Run(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    public void Dispose() => _connection.Dispose();
}
