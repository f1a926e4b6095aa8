using System.Data.Common;
using MeshDns.Actors.Log;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Engine.Tests.Store;

/// <summary>What both stores must do. Rows are inserted as the journal's plugin inserts them.</summary>
public abstract class LogStoreContract
{
    private const string A = "aaaaaaaaaaaaaaaa", B = "bbbbbbbbbbbbbbbb";

    private protected abstract Task<ILogStore> OpenAsync();

    private protected abstract Task<DbConnection> ConnectAsync();

    private protected abstract string Table { get; }

    [Fact]
    public async Task Looks_and_reads_see_what_was_appended_in_order_and_where_it_ends()
    {
        await using var store = await OpenAsync();
        Assert.Equal(LogPosition.Start, (await store.LookAsync(default)).Position);
        Assert.True((await store.ReadAsync(LogPosition.Start, true, default)) is { Holds: true, IsAll: true, Rows: [] });
        var log = new LogWriter();
        var rows = (LogRow[])[.. log.Start(A), .. log.Write(Released("a.example", 7)), .. log.Start(B)];
        await InsertAsync(rows);
        var end = await store.LookAsync(default);
        Assert.Equal(log.Position, end.Position);
        Assert.True(end.DatabaseMs > 1_700_000_000_000);
        var all = await store.ReadAsync(LogPosition.Start, false, default);
        Assert.True(all.Holds && all.IsAll);
        Assert.Equal(rows.Select(Text), all.Rows.Select(Text));
        var tail = await store.ReadAsync(rows[0].Position, true, default);
        Assert.Equal(rows.Skip(1).Select(Text), tail.Rows.Select(Text));
        Assert.False((await store.ReadAsync(rows[0].Position with { Term = B }, false, default)).Holds);
        Assert.False((await store.ReadAsync(new LogPosition(99, A), false, default)).Holds);
    }

    [Fact]
    public async Task A_place_that_was_cut_away_is_told_from_one_that_never_was()
    {
        await using var store = await OpenAsync();
        var log = new LogWriter();
        await InsertAsync([.. log.Start(A), .. log.Start(B), .. log.Start(A), .. log.Start(B)]);
        await store.CutAsync(3, default);
        foreach (var place in (LogPosition[])[LogPosition.Start, new(1, A), new(2, B)]) Assert.True(await store.ReadAsync(place, false, default) is { Holds: false, IsCut: true }, place.ToString());
        // The first row that is left says whose it follows.
        foreach (var place in (LogPosition[])[new(2, A), new(3, B), new(9, A)]) Assert.True(await store.ReadAsync(place, false, default) is { Holds: false, IsCut: false }, place.ToString());
        Assert.Equal(4, Assert.Single((await store.ReadAsync(new LogPosition(3, A), false, default)).Rows).Number);
    }

    [Fact]
    public async Task A_row_that_does_not_follow_is_refused_and_nothing_of_its_statement_is_there()
    {
        await using var store = await OpenAsync();
        var log = new LogWriter();
        await InsertAsync(log.Start(A));
        var (next, position) = (log.Write(Released("a.example", 7)), log.Position);
        LogRow[][] refused =
        [
            [next[0] with { PreviousTerm = B }],                                  // follows a row of another incarnation
            [next[0] with { Number = 3 }],                                        // over a hole
            [next[0] with { Number = 1, PreviousTerm = LogPosition.NoTerm }],     // a second beginning
            [next[0], next[1] with { PreviousTerm = B }],                         // the second of one statement
            [next[0], next[1] with { Number = 4 }],
        ];
        foreach (var rows in refused)
        {
            await Assert.ThrowsAnyAsync<DbException>(() => InsertAsync(rows));
            Assert.Equal(1, (await store.LookAsync(default)).Position.Number);
        }
        await InsertAsync(next);
        Assert.Equal(position, (await store.LookAsync(default)).Position);
        // Whoever was superseded: the number is taken.
        var other = await Assert.ThrowsAnyAsync<DbException>(() => InsertAsync([next[0] with { Term = B }]));
        Assert.True(AppendFailure.IsCollision(other));
    }

    [Fact]
    public async Task What_a_bucket_has_is_read_by_its_tag_up_to_a_place_of_this_log()
    {
        await using var store = await OpenAsync();
        var log = new LogWriter();
        var buckets = new Buckets(4);
        var tag = buckets.TagOf(buckets.Of(HostName.Parse("a.example")));
        await InsertAsync(log.Start(A));
        var first = log.Write(Released("a.example", 7));
        var upTo = log.Position;
        var second = log.Write(Released("a.example", 8));
        await InsertAsync([.. first, .. second]);
        Assert.Equal([Text(first[0])], (await store.ReadTaggedAsync(tag, 0, upTo, default))!.Select(Text));
        Assert.Equal([Text(second[0])], (await store.ReadTaggedAsync(tag, first[0].Number, log.Position, default))!.Select(Text));
        Assert.Null(await store.ReadTaggedAsync(tag, 0, upTo with { Term = B }, default));
    }

    [Fact]
    public async Task An_image_counts_when_a_row_carries_its_digest()
    {
        await using var store = await OpenAsync();
        var log = new LogWriter();
        await InsertAsync(log.Start(A));
        var image = new MeshImage(log.Position, new Dictionary<string, PackedBytes> { ["mesh"] = PackedBytes.Of([1]), ["vips"] = PackedBytes.Of([2, 3]), ["shard-0"] = PackedBytes.Of([4]) });
        await store.SaveImageAsync(image, default);
        Assert.Null(await store.FindImageAsync(long.MaxValue, null, default));
        await InsertAsync(log.Write(new ImageSaved(image.Position.Number, image.Position.Term, "another") { At = 1 }));
        await store.VouchAsync(image.Position, log.Position.Number, default);
        Assert.Null(await store.FindImageAsync(long.MaxValue, null, default));
        await InsertAsync(log.Write(new ImageSaved(image.Position.Number, image.Position.Term, image.Digest) { At = 1 }));
        await store.VouchAsync(image.Position, log.Position.Number, default);
        var found = (await store.FindImageAsync(long.MaxValue, null, default))!;
        Assert.Equal(image.Digest, found.Digest);
        Assert.Equal(["vips"], (await store.FindImageAsync(1, ["vips"], default))!.Parts.Keys);
        Assert.Null(await store.FindImageAsync(0, null, default));
    }

    [Fact]
    public async Task Rows_below_an_image_can_be_cut_away_and_the_chain_goes_on()
    {
        await using var store = await OpenAsync();
        var log = new LogWriter();
        await InsertAsync([.. log.Start(A), .. log.Write(Released("a.example", 7)), .. log.Start(B)]);
        await store.CutAsync(3, default);
        Assert.False((await store.ReadAsync(LogPosition.Start, false, default)).Holds);
        Assert.True((await store.ReadAsync(new LogPosition(3, A), false, default)).Holds);
        await InsertAsync(log.Write(Released("a.example", 8)));
        Assert.Equal(log.Position, (await store.LookAsync(default)).Position);
        await Assert.ThrowsAnyAsync<DbException>(() => InsertAsync(new LogWriter().Start(A)));
    }

    [Fact]
    public async Task A_log_without_its_trigger_or_of_another_version_is_not_owned()
    {
        string id;
        await using (var store = await OpenAsync()) id = store.ClusterId;
        await using (var store = await OpenAsync()) Assert.Equal(id, store.ClusterId);
        await ExecuteAsync($"DROP TRIGGER journal_chain{OnTable}");
        Assert.Contains("trigger", (await Assert.ThrowsAsync<StoreRefusedException>(OpenAsync)).Message, StringComparison.Ordinal);
        await ExecuteAsync($"UPDATE {Table.Replace("journal", "cluster", StringComparison.Ordinal)} SET version = 9");
        Assert.Contains("version 9", (await Assert.ThrowsAsync<StoreRefusedException>(OpenAsync)).Message, StringComparison.Ordinal);
    }

    private protected virtual string OnTable => "";

    private protected async Task ExecuteAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    // One statement for all rows, as the plugin does it.
    private async Task InsertAsync(IReadOnlyList<LogRow> rows)
    {
        await using var connection = await ConnectAsync();
        await using var command = connection.CreateCommand();
        var values = new List<string>();
        foreach (var row in rows)
        {
            values.Add($"(1, {False}, 'mesh', {row.Number}, @p{values.Count}, ';{row.Tag};', '{row.Manifest}', 5210853, 'w')");
            var payload = command.CreateParameter();
            (payload.ParameterName, payload.Value) = ($"@p{values.Count - 1}", row.Payload);
            command.Parameters.Add(payload);
        }
        command.CommandText = $"INSERT INTO {Table} (created, deleted, persistence_id, sequence_number, message, tags, manifest, identifier, writer_uuid) VALUES {string.Join(", ", values)}";
        await command.ExecuteNonQueryAsync();
    }

    private protected abstract string False { get; }

    private static VipReleased Released(string host, int index) => new(index, HostName.Parse(host), 5, ReleaseReason.Withdrawn) { At = 1 };

    private static string Text(LogRow row) => $"{row.Number} {row.Manifest} {row.Tag} {Convert.ToHexString(row.Payload)}";
}
