using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Shards;

/// <summary>A journal that fails, deadlines that pass, nodes that stop: the answer is always true.</summary>
public sealed class ChangeFaultTests
{
    private static void Run(Func<SimulatedNode, JournalFaults, Task> body) => Simulated.Run(13, async world =>
    {
        var faults = new JournalFaults();
        var node = await new SimulatedNode(world, new SimulatedStore(world.Clock), faults).StartAsync();
        faults.Appends.Clear();
        await body(node, faults);
        node.AssertClean();
    });

    private static ChangeRequest PutA => Make.Request(Make.Put("a", "a.example"));

    [Fact]
    public void A_deadline_before_the_append_means_nothing_was_written() => Run(async (node, faults) =>
    {
        var gate = new TaskCompletionSource();
        faults.Inject(JournalCall.Append, new JournalFault(Gate: gate.Task));
        var first = node.ChangeAsync(Make.Request(Make.Put("first", "first.example")));
        await node.World.UntilAsync(() => faults.Appends.Count == 1, "the first append");
        var late = await node.ChangeAsync(PutA, TimeSpan.FromSeconds(1));
        Assert.Equal(ChangeOutcome.Unavailable, late!.Outcome);
        gate.SetResult();
        await first;
        await node.World.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(["first"], node.Documents().Keys.Select(k => k.Name));
    });

    [Fact]
    public void A_deadline_during_the_append_is_unknown() => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, new JournalFault(Before: TimeSpan.FromSeconds(3)));
        var reply = await node.ChangeAsync(PutA, TimeSpan.FromSeconds(1));
        Assert.Equal(ChangeOutcome.Unknown, reply!.Outcome);
        await node.World.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Single(node.Documents());
    });

    [Fact]
    public void A_caller_who_was_told_unknown_is_not_served_by_a_later_attempt() => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, new JournalFault(FaultKind.FencedOut, Before: TimeSpan.FromSeconds(3)));
        Assert.Equal(ChangeOutcome.Unknown, (await node.ChangeAsync(PutA, TimeSpan.FromSeconds(1)))!.Outcome);
        await node.World.PassAsync(TimeSpan.FromSeconds(30));
        Assert.Empty(node.Documents());
    });

    [Fact]
    public void A_caller_who_gave_up_does_not_take_the_others_of_its_batch_along() => Run(async (node, faults) =>
    {
        // Both are prepared together; one gives up while the fence is being lost.
        faults.Inject(JournalCall.Append, new JournalFault(Before: TimeSpan.FromSeconds(2)));
        var first = node.ChangeAsync(Make.Request(Make.Put("first", "first.example")));
        await node.World.PassAsync(TimeSpan.FromSeconds(1));
        var impatient = node.ChangeAsync(PutA, TimeSpan.FromMilliseconds(1001));
        var patient = node.ChangeAsync(Make.Request(Make.Put("b", "b.example")));
        await first;
        Assert.Equal(ChangeOutcome.Applied, (await patient)!.Outcome);
        var outcome = (await impatient)!.Outcome;
        await node.World.PassAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(outcome == ChangeOutcome.Applied, node.Documents().ContainsKey(Make.Key("a")));
    });

    [Fact]
    public void A_cancelled_caller_is_answered_at_once() => Run(async (node, faults) =>
    {
        using var cancel = new CancellationTokenSource();
        var gate = new TaskCompletionSource();
        faults.Inject(JournalCall.Append, new JournalFault(Gate: gate.Task));
        var reply = node.Mesh.Control.ChangeAsync(PutA, TimeSpan.FromSeconds(60), cancel.Token);
        await node.World.UntilAsync(() => faults.Appends.Count == 1, "the append");
        cancel.Cancel();
        Assert.Equal(ChangeOutcome.Unknown, (await reply).Outcome);
        gate.SetResult();
        await node.World.UntilAsync(() => node.Documents().Count == 1, "the append's effect");
    });

    [Fact]
    public void A_journal_that_is_away_is_unavailable_and_holds_nothing_back_afterwards() => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, FaultKind.Unavailable);
        var refused = await node.ChangeAsync(PutA);
        Assert.Equal(ChangeOutcome.Unavailable, refused!.Outcome);
        Assert.Empty(node.Documents());
        var began = node.World.Clock.Elapsed;
        await node.AppliedAsync(PutA.Changes[0]);
        Assert.True(node.World.Clock.Elapsed - began < TimeSpan.FromSeconds(1));
        Assert.Equal(1, node.LeaseOf("a.example"));
    });

    [Fact]
    public void A_journal_that_hangs_is_unknown_in_the_end_and_the_node_goes_on() => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, new JournalFault(Before: TimeSpan.FromSeconds(300)));
        Assert.Equal(ChangeOutcome.Unknown, (await node.ChangeAsync(PutA))!.Outcome);
        await node.World.UntilAsync(() => node.Mesh.IsReady, "readiness");
        await node.AppliedAsync(Make.Put("b", "b.example"));
        await node.World.PassAsync(TimeSpan.FromSeconds(400));
        // The old append arrived in the end, and was fenced.
        Assert.Equal(["b"], node.Documents().Keys.Select(k => k.Name));
    });

    [Theory]
    [InlineData(FaultKind.DoubtAfter, true)]
    [InlineData(FaultKind.DoubtBefore, false)]
    internal void An_append_in_doubt_is_unknown_and_the_owners_find_out(FaultKind kind, bool happened) => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, kind);
        Assert.Equal(ChangeOutcome.Unknown, (await node.ChangeAsync(PutA))!.Outcome);
        await node.ReadyAsync();
        Assert.Equal(happened ? 1 : 0, node.Documents().Count);
        Assert.Equal(happened ? 1 : null, node.LeaseOf("a.example"));
        await node.CaughtUpAsync();
        Assert.Equal(happened ? 1 : 0, node.Directory.Names);
    });

    [Fact]
    public void A_lost_fence_is_won_back_and_the_change_is_done() => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, FaultKind.FencedOut);
        await node.AppliedAsync(PutA.Changes[0]);
        Assert.Equal(1, node.LeaseOf("a.example"));
        Assert.InRange(faults.Appends.Count, 2, 8);
    });

    [Fact]
    public void A_fence_that_is_lost_again_and_again_ends_in_a_refusal_not_in_a_loop() => Run(async (node, faults) =>
    {
        faults.Rule = call => new JournalFault(call == JournalCall.Append ? FaultKind.FencedOut : FaultKind.None);
        var reply = await node.ChangeAsync(PutA, TimeSpan.FromMinutes(10));
        Assert.Equal((ChangeOutcome.Refused, RefusalReason.Contention), (reply!.Outcome, reply.Reason));
        Assert.InRange(faults.Appends.Count, 2, 20);
        faults.Rule = null;
        await node.World.PassAsync(TimeSpan.FromSeconds(30));
        await node.AppliedAsync(PutA.Changes[0]);
    });

    [Fact]
    public void An_owner_that_recovers_makes_the_change_unavailable_not_wrong() => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Append, FaultKind.DoubtBefore);
        for (var i = 0; i < 3; i++) faults.Inject(JournalCall.Claim, new JournalFault(Before: TimeSpan.FromSeconds(20)));
        await node.ChangeAsync(PutA);
        await node.World.PassAsync(TimeSpan.FromMilliseconds(10));
        Assert.False(node.Mesh.IsReady);
        Assert.Equal(ChangeOutcome.Unavailable, (await node.ChangeAsync(PutA))!.Outcome);
        await Assert.ThrowsAsync<MeshUnavailableException>(() => node.Mesh.Control.GetDocumentAsync(Make.Key("a"), CancellationToken.None));
        await node.ReadyAsync();
        await node.AppliedAsync(PutA.Changes[0]);
    });

    [Fact]
    public void An_allocator_that_recovers_leaves_no_shard_held() => Run(async (node, faults) =>
    {
        await node.AppliedAsync(PutA.Changes[0]);
        faults.Inject(JournalCall.Append, FaultKind.DoubtBefore);
        for (var i = 0; i < 3; i++) faults.Inject(JournalCall.Claim, new JournalFault(Before: TimeSpan.FromSeconds(20)));
        await node.ChangeAsync(Make.Request(Make.Put("b", "b.example")));
        await node.World.PassAsync(TimeSpan.FromMilliseconds(10));
        // A host with an address of its own needs nothing of the allocator.
        var recovering = node.Mesh.Unrecovered;
        Assert.Contains(Streams.Vips, recovering);
        bool IsHealthy(int shard) => !recovering.Contains(Streams.Shard(shard, node.Mesh.Region.Count));
        var names = Enumerable.Range(0, 100).Select(i => "n" + i).Where(n => IsHealthy(Streams.ShardOf(Make.Key(n), node.Mesh.Region.Count)) && IsHealthy(Streams.ShardOf(HostName.Parse(n + ".example"), node.Mesh.Region.Count)));
        foreach (var name in names.Take(4))
        {
            var asked = node.World.Clock.GetTimestamp();
            var reply = await node.ChangeAsync(Make.Request(Make.Put(Make.Entry(name, [name + ".example"], ["10.0.0.1"]))));
            Assert.Equal(ChangeOutcome.Applied, reply!.Outcome);
            Assert.InRange(node.World.Clock.GetElapsedTime(asked), TimeSpan.Zero, TimeSpan.FromSeconds(1));
        }
    });

    [Fact]
    public void A_journal_that_cannot_look_up_a_key_is_unavailable() => Run(async (node, faults) =>
    {
        faults.Inject(JournalCall.Reply, FaultKind.Unavailable);
        Assert.Equal(ChangeOutcome.Unavailable, (await node.ChangeAsync(PutA with { IdempotencyKey = "k" }))!.Outcome);
        Assert.Empty(node.Documents());
    });

    [Fact]
    public void Callers_read_what_they_wrote() => Run(async (node, faults) =>
    {
        faults.Rule = _ => new JournalFault(Before: TimeSpan.FromMilliseconds(node.World.Random.Next(20)), After: TimeSpan.FromMilliseconds(node.World.Random.Next(20)));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            await node.AppliedAsync(Make.Put("d" + i, "h.example"));
            Assert.NotNull(await node.Mesh.Control.GetDocumentAsync(Make.Key("d" + i), CancellationToken.None));
            await node.AppliedAsync(Make.Delete("d" + i));
            Assert.Null(await node.Mesh.Control.GetDocumentAsync(Make.Key("d" + i), CancellationToken.None));
        }));
    });

    [Fact]
    public void Waiting_for_the_edges_ends_when_they_have_it_or_at_the_deadline() => Run(async (node, faults) =>
    {
        var reply = await node.AppliedAsync(PutA.Changes[0]);
        Assert.Empty(await node.Mesh.Control.WaitForEdgesAsync(reply.Position, TimeSpan.FromSeconds(2), CancellationToken.None));
        Assert.Equal(1, node.Directory.Names);
        faults.Rule = call => new JournalFault(call == JournalCall.Feed ? FaultKind.Unavailable : FaultKind.None);
        var second = await node.AppliedAsync(Make.Put("b", "b.example"));
        var began = node.World.Clock.Elapsed;
        Assert.Equal(["a"], await node.Mesh.Control.WaitForEdgesAsync(second.Position, TimeSpan.FromSeconds(2), CancellationToken.None));
        Assert.Equal(TimeSpan.FromSeconds(2), node.World.Clock.Elapsed - began);
        faults.Rule = null;
        Assert.Empty(await node.Mesh.Control.WaitForEdgesAsync(second.Position, TimeSpan.FromSeconds(2), CancellationToken.None));
    });

    [Fact]
    public void A_drain_finishes_what_waits_and_turns_away_what_comes() => Run(async (node, faults) =>
    {
        var gate = new TaskCompletionSource();
        faults.Inject(JournalCall.Append, new JournalFault(Gate: gate.Task));
        var first = node.ChangeAsync(Make.Request(Make.Put("first", "first.example")) with { IdempotencyKey = "k1" });
        await node.World.UntilAsync(() => faults.Appends.Count == 1, "the first append");
        var waiting = node.ChangeAsync(PutA with { IdempotencyKey = "k2" });
        await node.World.PassAsync(TimeSpan.FromMilliseconds(1));
        var drained = node.Mesh.DrainAsync();
        Assert.Equal(ChangeOutcome.Unavailable, (await node.ChangeAsync(Make.Request(Make.Put("late", "late.example"))))!.Outcome);
        gate.SetResult();
        await drained;
        Assert.Equal(ChangeOutcome.Applied, (await first)!.Outcome);
        Assert.Equal(ChangeOutcome.Applied, (await waiting)!.Outcome);
        Assert.Empty(node.World.Alarms);
        await node.Mesh.StopAsync();
        Assert.All(node.Store.Ownership, o => Assert.Equal("", o.Node));
    });

    [Fact]
    public void A_change_that_was_being_tried_again_when_the_node_stops_is_unavailable_not_unknown() => Run(async (node, faults) =>
    {
        faults.Rule = call => new JournalFault(call == JournalCall.Append ? FaultKind.FencedOut : FaultKind.None);
        var reply = node.ChangeAsync(PutA, TimeSpan.FromMinutes(10));
        await node.World.UntilAsync(() => faults.Appends.Count == 3, "some attempts");
        await node.World.PassAsync(TimeSpan.FromMilliseconds(60));
        await node.Mesh.StopAsync();
        Assert.Equal(ChangeOutcome.Unavailable, (await reply)!.Outcome);
        Assert.Empty(node.World.Alarms);
    });
}
