using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Tests.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>The one writer of the log.</summary>
public sealed class ChangeLogTests
{
    [Fact]
    public void Nothing_is_answered_before_the_start_row_is_durable()
    {
        var rig = new ChangeLogRig();
        rig.Begin(LogRows.TermA);
        Assert.IsType<NotMe>(rig.AnswerTo(rig.Submit(Put("a"))));
        rig.LookAtEnd();
        Assert.IsType<NotMe>(rig.AnswerTo(rig.Submit(Put("a"))));
        Assert.Equal(TermPhase.Starting, rig.State.Phase);
        var facts = rig.Append();
        Assert.Equal((TermPhase.Serving, 1L), (rig.State.Phase, Assert.IsType<AllocatorStarted>(facts[0]).Epoch));
    }

    [Fact]
    public void A_recovery_that_did_not_reach_the_logs_end_writes_nothing()
    {
        var rig = new ChangeLogRig();
        rig.Begin(LogRows.TermA);
        rig.LookAtEnd(new LogPosition(3, LogRows.TermB));
        Assert.Equal(TermPhase.Over, rig.State.Phase);
        Assert.Empty(rig.Outputs.OfType<Append>());
        // Of the same length, and of another past.
        var other = ChangeLogRig.Serving();
        other.Begin(LogRows.TermB);
        other.LookAtEnd(other.Rows[^1].Position with { Term = "cccccccccccccccc" });
        Assert.Equal(TermPhase.Over, other.State.Phase);
        Assert.Empty(other.Outputs.OfType<Append>());
    }

    [Fact]
    public void A_look_that_took_too_long_stamps_no_start()
    {
        var rig = new ChangeLogRig();
        rig.Begin(LogRows.TermA);
        rig.Pass(LogClock.FreshMs + 1);
        rig.LookAtEnd();
        Assert.Equal((TermPhase.Looking, 2), (rig.State.Phase, rig.Outputs.OfType<Look>().Count()));
    }

    [Fact]
    public void A_reply_comes_after_the_append_and_not_before()
    {
        var rig = ChangeLogRig.Serving();
        var id = rig.Submit(Put("a"));
        Assert.Null(rig.AnswerTo(id));
        var facts = rig.Append();
        Assert.Single(facts.OfType<VipGranted>());
        Assert.Equal((ChangeOutcome.Applied, 2), (rig.ReplyTo(id)!.Outcome, rig.ReplyTo(id)!.Results[0].Addresses.Count));
        Assert.Equal(rig.Rows[^1].Position, Assert.Single(rig.Outputs.OfType<TellReaders>()).End);
    }

    [Fact]
    public void What_waits_is_written_together_and_a_refused_one_leaves_no_trace()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("first"));
        var (good, bad, other) = (rig.Submit(Put("a")), rig.Submit(Make.Request(Make.Put(Make.Entry("b", "b.example"), ifMatch: 77))), rig.Submit(Put("c")));
        rig.Append();
        var facts = rig.Append();
        Assert.Equal(["a", "c"], facts.OfType<DocumentPut>().Select(p => p.Document.Key.Name));
        Assert.Equal((ChangeOutcome.Applied, ChangeOutcome.Refused, ChangeOutcome.Applied), (rig.ReplyTo(good)!.Outcome, rig.ReplyTo(bad)!.Outcome, rig.ReplyTo(other)!.Outcome));
    }

    [Fact]
    public void A_batch_is_bounded_and_bulk_goes_alone()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("first"));
        for (var i = 0; i < 300; i++) rig.Submit(Explicit("d" + i));
        rig.Submit(Make.Request([.. Enumerable.Range(0, WaitingChange.BulkAbove + 1).Select(i => Explicit("bulk" + i).Changes[0])]));
        rig.Submit(Explicit("after"));
        var sizes = new List<int>();
        while (rig.Asked is not null) sizes.Add(rig.Append().OfType<DocumentPut>().Count());
        Assert.Equal([1, 256, 44, 257, 1], sizes);
    }

    [Fact]
    public void No_more_wait_than_may()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("first"));
        for (var i = 0; i < ChangeLog.MostWaiting; i++) rig.Submit(Put("a"));
        Assert.Equal(ChangeOutcome.Unavailable, rig.ReplyTo(rig.Submit(Put("a")))!.Outcome);
        // Dry runs have places of their own, and run beside the appends.
        Assert.Null(rig.AnswerTo(rig.Submit(Put("a") with { DryRun = true })));
        Assert.Single(rig.Outputs.OfType<DecideApart>());
        for (var i = 0; i < 65; i++) rig.Submit(Put("a") with { DryRun = true });
        Assert.Equal(2, rig.Outputs.OfType<DecideApart>().Count());
        Assert.Equal(ChangeOutcome.Unavailable, rig.ReplyTo(rig.Submit(Put("a") with { DryRun = true }))!.Outcome);
    }

    [Fact]
    public void What_wrote_nothing_waits_for_a_look_that_begins_after_it()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("a"));
        rig.Append();
        var id = rig.Submit(Put("a"));
        Assert.Null(rig.Asked);
        var later = rig.Submit(Put("a"));
        rig.LookAtEnd();
        Assert.Equal(DocumentAction.Unchanged, rig.ReplyTo(id)!.Results[0].Action);
        Assert.Null(rig.AnswerTo(later));
        rig.LookAtEnd();
        Assert.NotNull(rig.ReplyTo(later));
    }

    [Fact]
    public void A_look_that_has_not_seen_what_was_appended_since_it_began_ends_nobody()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("a"));
        rig.Append();
        var id = rig.Submit(Put("a"));
        var seen = rig.Rows[^1].Position;
        var later = rig.Submit(Put("b"));
        rig.Append();
        rig.LookAtEnd(seen);
        Assert.Equal(TermPhase.Serving, rig.State.Phase);
        Assert.Equal(DocumentAction.Unchanged, rig.ReplyTo(id)!.Results[0].Action);
        Assert.NotNull(rig.ReplyTo(later));
        // One that lacks what was there when it began tells of a past that is gone.
        rig.Submit(Put("b"));
        rig.LookAtEnd(seen);
        Assert.Equal(TermPhase.Over, rig.State.Phase);
    }

    [Fact]
    public void A_superseded_incarnation_answers_no_no_op_and_ends()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("a"));
        rig.Append();
        var id = rig.Submit(Put("a"));
        rig.LookAtEnd(new LogPosition(rig.Rows.Count + 1, LogRows.TermB));
        Assert.Equal(new TermOver(MayBeDone: false), rig.AnswerTo(id));
        Assert.Equal(TermPhase.Over, rig.State.Phase);
        Assert.IsType<NotMe>(rig.AnswerTo(rig.Submit(Put("b"))));
    }

    [Fact]
    public void The_same_key_is_answered_once_and_by_the_next_incarnation_too()
    {
        var rig = ChangeLogRig.Serving();
        var first = rig.Submit(Put("a"), key: "k");
        rig.Append();
        var again = rig.Submit(Put("a"), key: "k");
        rig.LookAtEnd();
        Assert.True(rig.ReplyTo(again)!.IsReplayed);
        Assert.Equal(rig.ReplyTo(first)!.Results, rig.ReplyTo(again)!.Results, (a, b) => a.Version == b.Version && a.Action == b.Action);
        rig.Begin(LogRows.TermB);
        rig.LookAtEnd();
        rig.Append();
        var count = rig.Rows.Count;
        var next = rig.Submit(Put("a"), key: "k");
        rig.LookAtEnd();
        Assert.True(rig.ReplyTo(next)!.IsReplayed);
        var other = rig.Submit(Put("b"), key: "k", digest: "another");
        rig.LookAtEnd();
        Assert.Equal(RefusalReason.KeyReused, rig.ReplyTo(other)!.Reason);
        Assert.Equal(count, rig.Rows.Count);
    }

    [Fact]
    public void A_key_twice_in_one_batch_is_done_once()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("first"));
        var (one, two) = (rig.Submit(Put("a"), key: "k"), rig.Submit(Put("a"), key: "k"));
        rig.Append();
        Assert.Single(rig.Append().OfType<DocumentPut>());
        Assert.Equal((false, true), (rig.ReplyTo(one)!.IsReplayed, rig.ReplyTo(two)!.IsReplayed));
    }

    [Fact]
    public void A_repeated_change_of_which_too_much_was_forgotten_is_unknown()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("a"), key: "k");
        rig.Append();
        for (var i = 0; i < 25 * 60; i++)
        {
            rig.Pass(60_000);
            rig.Handle(new ClockRead(rig.DatabaseMs, rig.Now));
        }
        rig.Submit(Put("b"), key: "k2");
        rig.Append();
        var (retry, fresh) = (rig.Submit(Put("a"), key: "k", isRetry: true, sentAt: 1), rig.Submit(Put("c"), key: "k", isRetry: true, sentAt: rig.Rows.Count));
        rig.Append();
        rig.LookAtEnd();
        Assert.Equal(ChangeOutcome.Unknown, rig.ReplyTo(retry)!.Outcome);
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(fresh)!.Outcome);
    }

    [Fact]
    public void A_refused_change_is_not_carried_out_by_a_second_copy()
    {
        var rig = ChangeLogRig.Serving();
        var id = rig.Submit(Make.Request(Make.Delete("a", ifMatch: 1)), key: " n1/x");
        rig.LookAtEnd();
        Assert.Equal(ChangeOutcome.Refused, rig.ReplyTo(id)!.Outcome);
        rig.Submit(Put("a"));
        rig.Append();
        // Now it would be carried out.
        var copy = rig.Submit(Make.Request(Make.Delete("a", ifMatch: 1)), key: " n1/x");
        rig.LookAtEnd();
        Assert.Equal(ChangeOutcome.Refused, rig.ReplyTo(copy)!.Outcome);
    }

    [Fact]
    public void After_an_append_in_doubt_it_ends_and_only_what_was_in_it_may_be_done()
    {
        var rig = ChangeLogRig.Serving();
        var (inIt, waiting) = (rig.Submit(Put("a")), rig.Submit(Put("b")));
        rig.FailAppend();
        Assert.Equal(new TermOver(MayBeDone: true), rig.AnswerTo(inIt));
        Assert.Equal(new TermOver(MayBeDone: false), rig.AnswerTo(waiting));
        Assert.Single(rig.Outputs.OfType<EndTerm>());
        // It may not go on: what it knows may be behind the log.
        Assert.IsType<NotMe>(rig.AnswerTo(rig.Submit(Put("c"))));
    }

    [Fact]
    public void A_change_that_fails_alone_twice_is_refused_and_the_others_go_on()
    {
        var rig = ChangeLogRig.Serving();
        foreach (var term in (string[])[LogRows.TermB, "cccccccccccccccc"])
        {
            rig.Submit(Put("bad"), digest: "bad");
            rig.FailAppend();
            rig.Begin(term, poison: rig.Outputs.OfType<EndTerm>().Last().Poison);
            rig.LookAtEnd();
            rig.Append();
        }
        var (bad, good) = (rig.Submit(Put("bad"), digest: "bad"), rig.Submit(Put("good")));
        rig.Append();
        if (rig.State.Looking is not null) rig.LookAtEnd();
        Assert.Equal(RefusalReason.Unwritable, rig.ReplyTo(bad)!.Reason);
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(good)!.Outcome);
        Assert.NotEmpty(rig.Outputs.OfType<RaiseAlarm>());
    }

    [Fact]
    public void A_document_that_fits_no_row_is_refused_and_those_beside_it_are_written()
    {
        var rig = ChangeLogRig.Serving();
        var huge = ((DocumentPut)LogRows.Put("huge", 1, padding: 500_000)).Document;
        rig.Submit(Put("first"));
        var (one, two, three) = (rig.Submit(Put("a")), rig.Submit(Make.Request(Make.Put(huge))), rig.Submit(Put("b")));
        while (rig.Asked is not null) rig.Append();
        if (rig.State.Looking is not null) rig.LookAtEnd();
        Assert.Equal((ChangeOutcome.Applied, ChangeOutcome.Applied), (rig.ReplyTo(one)!.Outcome, rig.ReplyTo(three)!.Outcome));
        Assert.Equal(RefusalReason.TooLarge, rig.ReplyTo(two)!.Reason);
    }

    [Fact]
    public void A_lost_past_is_written_before_anything_is_granted()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("first"));
        rig.Handle(new PastLost([new KnownLease(5, HostName.Parse("known.example"))]));
        var id = rig.Submit(Put("a"));
        rig.Append();
        var facts = rig.Append();
        Assert.Single(facts.OfType<TimelineSeen>());
        Assert.Null(rig.AnswerTo(id));
        Assert.NotEmpty(rig.Outputs.OfType<RaiseAlarm>());
        while (rig.Asked is not null) rig.Append();
        if (rig.State.Looking is not null) rig.LookAtEnd();
        // Every free VIP rests for a full quarantine; what was known rests for its own host.
        Assert.Equal(RefusalReason.PoolExhausted, rig.ReplyTo(id)!.Reason);
        var known = rig.Submit(Make.Request(Make.Put("known", "known.example")));
        Assert.Equal(5, Assert.Single(rig.Append().OfType<VipGranted>()).Index);
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(known)!.Outcome);
    }

    [Fact]
    public void What_rested_elsewhere_rests_here()
    {
        var rig = ChangeLogRig.Serving();
        var until = rig.DatabaseMs + 1_000_000;
        var id = rig.Submit(new ChangeRequest { Changes = [], Rests = [new RestingVip("240.240.0.1", HostName.Parse("a.example"), until), new RestingVip("240.240.0.2", null, until)] });
        Assert.Equal(2, rig.Append().OfType<VipRested>().Count());
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(id)!.Outcome);
        rig.Submit(Put("b"));
        Assert.Equal(3, Assert.Single(rig.Append().OfType<VipGranted>()).Index);
        rig.Submit(Put("a"));
        Assert.Equal(1, Assert.Single(rig.Append().OfType<VipGranted>()).Index);
    }

    [Fact]
    public void A_wish_is_honoured_and_told_of_when_it_is_not()
    {
        var rig = ChangeLogRig.Serving();
        var wished = rig.Submit(Make.Request(Make.Put("a", "a.example") with { Wishes = [new HostAddress(HostName.Parse("a.example"), "240.240.0.7")] }));
        Assert.Equal(7, Assert.Single(rig.Append().OfType<VipGranted>()).Index);
        var late = rig.Submit(Make.Request(Make.Put("b", "b.example") with { Wishes = [new HostAddress(HostName.Parse("b.example"), "240.240.0.7")] }));
        Assert.NotEqual(7, Assert.Single(rig.Append().OfType<VipGranted>()).Index);
        Assert.Empty(rig.ReplyTo(wished)!.Results[0].Warnings);
        Assert.NotEmpty(rig.ReplyTo(late)!.Results[0].Warnings);
    }

    [Fact]
    public void Clocks_that_part_lengthen_what_rests_before_the_next_change()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("a"));
        rig.Append();
        rig.Submit(Make.Request(Make.Delete("a")));
        rig.Append();
        rig.Pass(1000);
        rig.Handle(new ClockRead(rig.DatabaseMs + 3_600_000, rig.Now));
        Assert.NotEmpty(rig.Outputs.OfType<RaiseAlarm>());
        Assert.Equal(3_600_000, Assert.IsType<ClockSetBack>(Assert.Single(rig.Append())).ByMs);
    }

    [Fact]
    public void An_old_look_stamps_nothing_so_that_a_change_waits_for_a_new_one()
    {
        var rig = ChangeLogRig.Serving();
        rig.Pass(LogClock.FreshMs + 1);
        var id = rig.Submit(Put("a"));
        Assert.Null(rig.Asked);
        rig.LookAtEnd();
        var at = LogRows.Read([.. rig.Rows, .. rig.Asked!.Rows])[^1].At;
        Assert.Equal(rig.DatabaseMs, at);
        rig.Append();
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(id)!.Outcome);
    }

    [Fact]
    public void A_journal_that_cannot_be_read_leaves_nobody_waiting()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("a"));
        rig.Append();
        var id = rig.Submit(Put("a"));
        rig.Handle(new LookFailed(rig.State.Looking!.Id, "away"));
        Assert.Equal(ChangeOutcome.Unavailable, rig.ReplyTo(id)!.Outcome);
        // No second look at once; the next one when time has passed.
        rig.Submit(Put("a"));
        Assert.Null(rig.State.Looking);
        rig.Handle(new Ticked());
        Assert.NotNull(rig.State.Looking);
    }

    [Fact]
    public void Who_waited_long_enough_is_told_that_nothing_happened()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Put("a"));
        var id = rig.Submit(Put("b"));
        rig.Pass(10_000);
        rig.Handle(new Ticked());
        Assert.Equal(ChangeOutcome.Unavailable, rig.ReplyTo(id)!.Outcome);
        rig.Append();
        Assert.Null(rig.Asked);
        Assert.DoesNotContain(LogRows.Read(rig.Rows).SelectMany(t => t.Facts), f => f is DocumentPut { Document.Key.Name: "b" });
    }

    [Fact]
    public void A_stop_ends_after_the_append_under_way()
    {
        var rig = ChangeLogRig.Serving();
        var id = rig.Submit(Put("a"));
        var waiting = rig.Submit(Put("b"));
        rig.Handle(new Stopping());
        Assert.Equal(TermPhase.Serving, rig.State.Phase);
        rig.Append();
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(id)!.Outcome);
        Assert.Equal(new TermOver(MayBeDone: false), rig.AnswerTo(waiting));
        Assert.Equal(TermPhase.Over, rig.State.Phase);
    }

    [Fact]
    public void A_change_for_another_incarnation_is_not_carried_out()
    {
        var rig = ChangeLogRig.Serving();
        Assert.Equal(new NotMe(LogRows.TermA), rig.AnswerTo(rig.Submit(Put("a"), meant: LogRows.TermB)));
        Assert.Null(rig.Asked);
    }

    [Fact]
    public void Live_state_and_replay_agree_byte_for_byte_after_evictions_returns_and_refusals()
    {
        var rig = ChangeLogRig.Serving();
        for (var i = 0; i < 12; i++) Do(Put("d" + i));
        Do(Make.Request(Make.Put(Make.Entry("claim", ["claim.example"], ["240.240.0.3"]))));
        for (var i = 12; i < 16; i++) Do(Put("d" + i));
        Do(Make.Request(Make.Delete("d1"), Make.Delete("d5")));
        Do(Put("d1"));
        Do(Make.Request(Make.Delete("claim")));
        rig.Pass(100_000);
        rig.Handle(new ClockRead(rig.DatabaseMs, rig.Now));
        Do(Put("new"));
        var replayed = LogRows.Read(rig.Rows).Aggregate(LogRows.Fold.Empty, LogRows.Fold.Apply);
        Assert.Equal(Digest(replayed), Digest(rig.State.Mesh));
        Assert.Contains(LogRows.Read(rig.Rows).SelectMany(t => t.Facts).OfType<VipReleased>(), r => r.Reason == ReleaseReason.Evicted);
        Assert.Contains(rig.Outputs.OfType<Answer>(), a => a.Reply is Final { Reply.Reason: RefusalReason.PoolExhausted });

        void Do(ChangeRequest request)
        {
            rig.Submit(request);
            if (rig.Asked is not null) rig.Append();
            if (rig.State.Looking is not null) rig.LookAtEnd();
        }

        static string Digest(MeshState state) => MeshImage.Of(state, LogRows.Buckets, new MeshDns.Actors.Vips.VipLedgerCore(LogRows.Range)).Digest;
    }

    private static ChangeRequest Put(string name) => Make.Request(Make.Put(name, name + ".example"));

    private static ChangeRequest Explicit(string name) => Make.Request(Make.Put(Make.Entry(name, [name + ".example"], ["192.0.2.1"])));
}
