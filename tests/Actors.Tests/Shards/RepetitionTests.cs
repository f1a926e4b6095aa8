using System.Text.Json;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Shards;

/// <summary>Idempotency keys: a repeated request is answered, not done again.</summary>
public sealed class RepetitionTests
{
    private static void Run(Func<SimulatedNode, JournalFaults, Task> body) => Simulated.Run(11, async world =>
    {
        var faults = new JournalFaults();
        var node = await new SimulatedNode(world, new SimulatedStore(world.Clock), faults).StartAsync();
        await body(node, faults);
        node.AssertClean();
    });

    private static ChangeRequest Keyed(string key, params DocumentChange[] changes) => new() { Changes = changes, IdempotencyKey = key };

    private static string Text(ChangeReply? reply) => JsonSerializer.Serialize(reply, ReplyJson.Default.ChangeReply);

    [Fact]
    public void A_repeated_key_gives_the_same_reply_and_writes_once() => Run(async (node, _) =>
    {
        var first = await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")));
        var events = node.Events();
        await node.AppliedAsync(Make.Put(Make.Entry("b", ["b.example"], ["10.0.0.1"])));
        var again = await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")));
        Assert.Equal(Text(first), Text(again));
        Assert.Equal(DocumentAction.Created, again!.Results[0].Action);
        Assert.True(node.Events() > events);
        Assert.Equal(2, node.Documents().Count);
    });

    [Fact]
    public void It_does_so_after_a_restart_too() => Run(async (node, faults) =>
    {
        var first = await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")));
        node.Crash();
        var second = await new SimulatedNode(node.World, node.Store, faults).StartAsync();
        var events = second.Events();
        Assert.Equal(Text(first), Text(await second.ChangeAsync(Keyed("k", Make.Put("a", "a.example")))));
        Assert.Equal(events, second.Events());
    });

    [Fact]
    public void Repetitions_at_the_same_time_are_done_once() => Run(async (node, _) =>
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")))));
        Assert.Single(replies.Select(Text).Distinct());
        Assert.Equal(1, node.Documents()[Make.Key("a")].Version);
    });

    [Fact]
    public void A_key_used_with_another_request_is_refused() => Run(async (node, _) =>
    {
        await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")));
        var events = node.Events();
        foreach (var other in new[] { Keyed("k", Make.Put("a", "b.example")), Keyed("k", Make.Delete("a")), Keyed("k", Make.Put("a", "a.example")) with { TakeOver = true } })
        {
            var reply = await node.ChangeAsync(other);
            Assert.Equal((ChangeOutcome.Refused, RefusalReason.KeyReused), (reply!.Outcome, reply.Reason));
        }
        Assert.Equal(events, node.Events());
    });

    [Fact]
    public void Two_different_requests_under_one_key_at_the_same_time_are_one_done_and_one_refused() => Run(async (node, _) =>
    {
        var replies = await Task.WhenAll(node.ChangeAsync(Keyed("k", Make.Put("a", "a.example"))), node.ChangeAsync(Keyed("k", Make.Put("b", "b.example"))));
        Assert.Equal([ChangeOutcome.Applied, ChangeOutcome.Refused], replies.Select(r => r!.Outcome));
        Assert.Single(node.Documents());
    });

    [Fact]
    public void A_request_that_changed_nothing_is_remembered_as_well() => Run(async (node, _) =>
    {
        await node.AppliedAsync(Make.Put("a", "a.example"));
        var first = await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")));
        Assert.Equal(DocumentAction.Unchanged, first!.Results[0].Action);
        await node.AppliedAsync(Make.Put("a", "later.example"));
        // Done again it would undo what came after.
        Assert.Equal(Text(first), Text(await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")))));
        Assert.Equal("later.example", node.Documents()[Make.Key("a")].Document.ServiceEntry!.Hosts[0].Text);
    });

    [Fact]
    public void A_refused_request_may_be_repeated_and_then_succeed() => Run(async (node, _) =>
    {
        var delete = Keyed("k", Make.Delete("a")) with { MustExist = true };
        Assert.Equal(RefusalReason.NotFound, (await node.ChangeAsync(delete))!.Reason);
        await node.AppliedAsync(Make.Put("a", "a.example"));
        Assert.Equal(ChangeOutcome.Applied, (await node.ChangeAsync(delete))!.Outcome);
    });

    [Theory]
    [InlineData(FaultKind.DoubtAfter)]
    [InlineData(FaultKind.DoubtBefore)]
    internal void After_an_unknown_outcome_the_key_finds_out(FaultKind kind) => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, kind);
        Assert.Equal(ChangeOutcome.Unknown, (await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example"))))!.Outcome);
        await node.ReadyAsync();
        var again = await node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")));
        Assert.Equal((ChangeOutcome.Applied, DocumentAction.Created), (again!.Outcome, again.Results[0].Action));
        Assert.Equal(1, node.Documents()[Make.Key("a")].Version);
        Assert.Equal(1, node.LeaseOf("a.example"));
    });

    [Fact]
    public void A_key_taken_by_another_node_meanwhile_is_answered_with_its_reply() => Run(async (node, faults) =>
    {
        // The look-up finds nothing, and then the key is there at the append.
        var theirs = new ChangeReply { Outcome = ChangeOutcome.Applied, Detail = "theirs" };
        var hash = new Actors.Shards.PendingChange(Keyed("k", Make.Put("a", "a.example"))).RequestHash();
        var gate = new TaskCompletionSource();
        faults.Inject(JournalCall.Append, new JournalFault(Gate: gate.Task));
        var mine = node.ChangeAsync(Keyed("k", Make.Put("a", "a.example")));
        await node.World.UntilAsync(() => faults.Appends.Count > 0, "the append");
        node.Store.Append(new Actors.Journal.AppendRequest([], [new Actors.Journal.RememberedReply("k", hash, JsonSerializer.SerializeToUtf8Bytes(theirs, ReplyJson.Default.ChangeReply))]));
        gate.SetResult();
        Assert.Equal("theirs", (await mine)!.Detail);
        Assert.Empty(node.Documents());
    });
}
