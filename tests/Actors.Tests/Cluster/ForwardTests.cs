using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Cluster;

/// <summary>Changes that a node hands to the owner of <c>vips</c> (docs/adr/0018): together they share a transaction, and each takes effect once, whatever is lost.</summary>
public sealed class ForwardTests
{
    private static void Run(Func<ForwardRig, Task> body) => Simulated.Run(23, async world =>
    {
        var rig = await new ForwardRig(world).StartAsync();
        await body(rig);
        await world.PassAsync(TimeSpan.FromSeconds(1));
        Assert.Empty(JournalAudit.Run(rig.Store.Image()).Breaches);
        Assert.Empty(rig.Network.Failures);
    });

    private static void Applied(ChangeReply reply, DocumentAction action = DocumentAction.Created)
    {
        Assert.True(reply.Outcome == ChangeOutcome.Applied, $"{reply.Outcome} {reply.Reason} {reply.Detail}");
        Assert.Equal(action, reply.Results[0].Action);
    }

    [Fact]
    public void Changes_that_come_to_different_nodes_share_a_transaction() => Run(async rig =>
    {
        var gate = new TaskCompletionSource();
        rig.Allocator.Faults.Inject(JournalCall.Append, new JournalFault(Gate: gate.Task));
        var before = rig.Allocator.Appends;
        var first = rig.Others[0].PutAsync("first");
        await rig.World.UntilAsync(() => rig.Allocator.Appends == before + 1, "the first append");
        var rest = Enumerable.Range(0, 9).Select(i => rig.Nodes["n" + (1 + (i % 3))].PutAsync("d" + i)).ToArray();
        await rig.World.PassAsync(TimeSpan.FromSeconds(1));
        gate.SetResult();
        foreach (var reply in await Task.WhenAll([first, .. rest])) Applied(reply);
        Assert.Equal(before + 2, rig.Allocator.Appends);
        Assert.All(rig.Others, o => Assert.DoesNotContain(o.Faults.Appends, a => a.Replies.Count > 0 || a.Streams.Any(s => s.Events.Count > 1)));
        Assert.Equal(7, rig.Network.Forwarded);
    });

    [Fact]
    public void A_large_change_and_a_dry_run_stay_where_they_are() => Run(async rig =>
    {
        var documents = Enumerable.Range(0, 257).Select(i => Make.Put(Make.Entry("d" + i, ["d" + i + ".example"], ["10.0.0.1"]))).ToArray();
        Applied(await rig.Others[0].ChangeAsync(Make.Request(documents)));
        Applied(await rig.Others[0].ChangeAsync(Make.Request(Make.Put("dry", "dry.example")) with { DryRun = true }));
        Assert.Equal(0, rig.Network.Forwarded);
        Applied(await rig.Others[0].ChangeAsync(Make.Request(documents[..256])), DocumentAction.Unchanged);
        Assert.Equal(1, rig.Network.Forwarded);
    });

    [Fact]
    public void When_the_owner_of_vips_dies_a_change_waits_for_the_next_one_and_succeeds() => Run(async rig =>
    {
        var others = rig.Others;
        rig.Allocator.Life.Crash();
        foreach (var reply in await Task.WhenAll(others.SelectMany(o => Enumerable.Range(0, 5).Select(i => o.PutAsync(o.Name + "-" + i))))) Applied(reply);
    });

    [Fact]
    public void When_the_owner_of_vips_is_held_a_change_succeeds_without_it_and_only_once() => Run(async rig =>
    {
        var (held, other) = (rig.Allocator, rig.Others[0]);
        held.Life.Pause();
        Applied(await other.PutAsync("a"));
        Applied(await other.PutAsync("a", port: 81), DocumentAction.Configured);
        held.Life.Resume();
        await rig.World.PassAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(81, rig.Document("a")!.Document.ServiceEntry!.Ports[0].Number);
    });

    [Fact]
    public void When_the_reply_is_lost_the_node_finds_out_what_it_was() => Run(async rig =>
    {
        rig.Network.LosesReply = request => request is ForwardChange;
        Applied(await rig.Others[0].PutAsync("a"));
        Assert.Equal((1L, 1), (rig.Document("a")!.Version, rig.Store.ForwardsFound));
    });

    [Fact]
    public void A_forward_that_comes_after_its_node_went_on_alone_has_no_effect() => Run(async rig =>
    {
        var gate = HoldForwards(rig);
        var other = rig.Others[0];
        Applied(await other.PutAsync("a"));
        Applied(await rig.Allocator.PutAsync("a", port: 81), DocumentAction.Configured);
        gate.SetResult();
        await rig.World.PassAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(1, rig.Network.Forwarded);
        Assert.Equal((2L, 81), (rig.Document("a")!.Version, rig.Document("a")!.Document.ServiceEntry!.Ports[0].Number));
    });

    [Fact]
    public void What_was_refused_does_not_happen_later() => Run(async rig =>
    {
        var gate = HoldForwards(rig);
        var reply = await rig.Others[0].ChangeAsync(Make.Request(Make.Delete("a")) with { MustExist = true });
        Assert.Equal(RefusalReason.NotFound, reply.Reason);
        Applied(await rig.Allocator.PutAsync("a"));
        gate.SetResult();
        await rig.World.PassAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(1, rig.Network.Forwarded);
        Assert.NotNull(rig.Document("a"));
    });

    [Fact]
    public void What_changed_nothing_does_not_undo_what_came_after() => Run(async rig =>
    {
        Applied(await rig.Allocator.PutAsync("a"));
        var gate = HoldForwards(rig);
        Applied(await rig.Others[0].PutAsync("a"), DocumentAction.Unchanged);
        Applied(await rig.Allocator.PutAsync("a", port: 81), DocumentAction.Configured);
        gate.SetResult();
        await rig.World.PassAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(81, rig.Document("a")!.Document.ServiceEntry!.Ports[0].Number);
    });

    [Fact]
    public void While_it_is_not_certain_that_nothing_will_happen_nobody_is_told_so() => Run(async rig =>
    {
        var gate = HoldForwards(rig);
        var other = rig.Others[0];
        other.Faults.Rule = call => new JournalFault(call is JournalCall.Append or JournalCall.Reply ? FaultKind.Unavailable : FaultKind.None);
        var reply = await other.PutAsync("a");
        Assert.Equal(ChangeOutcome.Unknown, reply.Outcome);
        gate.SetResult();
        await rig.World.PassAsync(TimeSpan.FromSeconds(5));
        Assert.NotNull(rig.Document("a"));
    });

    [Fact]
    public void A_callers_key_is_one_key_through_whatever_node() => Run(async rig =>
    {
        var request = Make.Request(Make.Put("a", "a.example")) with { IdempotencyKey = "k" };
        foreach (var node in rig.Nodes.Values) Applied(await node.ChangeAsync(request));
        Assert.Equal(1L, rig.Document("a")!.Version);
        Assert.Equal(RefusalReason.KeyReused, (await rig.Others[1].ChangeAsync(Make.Request(Make.Delete("a")) with { IdempotencyKey = "k" })).Reason);
    });

    [Fact]
    public void A_caller_cannot_use_a_key_of_the_nodes() => Run(async rig =>
    {
        foreach (var node in rig.Nodes.Values)
            Assert.Equal(RefusalReason.Invalid, (await node.ChangeAsync(Make.Request(Make.Put("a", "a.example")) with { IdempotencyKey = " k" })).Reason);
    });

    [Fact]
    public void A_forward_to_another_epoch_or_without_a_key_of_a_node_is_refused() => Run(async rig =>
    {
        var request = Make.Request(Make.Put("a", "a.example"));
        var epoch = rig.Allocator.Mesh.Local.Allocator.Epoch;
        foreach (var (node, forward) in new[]
        {
            (rig.Allocator, new ForwardChange(request, " k", epoch - 1, 1000)), (rig.Allocator, new ForwardChange(request, " k", epoch + 1, 1000)),
            (rig.Others[0], new ForwardChange(request, " k", epoch, 1000)), (rig.Allocator, new ForwardChange(request, "k", epoch, 1000)), (rig.Allocator, new ForwardChange(request, " " + new string('k', 128), epoch, 1000)),
        })
            Assert.IsType<NodeRefusal>(await node.Mesh.Server.HandleAsync(forward, CancellationToken.None));
        Assert.Null(rig.Document("a"));
    });

    [Fact]
    public void A_draining_owner_of_vips_loses_no_change() => Run(async rig =>
    {
        var (owner, other) = (rig.Allocator, rig.Others[0]);
        var draining = owner.Mesh.DrainAsync();
        foreach (var i in Enumerable.Range(0, 10)) Applied(await other.PutAsync("d" + i));
        await draining;
    });

    // Whatever is forwarded from now on stays on its way until the gate opens.
    private static TaskCompletionSource HoldForwards(ForwardRig rig)
    {
        var gate = new TaskCompletionSource();
        rig.Network.Hold = request => request is ForwardChange ? gate.Task : Task.CompletedTask;
        return gate;
    }
}
