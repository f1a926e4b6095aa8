using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Tests.Log;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>Changes that wait together share a transaction, and each still gets its own answer; dry runs stand beside them.</summary>
public sealed class BatchTests
{
    [Fact]
    public void Several_documents_over_several_buckets_are_one_transaction_in_the_order_of_buckets_and_addresses_last()
    {
        var rig = ChangeLogRig.Serving();
        var id = rig.Submit(Make.Request([.. Enumerable.Range(0, 6).Select(i => Make.Put("d" + i, "h" + i + ".example"))]));
        var facts = rig.Append();
        Assert.Null(rig.Asked);
        int[] buckets = [.. facts.Where(f => f is not VipEvent).Select(f => LogRows.Buckets.Of(f)!.Value)];
        Assert.True(buckets.Distinct().Count() >= 4);
        Assert.Equal(buckets.Order(), buckets);
        Assert.All(facts.Skip(buckets.Length), f => Assert.IsType<VipGranted>(f));
        Assert.Equal(6, facts.Count - buckets.Length);
        Assert.Equal(new Dictionary<string, long> { [LogRow.MeshTag] = rig.Rows[^1].Number }, rig.ReplyTo(id)!.Position);
    }

    [Fact]
    public void One_refused_change_does_not_stop_the_others()
    {
        var (rig, ids) = Together(
            Make.Request(Make.Put("a", "a.example")),
            Make.Request(Make.Put(Make.Entry("many", ChangesRig.Hosts("m", 40)))),
            Make.Request(Make.Delete("never")) with { MustExist = true },
            Make.Request(Make.Put("b", "b.example")));
        var facts = rig.Append();
        Assert.Null(rig.Asked);
        Assert.Equal(["a", "b"], facts.OfType<DocumentPut>().Select(p => p.Document.Key.Name));
        Assert.Equal([2, 3], facts.OfType<VipGranted>().Select(g => g.Index));
        Assert.Equal([null, RefusalReason.PoolExhausted, RefusalReason.NotFound, null], ids.Select(id => rig.ReplyTo(id)!).Select(r => r.Outcome == ChangeOutcome.Refused ? r.Reason : (RefusalReason?)null));
    }

    [Fact]
    public void Changes_of_one_document_are_done_one_after_the_other_in_order()
    {
        var (rig, ids) = Together([.. Enumerable.Range(0, 5).Select(i => Make.Request(Make.Put(Make.Entry("same", ["same.example"], port: 100 + i))))]);
        var puts = rig.Append().OfType<DocumentPut>().ToArray();
        Assert.Equal([100, 101, 102, 103, 104], puts.Select(p => p.Document.ServiceEntry!.Ports[0].Number));
        Assert.Equal(puts.Select(p => p.Version), ids.Select(id => rig.ReplyTo(id)!.Results[0].Version));
        Assert.Equal(5, puts.Select(p => p.Version).Distinct().Count());
    }

    [Fact]
    public void Of_several_changes_with_the_same_If_Match_exactly_one_is_done()
    {
        var rig = ChangeLogRig.Serving();
        var created = rig.Submit(Make.Request(Make.Put("same", "same.example")));
        rig.Append();
        var version = rig.ReplyTo(created)!.Results[0].Version;
        rig.Submit(Make.Request(Make.Put("gate", "gate.example")));
        long[] ids = [.. Enumerable.Range(0, 8).Select(i => rig.Submit(Make.Request(Make.Put(Make.Entry("same", ["same.example"], port: 100 + i), ifMatch: version))))];
        rig.Append();
        Assert.Single(rig.Append().OfType<DocumentPut>());
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(ids[0])!.Outcome);
        Assert.All(ids[1..], id => Assert.Equal(RefusalReason.VersionMismatch, rig.ReplyTo(id)!.Reason));
    }

    [Fact]
    public void A_change_is_told_whom_it_moves_also_when_that_one_came_with_it()
    {
        // The gate takes 240.240.0.1, the first change 240.240.0.2, which the second one claims.
        var (rig, ids) = Together(Make.Request(Make.Put("a", "a.example")), Make.Request(Make.Put(Make.Entry("b", ["b.example"], ["240.240.0.2"]))));
        Assert.Equal([2, 3], rig.Append().OfType<VipGranted>().Select(g => g.Index));
        Assert.Contains(rig.ReplyTo(ids[1])!.Results[0].Warnings, w => w.Contains("a.example moved", StringComparison.Ordinal));
    }

    [Fact]
    public void A_dry_run_is_decided_whole_and_writes_and_remembers_nothing()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Make.Request(Make.Put("a", "a.example")));
        rig.Append();
        var rows = rig.Rows.Count;
        var dry = DryRun(rig, Make.Put("b", "b.example"), Make.Delete("a"));
        Assert.Equal((ChangeOutcome.Applied, DocumentAction.Created, DocumentAction.Deleted), (dry.Outcome, dry.Results[0].Action, dry.Results[1].Action));
        Assert.Equal("240.240.0.2", dry.Results[0].Addresses[0].Value);
        Assert.Equal(RefusalReason.PoolExhausted, DryRun(rig, Make.Put(Make.Entry("many", ChangesRig.Hosts("m", 40)))).Reason);
        Assert.Equal(RefusalReason.VersionMismatch, DryRun(rig, Make.Delete("a", ifMatch: 77)).Reason);
        Assert.Equal(rows, rig.Rows.Count);
        // Its key is free, and what it would have been given too.
        var done = rig.Submit(Make.Request(Make.Put("c", "c.example")), key: "dry");
        Assert.Equal(2, Assert.Single(rig.Append().OfType<VipGranted>()).Index);
        Assert.False(rig.ReplyTo(done)!.IsReplayed);
    }

    [Fact]
    public void A_dry_run_says_what_the_newest_incarnation_would_do_or_nothing()
    {
        var rig = ChangeLogRig.Serving();
        var id = rig.Submit(Make.Request(Make.Put("a", "a.example")) with { DryRun = true });
        Decide(rig);
        Assert.Null(rig.AnswerTo(id));
        rig.LookAtEnd(new LogPosition(rig.Rows.Count + 1, LogRows.TermB));
        Assert.Equal(new TermOver(MayBeDone: false), rig.AnswerTo(id));
    }

    [Fact]
    public void A_change_to_a_damaged_table_is_not_carried_out_and_says_why_while_others_go_on()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Make.Request(Make.Put("a", "a.example")));
        rig.Append();
        var vips = new VipLedgerCore(LogRows.Range);
        var image = MeshImage.Of(rig.State.Mesh, LogRows.Buckets, vips);
        var damaged = LogRows.Buckets.TagOf(Streams.ShardOf(Make.Entry("a", ["a.example"]).Key, LogRows.Buckets.Count));
        rig.Begin(LogRows.TermB, recovered: (image with { Parts = new Dictionary<string, PackedBytes>(image.Parts) { [damaged] = PackedBytes.Of("?"u8) } }).Read(LogRows.Buckets, vips));
        rig.LookAtEnd();
        rig.Append();
        var broken = rig.Submit(Make.Request(Make.Put(Make.Entry("a", ["a.example"], port: 81))));
        Assert.Equal(ChangeOutcome.Unavailable, rig.ReplyTo(broken)!.Outcome);
        Assert.Contains("damaged", rig.ReplyTo(broken)!.Detail, StringComparison.Ordinal);
        Assert.Contains(rig.Outputs.OfType<RaiseAlarm>(), alarm => alarm.Text.Contains("damaged", StringComparison.Ordinal));
        var other = Enumerable.Range(0, 20).Select(i => "o" + i).First(name => !TagsOf(name).Contains(damaged));
        var whole = rig.Submit(Make.Request(Make.Put(other, other + ".example")));
        rig.Append();
        Assert.Equal(ChangeOutcome.Applied, rig.ReplyTo(whole)!.Outcome);

        static IEnumerable<string> TagsOf(string name)
        {
            yield return LogRows.Buckets.TagOf(Streams.ShardOf(Make.Entry(name, [name + ".example"]).Key, LogRows.Buckets.Count));
            yield return LogRows.Buckets.TagOf(LogRows.Buckets.Of(HostName.Parse(name + ".example")));
        }
    }

    private static ChangeReply DryRun(ChangeLogRig rig, params DocumentChange[] changes)
    {
        var id = rig.Submit(Make.Request(changes) with { DryRun = true }, key: "dry");
        Assert.Null(rig.Asked);
        Decide(rig);
        rig.LookAtEnd();
        return rig.ReplyTo(id)!;
    }

    private static void Decide(ChangeLogRig rig)
    {
        var apart = rig.Outputs.OfType<DecideApart>().Last();
        var decision = new ChangeDecision(LogRows.Fold, new ChangePlanner(LogRows.Buckets.Count, LogRows.Range));
        rig.Handle(new DecidedApart(apart.Id, decision.Decide(apart.State, apart.Request, apart.At).Reply));
    }

    // The first change goes alone, and the others wait behind it.
    private static (ChangeLogRig Rig, long[] Ids) Together(params ChangeRequest[] requests)
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Make.Request(Make.Put("gate", "gate.example")));
        long[] ids = [.. requests.Select(r => rig.Submit(r))];
        rig.Append();
        return (rig, ids);
    }
}
