using System.Text;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>What every journal must do, whatever it is made of. Each store has a subclass.</summary>
public abstract class JournalContract : IAsyncLifetime
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly NodeIdentity _node = new("a", "1");
    private readonly List<IJournal> _open = [];

    internal SimulatedClock Clock { get; } = new();

    internal IJournal Opened => _open[^1];

    private IJournal Journal => Opened;

    internal abstract Task<IJournal> OpenAsync();

    /// <summary>The journal's clock.</summary>
    internal virtual Task<long> NowAsync() => Task.FromResult(Clock.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>Lets the journal's clock run on, or makes everything that it has so much older.</summary>
    internal virtual Task AdvanceAsync(TimeSpan by)
    {
        Clock.Advance(by);
        return Task.CompletedTask;
    }

    public async Task InitializeAsync() => _open.Add(await OpenAsync());

    public virtual async Task DisposeAsync() => await Journal.DisposeAsync();

    [Fact]
    public async Task The_first_settings_stay()
    {
        var mine = new Dictionary<string, string> { ["a"] = "1", ["b"] = "" };
        Assert.Equal(mine, await Journal.SettleSettingsAsync(mine, [], _none));
        Assert.Equal(mine, await Journal.SettleSettingsAsync(new Dictionary<string, string> { ["a"] = "2" }, [], _none));
    }

    [Fact]
    public async Task A_claim_raises_the_epoch_keeps_the_seq_and_shows_the_journals_clock()
    {
        var before = await NowAsync();
        var first = await ClaimAsync("t1", "shard-00", "vips");
        var after = await NowAsync();
        Assert.Equal([new Fence("shard-00", "a", "1", "t1", 1, 0), new Fence("vips", "a", "1", "t1", 1, 0)], first.Select(c => c.Fence));
        Assert.All(first, c => Assert.InRange(c.Now, before, after));
        await CommitAsync(first[0].Fence, Declared("x.example"));
        var second = await ClaimAsync("t2", "shard-00");
        Assert.Equal(new Fence("shard-00", "a", "1", "t2", 2, 1), second[0].Fence);
    }

    [Fact]
    public async Task Events_are_read_back_in_order_with_seq_term_and_epoch()
    {
        var fence = (await ClaimAsync("t1", "shard-00"))[0].Fence;
        fence = await CommitAsync(fence, Declared("x.example"), Declared("y.example"));
        await CommitAsync(fence, Declared("z.example"));
        var history = await Journal.ReadAsync("shard-00", false, _none);
        Assert.Null(history.Snapshot);
        Assert.Equal(["x.example", "y.example", "z.example"], history.Rows.Select(r => ((HostWithdrawn)EventCodec.Decode(r.Kind, r.Payload)).Host.Text));
        Assert.Equal([1L, 2L, 3L], history.Rows.Select(r => r.Seq));
        Assert.All(history.Rows, r => Assert.Equal(("t1", 1L), (r.Term, r.Epoch)));
        Assert.Empty((await Journal.ReadAsync("shard-01", false, _none)).Rows);
    }

    public static TheoryData<string> WrongFences => ["node", "incarnation", "term", "epoch-", "epoch+", "seq-", "seq+", "stream"];

    [Theory]
    [MemberData(nameof(WrongFences))]
    public async Task Any_part_of_the_fence_that_differs_refuses_the_whole_append(string part)
    {
        var claims = await ClaimAsync("t1", "shard-00", "shard-01");
        var good = await CommitAsync(claims[0].Fence, Declared("x.example"));
        var other = await CommitAsync(claims[1].Fence, Declared("y.example"));
        var wrong = part switch
        {
            "node" => other with { Node = "b" },
            "incarnation" => other with { Incarnation = "2" },
            "term" => other with { Term = "t0" },
            "epoch-" => other with { Epoch = 0 },
            "epoch+" => other with { Epoch = 2 },
            "seq-" => other with { Seq = 0 },
            "seq+" => other with { Seq = 2 },
            _ => other with { Stream = "shard-99" },
        };
        var result = await Journal.AppendAsync(new AppendRequest([Append(good, Declared("a.example")), Append(wrong, Declared("b.example"))], [Reply("k")]), _none);
        Assert.Equal(new AppendResult(AppendOutcome.Fenced, wrong.Stream), result);
        Assert.Single((await Journal.ReadAsync("shard-00", false, _none)).Rows);
        Assert.Single((await Journal.ReadAsync("shard-01", false, _none)).Rows);
        Assert.Null(await Journal.FindReplyAsync("k", _none));
        await CommitAsync(good, Declared("c.example"));
        await CommitAsync(other, Declared("d.example"));
    }

    [Fact]
    public async Task Whoever_was_superseded_can_neither_append_nor_save_a_snapshot()
    {
        var old = await CommitAsync((await ClaimAsync("t1", "vips"))[0].Fence, Granted(1, "x.example"));
        await Journal.TakeAsync(new NodeIdentity("b", "9"), ["vips"], "t2");
        Assert.Equal(AppendOutcome.Fenced, (await Journal.AppendAsync(new AppendRequest([Append(old, Granted(2, "y.example"))], []), _none)).Outcome);
        Assert.False(await Journal.SaveSnapshotAsync(old, [1], _none));
        Assert.Null((await Journal.ReadAsync("vips", false, _none)).Snapshot);
    }

    [Fact]
    public async Task A_snapshot_bounds_the_replay_and_a_later_one_replaces_it()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "shard-00"))[0].Fence, Declared("x.example"), Declared("y.example"));
        Assert.True(await Journal.SaveSnapshotAsync(fence, [1, 2], _none));
        var later = await CommitAsync(fence, Declared("z.example"));
        var history = await Journal.ReadAsync("shard-00", false, _none);
        Assert.Equal([1, 2], history.Snapshot!);
        Assert.Equal(2, history.SnapshotSeq);
        Assert.Equal([3L], history.Rows.Select(r => r.Seq));
        Assert.True(await Journal.SaveSnapshotAsync(later, [3], _none));
        Assert.Equal(3, (await Journal.ReadAsync("shard-00", false, _none)).SnapshotSeq);
        Assert.False(await Journal.SaveSnapshotAsync(later with { Seq = 4 }, [4], _none));
    }

    [Fact]
    public async Task A_snapshot_may_lag_behind_the_end_of_its_stream()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "shard-00"))[0].Fence, Declared("x.example"));
        await CommitAsync(fence, Declared("y.example"));
        Assert.True(await Journal.SaveSnapshotAsync(fence, [1], _none));
        Assert.Equal([2L], (await Journal.ReadAsync("shard-00", false, _none)).Rows.Select(r => r.Seq));
    }

    [Fact]
    public async Task A_lease_of_a_held_index_is_refused_and_so_is_a_second_lease_of_a_host()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "vips"))[0].Fence, Granted(1, "x.example"));
        await RefusedAsync(fence, Granted(1, "y.example"));
        await RefusedAsync(fence, Granted(2, "x.example"));
        await RefusedAsync(fence, Granted(3, "y.example"), Granted(3, "z.example"));
        await CommitAsync(fence, Granted(2, "y.example"));
    }

    [Fact]
    public async Task Only_the_holder_releases_and_only_once()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "vips"))[0].Fence, Granted(1, "x.example"));
        await RefusedAsync(fence, Released(1, "y.example"));
        await RefusedAsync(fence, Released(2, "x.example"));
        fence = await CommitAsync(fence, Released(1, "x.example"));
        await RefusedAsync(fence, Released(1, "x.example"));
        await CommitAsync(fence, Granted(1, "y.example"), Granted(2, "x.example"));
    }

    [Fact]
    public async Task A_reserved_index_cannot_be_leased_and_a_leased_one_not_reserved()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "vips"))[0].Fence, Granted(1, "x.example"));
        await RefusedAsync(fence, new VipReserved(1) { At = 1 });
        fence = await CommitAsync(fence, Released(1, "x.example"), new VipReserved(1) { At = 1 });
        await RefusedAsync(fence, Granted(1, "x.example"));
        await RefusedAsync(fence, new VipReserved(1) { At = 1 });
        await RefusedAsync(fence, new VipUnreserved(2, 9) { At = 1 });
        fence = await CommitAsync(fence, new VipUnreserved(1, 9) { At = 1 });
        await CommitAsync(fence, Granted(1, "x.example"));
    }

    [Fact]
    public async Task A_claim_of_an_address_is_written_once_and_deleted_once()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "vips"))[0].Fence, Claimed("x.example"), Claimed("y.example"));
        await RefusedAsync(fence, Claimed("x.example"));
        await RefusedAsync(fence, Unclaimed("z.example"));
        fence = await CommitAsync(fence, Unclaimed("x.example"));
        await RefusedAsync(fence, Unclaimed("x.example"));
    }

    [Fact]
    public async Task A_refused_guard_step_undoes_the_steps_before_it()
    {
        var claims = await ClaimAsync("t1", "shard-00", "vips");
        var fence = await CommitAsync(claims[1].Fence, Granted(1, "x.example"));
        var result = await Journal.AppendAsync(new AppendRequest([Append(claims[0].Fence, Declared("d.example")), Append(fence, Released(1, "x.example"), Granted(2, "x.example"), Granted(2, "z.example"))], [Reply("k")]), _none);
        Assert.Equal(AppendOutcome.GuardRefused, result.Outcome);
        Assert.NotEqual("", result.Subject);
        Assert.Empty((await Journal.ReadAsync("shard-00", false, _none)).Rows);
        Assert.Null(await Journal.FindReplyAsync("k", _none));
        await CommitAsync(fence, Released(1, "x.example"), Granted(2, "z.example"));
    }

    [Fact]
    public async Task A_key_is_taken_once_and_its_reply_read_back()
    {
        var fence = (await ClaimAsync("t1", "shard-00"))[0].Fence;
        Assert.Null(await Journal.FindReplyAsync("k", _none));
        Assert.Equal(AppendOutcome.Committed, (await Journal.AppendAsync(new AppendRequest([Append(fence, Declared("x.example"))], [Reply("k"), Reply("other")]), _none)).Outcome);
        var found = await Journal.FindReplyAsync("k", _none);
        Assert.Equal(("k", "hash of k", "reply to k"), (found!.Key, found.RequestHash, Encoding.UTF8.GetString(found.Reply)));
        var again = await Journal.AppendAsync(new AppendRequest([Append(fence with { Seq = 1 }, Declared("y.example"))], [Reply("new"), Reply("k")]), _none);
        Assert.Equal(new AppendResult(AppendOutcome.KeyTaken, "k"), again);
        Assert.Single((await Journal.ReadAsync("shard-00", false, _none)).Rows);
        Assert.Null(await Journal.FindReplyAsync("new", _none));
    }

    [Fact]
    public async Task A_reply_can_be_remembered_with_no_event()
    {
        Assert.Equal(AppendOutcome.Committed, (await Journal.AppendAsync(new AppendRequest([], [Reply("k")]), _none)).Outcome);
        Assert.NotNull(await Journal.FindReplyAsync("k", _none));
    }

    [Fact]
    public async Task A_reply_is_forgotten_after_24_hours()
    {
        await Journal.AppendAsync(new AppendRequest([], [Reply("k")]), _none);
        await AdvanceAsync(TimeSpan.FromHours(24) - TimeSpan.FromMinutes(1));
        Assert.NotNull(await Journal.FindReplyAsync("k", _none));
        await AdvanceAsync(TimeSpan.FromMinutes(2));
        Assert.Null(await Journal.FindReplyAsync("k", _none));
        Assert.Equal(AppendOutcome.Committed, (await Journal.AppendAsync(new AppendRequest([], [Reply("k")]), _none)).Outcome);
    }

    [Fact]
    public async Task A_commit_is_announced_and_nothing_else_is()
    {
        var announced = 0;
        Journal.Appended += () => announced++;
        var fence = (await ClaimAsync("t1", "vips"))[0].Fence;
        Assert.Equal(0, announced);
        fence = await CommitAsync(fence, Granted(1, "x.example"));
        Assert.Equal(1, announced);
        await RefusedAsync(fence, Granted(1, "y.example"));
        await Journal.AppendAsync(new AppendRequest([Append(fence with { Epoch = 7 }, Declared("x.example"))], []), _none);
        Assert.Equal(1, announced);
    }

    [Fact]
    public async Task A_feed_reader_gets_everything_once_and_then_only_what_is_new()
    {
        var claims = await ClaimAsync("t1", "shard-00", "shard-01", "vips");
        var fence = await CommitAsync(claims[0].Fence, Declared("x.example"), Declared("y.example"));
        var first = Assert.Single((await Journal.ReadFeedAsync(new Dictionary<string, StreamPosition>(), _none)).Streams);
        Assert.True(first.Reset);
        Assert.Equal([1L, 2L], first.Rows.Select(r => r.Seq));
        var position = new Dictionary<string, StreamPosition> { ["shard-00"] = new("t1", 1, 2) };
        var before = await NowAsync();
        var nothing = await Journal.ReadFeedAsync(position, _none);
        Assert.Empty(nothing.Streams);
        Assert.InRange(nothing.Now, before, await NowAsync());
        await CommitAsync(fence, Declared("z.example"));
        var news = Assert.Single((await Journal.ReadFeedAsync(position, _none)).Streams);
        Assert.False(news.Reset);
        Assert.Equal([3L], news.Rows.Select(r => r.Seq));
    }

    [Fact]
    public async Task A_feed_reader_from_nothing_begins_with_the_snapshot_and_its_position_holds_afterwards()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "shard-00"))[0].Fence, Declared("x.example"), Declared("y.example"));
        await Journal.SaveSnapshotAsync(fence, [7], _none);
        var read = Assert.Single((await Journal.ReadFeedAsync(new Dictionary<string, StreamPosition>(), _none)).Streams);
        Assert.Equal([7], read.Snapshot!);
        Assert.Equal(new StreamPosition("t1", 1, 2), read.SnapshotPosition);
        Assert.Empty(read.Rows);
        Assert.Empty((await Journal.ReadFeedAsync(new Dictionary<string, StreamPosition> { ["shard-00"] = read.SnapshotPosition }, _none)).Streams);
    }

    [Theory]
    [InlineData("t1", 1, 3)]
    [InlineData("t0", 1, 2)]
    [InlineData("t1", 9, 2)]
    public async Task A_position_that_the_journal_does_not_contain_resets_the_reader(string term, long epoch, long seq)
    {
        await CommitAsync((await ClaimAsync("t1", "shard-00"))[0].Fence, Declared("x.example"), Declared("y.example"));
        var read = Assert.Single((await Journal.ReadFeedAsync(new Dictionary<string, StreamPosition> { ["shard-00"] = new(term, epoch, seq) }, _none)).Streams);
        Assert.True(read.Reset);
        Assert.Equal([1L, 2L], read.Rows.Select(r => r.Seq));
    }

    [Fact]
    public async Task A_reader_keeps_its_position_across_a_new_epoch()
    {
        var fence = await CommitAsync((await ClaimAsync("t1", "shard-00"))[0].Fence, Declared("x.example"));
        var second = (await ClaimAsync("t2", "shard-00"))[0].Fence;
        Assert.Equal(fence.Seq, second.Seq);
        await CommitAsync(second, Declared("y.example"));
        var read = Assert.Single((await Journal.ReadFeedAsync(new Dictionary<string, StreamPosition> { ["shard-00"] = new("t1", 1, 1) }, _none)).Streams);
        Assert.False(read.Reset);
        Assert.Equal(("t2", 2L, 2L), (read.Rows[0].Term, read.Rows[0].Epoch, read.Rows[0].Seq));
    }

    [Fact]
    public async Task The_ownership_table_shows_every_stream()
    {
        var claims = await ClaimAsync("t1", "vips", "shard-00");
        await CommitAsync(claims[0].Fence, Granted(1, "x.example"));
        Assert.Equal([new OwnershipRow("shard-00", "a", "1", "t1", 1, 0), new OwnershipRow("vips", "a", "1", "t1", 1, 1)], await Journal.ReadOwnershipAsync(_none));
    }

    [Fact]
    public async Task A_claim_is_granted_only_while_the_row_is_as_the_wish_saw_it()
    {
        await ClaimAsync("t1", "shard-00", "shard-01");
        StreamWish[] wishes = [new("shard-00", "t1", 2), new("shard-01", "t1", 1), new("shard-02", "", 0), new("shard-03", "t1", 1), new("shard-04", "t1", 0)];
        Assert.Equal([new Fence("shard-01", "a", "1", "t2", 2, 0), new Fence("shard-02", "a", "1", "t2", 1, 0)], (await Journal.ClaimAsync(_node, wishes, "t2", _none)).Select(c => c.Fence));
        Assert.Equal(["t1", "t2", "t2"], (await Journal.ReadOwnershipAsync(_none)).Select(o => o.Term));
        Assert.Empty(await Journal.ClaimAsync(_node, [new("shard-00", "", 0), new("shard-01", "t1", 1)], "t3", _none));
    }

    [Fact]
    public async Task A_released_stream_has_no_owner_keeps_its_term_and_refuses_appends()
    {
        var claims = await ClaimAsync("t1", "shard-00", "shard-01");
        var fence = await CommitAsync(claims[0].Fence, Declared("x.example"));
        await Journal.ReleaseAsync([claims[0].Fence, claims[1].Fence with { Epoch = 2 }], _none);
        Assert.Equal([new OwnershipRow("shard-00", "", "", "t1", 1, 1), new OwnershipRow("shard-01", "a", "1", "t1", 1, 0)], await Journal.ReadOwnershipAsync(_none));
        Assert.Equal(AppendOutcome.Fenced, (await Journal.AppendAsync(new AppendRequest([Append(fence, Declared("y.example"))], []), _none)).Outcome);
        Assert.Equal(new Fence("shard-00", "b", "2", "t2", 2, 1), (await Journal.TakeAsync(new NodeIdentity("b", "2"), ["shard-00"], "t2"))[0].Fence);
    }

    [Fact]
    public async Task It_tells_whether_it_contains_a_position()
    {
        await CommitAsync((await ClaimAsync("t1", "shard-00"))[0].Fence, Declared("x.example"), Declared("y.example"));
        Assert.True(await Journal.ContainsAsync("shard-00", new StreamPosition("t1", 1, 1), _none));
        Assert.True(await Journal.ContainsAsync("shard-00", new StreamPosition("t1", 1, 2), _none));
        foreach (var other in new StreamPosition[] { new("t0", 1, 2), new("t1", 2, 2), new("t1", 1, 3) }) Assert.False(await Journal.ContainsAsync("shard-00", other, _none));
        Assert.False(await Journal.ContainsAsync("shard-01", new StreamPosition("t1", 1, 1), _none));
    }

    [Fact]
    public async Task A_cancelled_call_ends_by_its_token()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Journal.FindReplyAsync("k", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Journal.AppendAsync(new AppendRequest([], [Reply("k")]), cancelled.Token));
        Assert.Null(await Journal.FindReplyAsync("k", _none));
    }

    internal async Task<Fence> CommitAsync(Fence fence, params MeshEvent[] facts)
    {
        var result = await Journal.AppendAsync(new AppendRequest([Append(fence, facts)], []), _none);
        Assert.Equal(new AppendResult(AppendOutcome.Committed), result);
        return fence with { Seq = fence.Seq + facts.Length };
    }

    internal Task<IReadOnlyList<StreamClaim>> ClaimAsync(string term, params string[] streams) => Journal.TakeAsync(_node, streams, term);

    internal static StreamAppend Append(Fence fence, params MeshEvent[] facts) => new(fence, facts);

    internal static RememberedReply Reply(string key) => new(key, "hash of " + key, Encoding.UTF8.GetBytes("reply to " + key));

    // Any event of a shard serves; the lease tables do not know this one.
    internal static HostWithdrawn Declared(string host) => new(HostName.Parse(host), Make.Key("d"));

    internal static VipGranted Granted(int index, string host) => new(index, HostName.Parse(host)) { At = 1 };

    internal static VipReleased Released(int index, string host) => new(index, HostName.Parse(host), 2, ReleaseReason.Withdrawn) { At = 1 };

    private static AddressClaimed Claimed(string host) => new("240.240.0.5", HostName.Parse(host)) { At = 1 };

    private static AddressUnclaimed Unclaimed(string host) => new("240.240.0.5", HostName.Parse(host)) { At = 1 };

    private async Task RefusedAsync(Fence fence, params MeshEvent[] facts) =>
        Assert.Equal(AppendOutcome.GuardRefused, (await Journal.AppendAsync(new AppendRequest([Append(fence, facts)], []), _none)).Outcome);
}
