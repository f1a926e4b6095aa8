using System.Text.Json;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Tests.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>Idempotency keys: a repeated request is answered, not done again.</summary>
public sealed class RepetitionTests
{
    private static ChangeRequest PutA => Make.Request(Make.Put("a", "a.example"));

    [Fact]
    public void A_repeated_key_gives_the_same_reply_and_writes_once()
    {
        var rig = ChangeLogRig.Serving();
        var first = Do(rig, PutA, "k");
        Do(rig, Make.Request(Make.Put(Make.Entry("b", ["b.example"], ["10.0.0.1"]))), "other");
        var rows = rig.Rows.Count;
        var again = Do(rig, PutA, "k");
        Assert.Equal(Said(first), Said(again));
        Assert.Equal((false, true, DocumentAction.Created), (first.IsReplayed, again.IsReplayed, again.Results[0].Action));
        Assert.Equal(rows, rig.Rows.Count);
    }

    [Fact]
    public void It_does_so_after_a_restart_too()
    {
        var rig = ChangeLogRig.Serving();
        var first = Do(rig, PutA, "k");
        Restart(rig);
        var rows = rig.Rows.Count;
        Assert.Equal(Said(first), Said(Do(rig, PutA, "k")));
        Assert.Equal(rows, rig.Rows.Count);
    }

    [Fact]
    public void Repetitions_at_the_same_time_are_done_once()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Make.Request(Make.Put("first", "first.example")));
        var ids = Enumerable.Range(0, 6).Select(_ => Submit(rig, PutA, "k")).ToArray();
        Finish(rig);
        Assert.Single(ids.Select(id => Said(rig.ReplyTo(id)!)).Distinct());
        Assert.Single(Written(rig).OfType<DocumentPut>(), p => p.Document.Key.Name == "a");
    }

    [Fact]
    public void A_key_used_with_another_request_is_refused()
    {
        var rig = ChangeLogRig.Serving();
        Do(rig, PutA, "k");
        var rows = rig.Rows.Count;
        foreach (var other in (ChangeRequest[])[Make.Request(Make.Put("a", "b.example")), Make.Request(Make.Delete("a")), PutA with { TakeOver = true }])
        {
            var reply = Do(rig, other, "k");
            Assert.Equal((ChangeOutcome.Refused, RefusalReason.KeyReused), (reply.Outcome, reply.Reason));
        }
        Assert.Equal(rows, rig.Rows.Count);
    }

    [Fact]
    public void Whatever_a_request_asks_for_tells_it_from_another_and_its_key_does_not()
    {
        var rest = new RestingVip("240.240.0.1", null, 5);
        ChangeRequest[] different =
        [
            PutA, PutA with { TakeOver = true }, PutA with { MustExist = true }, PutA with { DryRun = true }, PutA with { Source = "file:x" }, PutA with { Rests = [rest] }, PutA with { Rests = [rest with { Until = 6 }] },
            Make.Request(Make.Delete("a")), Make.Request(Make.Put(Make.Entry("a", "a.example"), ifMatch: 1)), Make.Request(Make.Put(Make.Entry("a", ["a.example"], port: 81))),
            Make.Request(PutA.Changes[0] with { Wishes = [new HostAddress(Contracts.Names.HostName.Parse("a.example"), "240.240.0.7")] }),
        ];
        Assert.Equal(different.Length, different.Select(RequestDigest.Of).Distinct().Count());
        Assert.Equal(RequestDigest.Of(PutA), RequestDigest.Of(PutA with { IdempotencyKey = "k" }));
    }

    [Fact]
    public void Two_different_requests_under_one_key_at_the_same_time_are_one_done_and_one_refused()
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Make.Request(Make.Put("first", "first.example")));
        var (one, two) = (Submit(rig, PutA, "k"), Submit(rig, Make.Request(Make.Put("b", "b.example")), "k"));
        Finish(rig);
        Assert.Equal((ChangeOutcome.Applied, RefusalReason.KeyReused), (rig.ReplyTo(one)!.Outcome, rig.ReplyTo(two)!.Reason));
        Assert.DoesNotContain(Written(rig), f => f is DocumentPut { Document.Key.Name: "b" });
    }

    [Fact]
    public void A_request_that_changed_nothing_is_remembered_as_well()
    {
        var rig = ChangeLogRig.Serving();
        Do(rig, PutA, "other");
        var first = Do(rig, PutA, "k");
        Assert.Equal(DocumentAction.Unchanged, first.Results[0].Action);
        Do(rig, Make.Request(Make.Put("a", "later.example")), "later");
        // Done again it would undo what came after; the next incarnation knows that too.
        Assert.Equal(Said(first), Said(Do(rig, PutA, "k")));
        Restart(rig);
        Assert.Equal(Said(first), Said(Do(rig, PutA, "k")));
        Assert.Equal("later.example", Written(rig).OfType<DocumentPut>().Last().Document.ServiceEntry!.Hosts[0].Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_an_unknown_outcome_the_key_finds_out(bool happened)
    {
        var rig = ChangeLogRig.Serving();
        var id = Submit(rig, PutA, "k");
        if (happened) rig.Rows.AddRange(rig.Asked!.Rows);
        rig.FailAppend();
        Assert.Equal(new TermOver(MayBeDone: true), rig.AnswerTo(id));
        Restart(rig);
        var again = Do(rig, PutA, "k");
        Assert.Equal((ChangeOutcome.Applied, DocumentAction.Created, happened), (again.Outcome, again.Results[0].Action, again.IsReplayed));
        Assert.Equal(1, Assert.Single(Written(rig).OfType<DocumentPut>()).Version);
        Assert.Single(Written(rig).OfType<VipGranted>());
    }

    private static long Submit(ChangeLogRig rig, ChangeRequest request, string key) => rig.Submit(request, key, RequestDigest.Of(request));

    private static ChangeReply Do(ChangeLogRig rig, ChangeRequest request, string key)
    {
        var id = Submit(rig, request, key);
        Finish(rig);
        return rig.ReplyTo(id)!;
    }

    private static void Finish(ChangeLogRig rig)
    {
        while (rig.Asked is not null) rig.Append();
        if (rig.State.Looking is not null) rig.LookAtEnd();
    }

    private static void Restart(ChangeLogRig rig)
    {
        rig.Begin(rig.State.Start.Term == LogRows.TermA ? LogRows.TermB : "cccccccccccccccc");
        rig.LookAtEnd();
        rig.Append();
    }

    private static IEnumerable<MeshEvent> Written(ChangeLogRig rig) => LogRows.Read(rig.Rows).SelectMany(t => t.Facts);

    // Where the log was at the time is not part of what is repeated.
    private static string Said(ChangeReply reply) => JsonSerializer.Serialize(reply with { IsReplayed = false, Position = PositionOfNobody }, ReplyJson.Default.ChangeReply);

    private static Dictionary<string, long> PositionOfNobody { get; } = [];
}
