using System.Text;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>What a journal that several nodes share must do besides.</summary>
public abstract class ClusterJournalContract : JournalContract
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_live_owner_keeps_its_streams_until_its_lease_ends()
    {
        await JoinAsync("a", "1");
        await JoinAsync("b", "1");
        await TakeAsync("a", "1", "shard-00", "t1");
        Assert.Empty(await WishAsync("b", "1", new StreamWish("shard-00", "t1", 1)));
        await AdvanceAsync(_lease / 2);
        Assert.True((await Opened.HeartbeatAsync(Beat("a", "1"), _none)).IsMember);
        await AdvanceAsync(_lease * 0.75);
        Assert.Empty(await WishAsync("b", "1", new StreamWish("shard-00", "t1", 1)));
        await AdvanceAsync(_lease / 2);
        Assert.Equal(new Fence("shard-00", "b", "1", "t2", 2, 0), Assert.Single(await WishAsync("b", "1", new StreamWish("shard-00", "t1", 1))).Fence);
    }

    [Fact]
    public async Task An_owner_that_left_or_came_back_as_another_incarnation_is_not_alive()
    {
        await JoinAsync("a", "1");
        await JoinAsync("b", "1");
        await TakeAsync("a", "1", "shard-00", "t1");
        await TakeAsync("b", "1", "shard-01", "t1");
        await Opened.LeaveAsync(new NodeIdentity("b", "1"), _none);
        Assert.Equal(JoinOutcome.Joined, (await Opened.JoinAsync(Beat("a", "2", previous: "1"), _none)).Outcome);
        await JoinAsync("c", "1");
        Assert.Equal(["shard-00", "shard-01"], (await WishAsync("c", "1", new StreamWish("shard-00", "t1", 1), new StreamWish("shard-01", "t1", 1))).Select(c => c.Fence.Stream));
    }

    [Fact]
    public async Task A_live_owner_claims_its_own_streams_anew()
    {
        await JoinAsync("a", "1");
        await TakeAsync("a", "1", "shard-00", "t1");
        Assert.Equal(new Fence("shard-00", "a", "1", "t2", 2, 0), Assert.Single(await WishAsync("a", "1", new StreamWish("shard-00", "t1", 1))).Fence);
    }

    [Fact]
    public async Task A_released_stream_of_a_live_node_may_be_claimed()
    {
        await JoinAsync("a", "1");
        var fence = await TakeAsync("a", "1", "shard-00", "t1");
        await Opened.ReleaseAsync([fence], _none);
        Assert.Single(await WishAsync("b", "1", new StreamWish("shard-00", "t1", 1)));
    }

    [Fact]
    public async Task The_name_of_a_live_member_is_taken_but_for_its_own_restart()
    {
        await JoinAsync("a", "1");
        var refused = await Opened.JoinAsync(Beat("a", "2"), _none);
        Assert.Equal(JoinOutcome.NameTaken, refused.Outcome);
        Assert.Contains("a", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(JoinOutcome.NameTaken, (await Opened.JoinAsync(Beat("a", "2", previous: "0"), _none)).Outcome);
        Assert.Equal(JoinOutcome.Joined, (await Opened.JoinAsync(Beat("a", "1"), _none)).Outcome);
        Assert.Equal(JoinOutcome.Joined, (await Opened.JoinAsync(Beat("a", "2", previous: "1"), _none)).Outcome);
        await AdvanceAsync(_lease * 1.2);
        Assert.Equal(JoinOutcome.Joined, (await Opened.JoinAsync(Beat("a", "3"), _none)).Outcome);
    }

    [Fact]
    public async Task Whoever_was_replaced_is_no_member_and_writes_nothing()
    {
        await JoinAsync("a", "1");
        await Opened.JoinAsync(Beat("a", "2", previous: "1"), _none);
        var read = await Opened.HeartbeatAsync(Beat("a", "1") with { Report = "old" }, _none);
        Assert.False(read.IsMember);
        var row = Assert.Single(read.Members);
        Assert.Equal((new NodeIdentity("a", "2"), "{}"), (row.Node, row.Report));
        await Opened.LeaveAsync(new NodeIdentity("a", "1"), _none);
        Assert.True((await Opened.HeartbeatAsync(Beat("a", "2"), _none)).IsMember);
        Assert.False((await Opened.HeartbeatAsync(Beat("b", "1"), _none)).IsMember);
    }

    [Theory]
    [InlineData(7, 8, JoinOutcome.Joined)]
    [InlineData(7, 6, JoinOutcome.Joined)]
    [InlineData(7, 9, JoinOutcome.ProtocolMismatch)]
    [InlineData(7, 5, JoinOutcome.ProtocolMismatch)]
    public async Task A_live_member_of_a_protocol_that_does_not_fit_refuses_the_join(int there, int here, JoinOutcome expected)
    {
        Assert.Equal(JoinOutcome.Joined, (await Opened.JoinAsync(Beat("a", "1") with { Protocol = there }, _none)).Outcome);
        Assert.Equal(expected, (await Opened.JoinAsync(Beat("b", "1") with { Protocol = here }, _none)).Outcome);
        await AdvanceAsync(_lease * 1.2);
        Assert.Equal(JoinOutcome.Joined, (await Opened.JoinAsync(Beat("c", "1") with { Protocol = expected == JoinOutcome.Joined ? there + 9 : here }, _none)).Outcome);
    }

    [Fact]
    public async Task A_heartbeat_shows_members_and_owners_by_the_journals_clock()
    {
        await JoinAsync("a", "1");
        await JoinAsync("b", "1");
        await TakeAsync("b", "1", "vips", "t1");
        await AdvanceAsync(TimeSpan.FromSeconds(2));
        var before = await NowAsync();
        var read = await Opened.HeartbeatAsync(Beat("b", "1") with { Address = "b:1", Roles = "edge", Version = "2", Report = "[1]" }, _none);
        Assert.InRange(read.Now, before, await NowAsync());
        Assert.Equal([new OwnershipRow("vips", "b", "1", "t1", 1, 0)], read.Ownership);
        Assert.Equal(["a", "b"], read.Members.Select(m => m.Node.Node));
        Assert.Equal(new MemberRow(new NodeIdentity("b", "1"), "b:1", "edge", "2", 1, "[1]", read.Members[1].ExpiresAt), read.Members[1]);
        Assert.InRange(read.Members[1].ExpiresAt, before + 5000, read.Now + 5000);
        Assert.InRange(read.Members[0].ExpiresAt, read.Now, read.Now + 3000);
        await AdvanceAsync(_lease);
        Assert.True((await Opened.HeartbeatAsync(Beat("b", "1"), _none)) is var later && later.Members[0].ExpiresAt <= later.Now);
    }

    [Fact]
    public async Task A_key_of_a_node_is_taken_once_and_its_reply_read_back()
    {
        await JoinAsync("a", "1");
        var fence = await TakeAsync("a", "1", "shard-00", "t1");
        Assert.Equal(AppendOutcome.Committed, (await Opened.AppendAsync(new AppendRequest([Append(fence, Declared("x.example"))], [Reply("k"), Forwarded(" b"), Forwarded(" a")]), _none)).Outcome);
        var found = await Opened.FindRepliesAsync([" b", "k", " none"], _none);
        Assert.Equal([" b", "k"], found.Select(r => r.Key).Order(StringComparer.Ordinal));
        Assert.Equal(("", "{\"to\":\" b\"}"), (found.Single(r => r.IsForwarded).RequestHash, Encoding.UTF8.GetString(found.Single(r => r.IsForwarded).Reply)));
        Assert.Equal(new AppendResult(AppendOutcome.KeyTaken, " a"), await Opened.AppendAsync(new AppendRequest([Append(fence with { Seq = 1 }, Declared("y.example"))], [Reply("new"), Forwarded(" new"), Forwarded(" a")]), _none));
        Assert.Empty(await Opened.FindRepliesAsync(["new", " new"], _none));
        Assert.Single((await Opened.ReadAsync("shard-00", false, _none)).Rows);
        // One that closes a change which was forwarded has no event.
        Assert.Equal(AppendOutcome.Committed, (await Opened.AppendAsync(new AppendRequest([], [Forwarded(" closed")]), _none)).Outcome);
        Assert.Equal(new AppendResult(AppendOutcome.KeyTaken, " closed"), await Opened.AppendAsync(new AppendRequest([], [Forwarded(" closed")]), _none));
    }

    [Fact]
    public async Task The_keys_of_nodes_are_forgotten_after_minutes_and_push_no_callers_key_out()
    {
        await Opened.AppendAsync(new AppendRequest([], [Reply("k"), Forwarded(" old")]), _none);
        await Opened.AppendAsync(new AppendRequest([], [.. Enumerable.Range(0, (int)ReplyStore.MaxReplies + 10).Select(i => Forwarded(" " + i))]), _none);
        await Opened.AppendAsync(new AppendRequest([], [Reply("l")]), _none);
        Assert.Equal([" 0", " old", "k"], (await Opened.FindRepliesAsync(["k", " old", " 0"], _none)).Select(r => r.Key).Order(StringComparer.Ordinal));
        await AdvanceAsync(TimeSpan.FromMinutes(6));
        await Opened.AppendAsync(new AppendRequest([], [Forwarded(" new")]), _none);
        Assert.Equal([" new", "k"], (await Opened.FindRepliesAsync(["k", " old", " 0", " new"], _none)).Select(r => r.Key).Order(StringComparer.Ordinal));
    }

    private static RememberedReply Forwarded(string key) => new(key, "", Encoding.UTF8.GetBytes($"{{\"to\":\"{key}\"}}"));

    internal static MemberBeat Beat(string node, string incarnation, string previous = "") =>
        new(new NodeIdentity(node, incarnation), previous, node + ":1", "owner,edge", "1", 1, "{}", _lease);

    private async Task JoinAsync(string node, string incarnation) => Assert.Equal(new JoinReply(JoinOutcome.Joined), await Opened.JoinAsync(Beat(node, incarnation), _none));

    private async Task<Fence> TakeAsync(string node, string incarnation, string stream, string term) =>
        Assert.Single(await Opened.TakeAsync(new NodeIdentity(node, incarnation), [stream], term)).Fence;

    private Task<IReadOnlyList<StreamClaim>> WishAsync(string node, string incarnation, params StreamWish[] wishes) =>
        Opened.ClaimAsync(new NodeIdentity(node, incarnation), wishes, "t2", _none);
}
