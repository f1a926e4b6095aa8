using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Shards;

/// <summary>Changes that wait together share a transaction, and each still gets its own answer.</summary>
public sealed class GroupCommitTests
{
    private static void Run(Func<SimulatedNode, JournalFaults, Task> body, int shards = 8) => Simulated.Run(7, async world =>
    {
        var faults = new JournalFaults();
        var node = await new SimulatedNode(world, new SimulatedStore(world.Clock), faults, SimulatedNode.Options(shards)).StartAsync();
        faults.Appends.Clear();
        await body(node, faults);
        node.AssertClean();
    });

    // The first change goes alone and is kept in the journal until the others wait behind it.
    private static async Task<ChangeReply[]> TogetherAsync(SimulatedNode node, JournalFaults faults, params ChangeRequest[] requests)
    {
        var gate = new TaskCompletionSource();
        faults.Inject(JournalCall.Append, new JournalFault(Gate: gate.Task));
        var first = node.ChangeAsync(Make.Request(Make.Put("gate", "gate.example")));
        await node.World.UntilAsync(() => faults.Appends.Count > 0, "the first append");
        faults.Appends.Clear();
        var replies = requests.Select(r => node.ChangeAsync(r)).ToArray();
        await node.World.PassAsync(TimeSpan.FromMilliseconds(1));
        gate.SetResult();
        await first;
        return (await Task.WhenAll(replies))!;
    }

    [Fact]
    public void Changes_that_wait_together_share_one_transaction() => Run(async (node, faults) =>
    {
        var replies = await TogetherAsync(node, faults, [.. Enumerable.Range(0, 10).Select(i => Make.Request(Make.Put("d" + i, "h" + i + ".example")))]);
        Assert.All(replies, r => Assert.Equal(ChangeOutcome.Applied, r.Outcome));
        Assert.Single(faults.Appends);
        Assert.Equal(11, node.Leases().Count);
    });

    [Fact]
    public void One_refused_change_does_not_stop_the_others() => Run(async (node, faults) =>
    {
        var replies = await TogetherAsync(node, faults,
            Make.Request(Make.Put("a", "a.example")),
            Make.Request(Make.Put(Make.Entry("many", [.. Enumerable.Range(0, 40).Select(i => $"m{i}.example")]))),
            Make.Request(Make.Delete("never")) with { MustExist = true },
            Make.Request(Make.Put("b", "b.example")));
        Assert.Equal([ChangeOutcome.Applied, ChangeOutcome.Refused, ChangeOutcome.Refused, ChangeOutcome.Applied], replies.Select(r => r.Outcome));
        Assert.Equal(RefusalReason.PoolExhausted, replies[1].Reason);
        Assert.Equal(RefusalReason.NotFound, replies[2].Reason);
        Assert.Equal(3, node.Documents().Count);
        Assert.Single(faults.Appends);
    });

    [Fact]
    public void Many_refusals_in_many_streams_do_not_wear_out_the_patience_for_the_others() => Run(async (node, faults) =>
    {
        // Twelve hosts, each at its limit of documents, spread over the shards: each stream refuses on its own.
        foreach (var host in Enumerable.Range(0, 12))
            await node.AppliedAsync([.. Enumerable.Range(0, 256).Select(i => Make.Put(Make.Entry($"h{host}d{i}", [$"full{host}.example"], ["10.0.0.1"])))]);
        var requests = Enumerable.Range(0, 12).Select(i => Make.Request(Make.Put(Make.Entry("x" + i, [$"full{i}.example"], ["10.0.0.1"])))).Append(Make.Request(Make.Put("good", "good.example"))).ToArray();
        var replies = await TogetherAsync(node, faults, requests);
        Assert.All(replies[..12], r => Assert.Equal(RefusalReason.Invalid, r.Reason));
        Assert.Equal(ChangeOutcome.Applied, replies[12].Outcome);
    }, shards: 32);

    [Fact]
    public void Changes_of_one_document_are_done_one_after_the_other_in_order() => Run(async (node, faults) =>
    {
        var replies = await TogetherAsync(node, faults, [.. Enumerable.Range(0, 5).Select(i => Make.Request(Make.Put(Make.Entry("same", ["same.example"], port: 100 + i))))]);
        Assert.All(replies, r => Assert.Equal(ChangeOutcome.Applied, r.Outcome));
        Assert.Equal(104, node.Documents()[Make.Key("same")].Document.ServiceEntry!.Ports[0].Number);
        Assert.Equal(5, replies.Select(r => r.Results[0].Version).Distinct().Count());
    });

    [Fact]
    public void Of_several_changes_with_the_same_If_Match_exactly_one_is_done() => Run(async (node, faults) =>
    {
        var version = (await node.AppliedAsync(Make.Put("same", "same.example"))).Results[0].Version;
        faults.Appends.Clear();
        var replies = await TogetherAsync(node, faults, [.. Enumerable.Range(0, 8).Select(i => Make.Request(Make.Put(Make.Entry("same", ["same.example"], port: 100 + i), ifMatch: version)))]);
        Assert.Single(replies, r => r.Outcome == ChangeOutcome.Applied);
        Assert.Equal(7, replies.Count(r => r.Reason == RefusalReason.VersionMismatch));
    });

    [Fact]
    public void Both_changes_of_a_batch_are_told_when_one_moves_the_others_VIP() => Run(async (node, faults) =>
    {
        // The gate takes 240.240.0.1, the first change 240.240.0.2, which the second one claims.
        var replies = await TogetherAsync(node, faults, Make.Request(Make.Put("a", "a.example")), Make.Request(Make.Put(Make.Entry("b", ["b.example"], ["240.240.0.2"]))));
        Assert.Equal("240.240.0.3", replies[0].Results[0].Addresses[0].Value);
        Assert.Contains(replies[0].Results[0].Warnings, w => w.Contains("a.example moved", StringComparison.Ordinal));
        Assert.Contains(replies[1].Results[0].Warnings, w => w.Contains("a.example moved", StringComparison.Ordinal));
    });

    [Fact]
    public void A_dry_run_in_the_queue_goes_alone_and_writes_nothing() => Run(async (node, faults) =>
    {
        var replies = await TogetherAsync(node, faults,
            Make.Request(Make.Put("a", "a.example")),
            Make.Request(Make.Put("b", "b.example")) with { DryRun = true },
            Make.Request(Make.Put("c", "c.example")));
        Assert.All(replies, r => Assert.Equal(ChangeOutcome.Applied, r.Outcome));
        Assert.Equal(["a", "c", "gate"], node.Documents().Keys.Select(k => k.Name).Order(StringComparer.Ordinal));
    });

    [Fact]
    public void When_the_guard_refuses_a_batch_only_the_guilty_change_is_refused() => Run(async (node, faults) =>
    {
        // A row that no event stands for: the next index that the allocator gives is taken in the lease table.
        node.Store.PlantLease(3, "ghost.example", "leased");
        var replies = await TogetherAsync(node, faults,
            Make.Request(Make.Put("a", "a.example")),
            Make.Request(Make.Put("b", "b.example")),
            Make.Request(Make.Put(Make.Entry("c", ["c.example"], ["10.0.0.1"]))));
        Assert.Equal([ChangeOutcome.Applied, ChangeOutcome.Refused, ChangeOutcome.Applied], replies.Select(r => r.Outcome));
        Assert.Equal(RefusalReason.GuardRefused, replies[1].Reason);
        Assert.Contains(node.World.Alarms, a => a.Source == "coordinator" && a.Message.Contains("lease tables", StringComparison.Ordinal));
        node.Store.PlantLease(3, "", "quarantined");
    });

    [Fact]
    public void A_guard_that_refuses_does_not_make_the_node_loop() => Run(async (node, faults) =>
    {
        node.Store.PlantLease(1, "ghost.example", "leased");
        faults.Appends.Clear();
        var reply = await node.ChangeAsync(Make.Request(Make.Put("a", "a.example")));
        Assert.Equal(RefusalReason.GuardRefused, reply!.Reason);
        await node.World.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Single(faults.Appends);
        Assert.Single(node.World.Alarms, a => a.Level == ActorLogLevel.Alarm);
        Assert.True(node.Mesh.IsReady);
        await node.AppliedAsync(Make.Put(Make.Entry("b", ["b.example"], ["10.0.0.1"])));
        node.Store.PlantLease(1, "", "quarantined");
    });

    [Fact]
    public void Too_many_waiting_changes_are_turned_away_with_nothing_written() => Run(async (node, faults) =>
    {
        var gate = new TaskCompletionSource();
        faults.Inject(JournalCall.Append, new JournalFault(Gate: gate.Task));
        var first = node.ChangeAsync(Make.Request(Make.Put("gate", "gate.example")));
        await node.World.UntilAsync(() => faults.Appends.Count > 0, "the first append");
        var replies = Enumerable.Range(0, 4200).Select(_ => node.ChangeAsync(Make.Request(Make.Delete("never")))).ToArray();
        await node.World.PassAsync(TimeSpan.FromMilliseconds(1));
        Assert.Equal(104, replies.Count(r => r.IsCompleted));
        gate.SetResult();
        await first;
        var ended = await Task.WhenAll(replies);
        Assert.Equal(104, ended.Count(r => r!.Outcome == ChangeOutcome.Unavailable));
        Assert.Equal(4096, ended.Count(r => r!.Outcome == ChangeOutcome.Applied));
    });
}
