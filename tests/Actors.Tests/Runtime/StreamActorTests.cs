using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Runtime;

public sealed class StreamActorTests
{
    private static readonly TimeSpan _holdLimit = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_stream_recovers_from_snapshot_and_replay_at_a_higher_epoch() => Simulated.Run(1, async world =>
    {
        var first = await new StreamRig(world).StartAsync();
        for (var i = 0; i < 500; i++) await first.ChangeAsync("n" + i);
        await first.Owner.StopAsync(); // writes a snapshot
        var second = await new StreamRig(world, first.Store).StartAsync();
        await second.ChangeAsync("c");
        var third = await new StreamRig(world, first.Store).StartAsync();
        Assert.Equal(501, third.Names.Count());
        Assert.Equal((3L, 501L), (third.Owner.View.Fence.Epoch, third.Owner.View.Fence.Seq));
        var history = first.Store.Read(StreamRig.Stream);
        Assert.Equal(500, history.SnapshotSeq);
        Assert.Single(history.Rows);
    });

    [Fact]
    public void Nothing_is_shown_before_the_recovery() => Simulated.Run(2, async world =>
    {
        var rig = new StreamRig(world);
        Assert.False(rig.Owner.IsReady);
        Assert.Throws<OwnerAwayException>(() => rig.Owner.View);
        rig.Owner.Start();
        await Assert.ThrowsAsync<OwnerAwayException>(() => rig.PrepareAsync(Guid.NewGuid(), "a"));
    });

    [Fact]
    public void A_recovery_outlasts_a_journal_that_is_away() => Simulated.Run(3, async world =>
    {
        var rig = new StreamRig(world);
        rig.Faults.Inject(JournalCall.Read, FaultKind.Unavailable);
        rig.Faults.Inject(JournalCall.Read, FaultKind.Unavailable);
        rig.Faults.Inject(JournalCall.Claim, new JournalFault(), new JournalFault(FaultKind.Unavailable));
        await rig.StartAsync();
        // Each attempt claims anew, since the epoch must be raised before every replay.
        Assert.Equal(rig.Epoch, rig.Owner.View.Fence.Epoch);
        Assert.Equal(3, rig.Epoch);
        Assert.Empty(world.Alarms);
    });

    [Fact]
    public void A_commit_is_seen_when_it_returns_and_not_before() => Simulated.Run(4, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        var prepared = await rig.PrepareAsync(batch, "a");
        Assert.Empty(rig.Names);
        await rig.AppendAsync(prepared);
        Assert.Empty(rig.Names);
        await rig.Owner.CommitAsync(batch, StreamRig.Deadline);
        Assert.Equal(["a"], rig.Names);
        Assert.Equal(1, rig.Owner.View.Fence.Seq);
    });

    [Fact]
    public void A_release_forgets_and_the_next_batch_starts_from_the_same_seq() => Simulated.Run(5, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        var released = await rig.PrepareAsync(batch, "a");
        rig.Owner.Release(batch);
        var next = await rig.PrepareAsync(Guid.NewGuid(), "b");
        Assert.Equal(released.Append!.Fence, next.Append!.Fence);
        Assert.Equal(1, rig.Epoch);
    });

    [Fact]
    public void Preparing_the_same_batch_again_replaces_it() => Simulated.Run(6, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        await rig.PrepareAsync(batch, "a");
        var second = await rig.PrepareAsync(batch, "b");
        await rig.AppendAsync(second);
        await rig.Owner.CommitAsync(batch, StreamRig.Deadline);
        Assert.Equal(["b"], rig.Names);
    });

    [Fact]
    public void Waiting_batches_are_served_in_the_order_asked() => Simulated.Run(7, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var held = Guid.NewGuid();
        await rig.PrepareAsync(held, "held");
        var order = new List<string>();
        var waiting = new List<Task>();
        foreach (var name in new[] { "a", "b", "c", "d" }) waiting.Add(RunAsync(name));
        await world.PassAsync(TimeSpan.FromMilliseconds(1));
        Assert.Empty(order);
        rig.Owner.Release(held);
        await Task.WhenAll(waiting);
        Assert.Equal(["a", "b", "c", "d"], order);

        async Task RunAsync(string name)
        {
            var batch = Guid.NewGuid();
            var prepared = await rig.PrepareAsync(batch, name);
            order.Add(name);
            await rig.AppendAsync(prepared);
            await rig.Owner.CommitAsync(batch, StreamRig.Deadline);
        }
    });

    [Fact]
    public void A_waiting_batch_whose_caller_has_gone_is_passed_over() => Simulated.Run(8, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var held = Guid.NewGuid();
        await rig.PrepareAsync(held, "held");
        var gone = rig.PrepareAsync(Guid.NewGuid(), "gone", TimeSpan.FromSeconds(1));
        var patient = rig.PrepareAsync(Guid.NewGuid(), "patient");
        await Assert.ThrowsAsync<MeshUnavailableException>(() => gone);
        rig.Owner.Release(held);
        Assert.NotNull((await patient).Append);
        Assert.Equal(1, rig.Epoch);
    });

    [Fact]
    public void A_batch_that_does_not_wait_is_told_at_once_that_another_holds_the_stream() => Simulated.Run(8, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var held = Guid.NewGuid();
        await rig.PrepareAsync(held, "held");
        var began = world.Clock.Elapsed;
        var refused = await rig.PrepareAsync(Guid.NewGuid(), "hasty", noWait: true);
        Assert.Equal((TimeSpan.Zero, null), (world.Clock.Elapsed - began, refused.Append));
        Assert.Equal(RefusalReason.Contention, Assert.Single(refused.Replies).Refused?.Reason);
        // The batch that holds it may prepare again; and once it is free nobody is in line.
        Assert.NotNull((await rig.PrepareAsync(held, "again", noWait: true)).Append);
        rig.Owner.Release(held);
        Assert.NotNull((await rig.PrepareAsync(Guid.NewGuid(), "next", noWait: true)).Append);
    });

    [Fact]
    public void The_queue_of_waiting_batches_is_bounded() => Simulated.Run(9, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        await rig.PrepareAsync(Guid.NewGuid(), "held");
        var waiting = Enumerable.Range(0, 300).Select(i => rig.PrepareAsync(Guid.NewGuid(), "n" + i)).ToArray();
        await world.PassAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(44, waiting.Count(w => w.IsFaulted));
        foreach (var refused in waiting.Where(w => w.IsFaulted)) await Assert.ThrowsAsync<MeshUnavailableException>(() => refused);
        await Task.WhenAll(waiting.Select(async w => { try { await w; } catch (MeshUnavailableException) { } }));
    });

    [Fact]
    public void A_refusal_holds_nothing_and_says_which_change() => Simulated.Run(10, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        await rig.ChangeAsync("a");
        var prepared = await rig.Owner.PrepareAsync(Guid.NewGuid(), [new(0, StreamRig.Put("b")), new(1, StreamRig.Put("a")), new(2, StreamRig.Put("c"))], StreamRig.Hold, StreamRig.Deadline, CancellationToken.None);
        Assert.Null(prepared.Append);
        Assert.Equal([null, RefusalReason.Contention, null], prepared.Replies.Select(r => r.Refused?.Reason));
        Assert.NotNull((await rig.PrepareAsync(Guid.NewGuid(), "d")).Append);
    });

    [Fact]
    public void A_hold_that_nobody_ends_raises_the_epoch_and_the_late_append_is_fenced() => Simulated.Run(11, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        var late = await rig.PrepareAsync(batch, "late");
        await world.PassAsync(_holdLimit - TimeSpan.FromSeconds(1));
        Assert.Equal(1, rig.Epoch);
        await world.PassAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(2, rig.Epoch);
        Assert.Equal(AppendOutcome.Fenced, (await rig.AppendAsync(late)).Outcome);
        await rig.Owner.CommitAsync(batch, StreamRig.Deadline);
        Assert.Empty(rig.Names);
        await rig.ChangeAsync("next");
        Assert.Equal(["next"], rig.Names);
    });

    [Fact]
    public void A_hold_that_ran_out_after_the_append_learns_of_it_from_the_journal() => Simulated.Run(12, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        await rig.AppendAsync(await rig.PrepareAsync(batch, "durable"));
        await world.PassAsync(_holdLimit + TimeSpan.FromSeconds(1));
        Assert.Equal(["durable"], rig.Names);
        Assert.Equal(2, rig.Epoch);
        await rig.Owner.CommitAsync(batch, StreamRig.Deadline);
        Assert.Equal(["durable"], rig.Names);
    });

    [Theory]
    [InlineData(FaultKind.DoubtAfter, true)]
    [InlineData(FaultKind.DoubtBefore, false)]
    internal void An_append_in_doubt_is_settled_by_the_replay(FaultKind kind, bool happened) => Simulated.Run(13, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        var prepared = await rig.PrepareAsync(batch, "doubtful");
        rig.Faults.Inject(JournalCall.Append, kind);
        await Assert.ThrowsAsync<JournalInDoubtException>(() => rig.AppendAsync(prepared));
        rig.Owner.Recover(batch);
        var next = await rig.PrepareAsync(Guid.NewGuid(), "next");
        Assert.Equal(happened ? ["doubtful"] : [], rig.Names);
        Assert.Equal((2L, happened ? 1L : 0L), (next.Append!.Fence.Epoch, next.Append.Fence.Seq));
    });

    [Fact]
    public void Batches_that_wait_through_a_recovery_are_served_after_it() => Simulated.Run(14, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        await rig.PrepareAsync(batch, "held");
        var waiting = rig.PrepareAsync(Guid.NewGuid(), "waiting");
        rig.Faults.Inject(JournalCall.Claim, FaultKind.Unavailable);
        rig.Faults.Inject(JournalCall.Read, FaultKind.Unavailable);
        rig.Owner.Recover(batch);
        Assert.Equal(3, (await waiting).Append!.Fence.Epoch);
    });

    [Fact]
    public void Signals_about_another_batch_change_nothing() => Simulated.Run(15, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        var batch = Guid.NewGuid();
        var prepared = await rig.PrepareAsync(batch, "a");
        rig.Owner.Release(Guid.NewGuid());
        rig.Owner.Recover(Guid.NewGuid());
        await rig.Owner.CommitAsync(Guid.NewGuid(), StreamRig.Deadline);
        Assert.Empty(rig.Names);
        await rig.AppendAsync(prepared);
        await rig.Owner.CommitAsync(batch, StreamRig.Deadline);
        Assert.Equal(["a"], rig.Names);
        Assert.Equal(1, rig.Epoch);
    });

    [Fact]
    public void The_end_of_a_hold_is_not_lost_to_a_full_mailbox() => Simulated.Run(16, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        await rig.PrepareAsync(Guid.NewGuid(), "stuck");
        // Synchronously, so that the actor does not run between the mailbox filling up and the hold's end.
        Fill();
        world.Clock.Advance(_holdLimit);
        await world.PassAsync(_holdLimit * 2);
        Assert.True(rig.Epoch > 1, "the hold has not ended");
        await rig.ChangeAsync("next");

        void Fill() { while (rig.Owner.CommitAsync(Guid.NewGuid(), StreamRig.Deadline) is { IsCompleted: false }) { } }
    });

    [Fact]
    public void A_damaged_event_raises_an_alarm_and_does_not_loop() => Simulated.Run(17, async world =>
    {
        var first = await new StreamRig(world).StartAsync();
        await first.ChangeAsync("a");
        first.Store.Damage(StreamRig.Stream, 1, "document-put.1", "{ damaged"u8.ToArray());
        var second = new StreamRig(world, first.Store);
        await second.AdoptAsync();
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.False(second.Owner.IsReady);
        Assert.Contains(world.Alarms, a => a.Source == StreamRig.Stream && a.Error is FormatException);
        Assert.InRange(second.Faults.Calls[JournalCall.Read], 1, 100);
        await Assert.ThrowsAsync<MeshUnavailableException>(() => second.PrepareAsync(Guid.NewGuid(), "b"));
    });

    [Fact]
    public void A_stream_whose_replay_failed_recovers_when_the_damage_is_mended() => Simulated.Run(170, async world =>
    {
        var first = await new StreamRig(world).StartAsync();
        await first.ChangeAsync("a");
        var whole = first.Store.Read(StreamRig.Stream).Rows[0];
        first.Store.Damage(StreamRig.Stream, 1, "document-put.1", "{ damaged"u8.ToArray());
        var second = new StreamRig(world, first.Store);
        await second.AdoptAsync();
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.False(second.Owner.IsReady);
        // After three attempts it is given up, for others to try; and is tried here again when it is claimed again.
        Assert.Equal("", first.Store.Ownership.Single().Node);
        Assert.True(second.Owner.Abstains);
        first.Store.Damage(StreamRig.Stream, 1, whole.Kind, whole.Payload);
        await second.AdoptAgainAsync();
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.True(second.Owner.IsReady);
        Assert.False(second.Owner.Abstains);
        await second.ChangeAsync("b");
    });

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    public void Any_kind_of_damage_is_survived(string payload) => Simulated.Run(18, async world =>
    {
        var first = await new StreamRig(world).StartAsync();
        await first.ChangeAsync("a");
        first.Store.Damage(StreamRig.Stream, 1, "document-put.1", System.Text.Encoding.UTF8.GetBytes(payload));
        var second = new StreamRig(world, first.Store);
        await second.AdoptAsync();
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.False(second.Owner.IsReady);
        Assert.NotEmpty(world.Alarms);
    });

    [Fact]
    public void A_kind_of_a_newer_version_stops_the_stream_and_names_itself() => Simulated.Run(19, async world =>
    {
        var first = await new StreamRig(world).StartAsync();
        await first.ChangeAsync("a");
        first.Store.Damage(StreamRig.Stream, 1, "document-renamed.1", "{}"u8.ToArray());
        var second = new StreamRig(world, first.Store);
        await second.AdoptAsync();
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Contains(world.Alarms, a => a.Error!.Message.Contains("document-renamed.1", StringComparison.Ordinal) && a.Error.Message.Contains("newer version", StringComparison.Ordinal));
    });

    [Fact]
    public void Damage_found_while_it_runs_stops_the_stream_without_a_hot_loop() => Simulated.Run(20, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        await rig.ChangeAsync("a");
        rig.Store.Damage(StreamRig.Stream, 1, "document-put.1", "{ damaged"u8.ToArray());
        await rig.PrepareAsync(Guid.NewGuid(), "b");
        await world.PassAsync(TimeSpan.FromMinutes(5));
        Assert.False(rig.Owner.IsReady);
        Assert.InRange(rig.Faults.Calls[JournalCall.Read], 1, 200);
        Assert.NotEmpty(world.Alarms);
    });

    [Fact]
    public void What_is_appended_after_a_claim_is_there_before_the_first_change() => Simulated.Run(21, async world =>
    {
        var fact = new HostDeclared(HostName.Parse("x.example"), new HostDeclaration { Document = Make.Key("x") });
        var rig = new StreamRig(world, onClaim: [fact]);
        rig.Faults.Inject(JournalCall.Append, FaultKind.Unavailable);
        rig.Faults.Inject(JournalCall.Append, FaultKind.DoubtBefore);
        await rig.StartAsync();
        Assert.Equal(1, rig.Owner.View.Fence.Seq);
        Assert.Single(rig.Owner.View.State.Hosts);
    });

    [Fact]
    public void Who_loses_the_stream_while_it_recovers_sleeps() => Simulated.Run(23, async world =>
    {
        var rig = new StreamRig(world, onClaim: [new HostDeclared(HostName.Parse("x.example"), new HostDeclaration { Document = Make.Key("x") })]);
        rig.Faults.Inject(JournalCall.Append, FaultKind.FencedOut);
        await rig.AdoptAsync();
        await world.PassAsync(TimeSpan.FromMinutes(1));
        Assert.False(rig.Owner.IsOwner);
        Assert.Equal("rival", rig.Store.Ownership.Single().Node);
        await Assert.ThrowsAsync<OwnerAwayException>(() => rig.PrepareAsync(Guid.NewGuid(), "a"));
    });

    [Fact]
    public void A_snapshot_is_written_every_so_many_events_and_its_failure_harms_nothing() => Simulated.Run(22, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        rig.Faults.Inject(JournalCall.Snapshot, FaultKind.Unavailable);
        for (var i = 0; i < 2001; i++) await rig.ChangeAsync("n" + i);
        // The caller's reply does not wait for the snapshot.
        await world.PassAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(2, rig.Faults.Calls[JournalCall.Snapshot]);
        Assert.InRange(rig.Store.Read(StreamRig.Stream).SnapshotSeq, 2000, 2001);
        Assert.Empty(world.Alarms);
        var again = await new StreamRig(world, rig.Store).StartAsync();
        Assert.Equal(2001, again.Names.Count());
    });

    [Fact]
    public void A_stop_while_the_journal_is_away_ends() => Simulated.Run(23, async world =>
    {
        var rig = await new StreamRig(world).StartAsync();
        rig.Faults.Rule = _ => new JournalFault(FaultKind.Unavailable);
        var batch = Guid.NewGuid();
        await rig.PrepareAsync(batch, "a");
        rig.Owner.Recover(batch);
        await world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.False(rig.Owner.IsReady);
        await rig.Owner.StopAsync();
    });
}
