using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>What a caller is told: 503 only where nothing happened and nothing will, 504 where nobody can tell.</summary>
public sealed class ChangeCallTests
{
    private static readonly KnownTerm _first = new("aaaa", 1);
    private static readonly KnownTerm _second = new("bbbb", 2);
    private static readonly ChangeReply _applied = new() { Outcome = ChangeOutcome.Applied, Results = [new DocumentResult { Key = Make.Key("d"), Action = DocumentAction.Created }] };
    private static readonly ChangeReply _unchanged = new() { Outcome = ChangeOutcome.Applied, Results = [new DocumentResult { Key = Make.Key("d"), Action = DocumentAction.Unchanged }] };
    private static readonly ChangeReply _unavailable = new() { Outcome = ChangeOutcome.Unavailable, Detail = "too many" };
    private static readonly ChangeReply _refused = ChangeReply.Refused(RefusalReason.PoolExhausted, "no VIP is left");

    private ChangeCall _call = null!;
    private Moment _now = new(1000, 1000);

    [Fact]
    public void A_reply_of_the_one_that_was_asked_is_the_callers()
    {
        foreach (var reply in new[] { _applied, _unchanged, _refused, _unavailable })
        {
            Assert.Equal(new SendTo(_first, IsRetry: false, 5000), Begin(_first));
            Assert.Same(reply, Ended(Take(_first, reply)));
            // It is over: nothing is sent or said again.
            Assert.Null(Meet(_second));
            Assert.Null(Take(_first, _applied));
        }
    }

    [Fact]
    public void Nobody_to_ask_until_the_deadline_is_503()
    {
        Assert.Null(Begin(null));
        Pass(4999);
        Assert.Null(Pass());
        Pass(1);
        Assert.Equal(ChangeOutcome.Unavailable, Ended(Pass()).Outcome);
    }

    [Fact]
    public void No_answer_until_the_deadline_is_504()
    {
        Begin(_first);
        Pass(5000);
        Assert.Equal(ChangeOutcome.Unknown, Ended(Pass()).Outcome);
    }

    [Fact]
    public void A_newer_incarnation_is_asked_and_told_that_an_older_one_may_have_done_it()
    {
        Begin(_first);
        Pass(1000);
        Assert.Equal(new SendTo(_second, IsRetry: true, 4000), Meet(_second));
        Assert.Null(Meet(_second));
        Assert.Null(Meet(_first));
    }

    [Fact]
    public void One_that_said_it_did_nothing_leaves_the_next_a_first_try()
    {
        Begin(_first);
        Assert.Null(Take(_first, new NotMe("cccc")));
        Assert.Equal(new SendTo(_second, IsRetry: false, 5000), Meet(_second));
        Assert.Same(_unavailable, Ended(Take(_second, _unavailable)));
    }

    [Fact]
    public void A_late_503_of_an_older_one_is_not_the_end_and_a_503_after_doubt_is_504()
    {
        Begin(_first);
        Meet(_second);
        Assert.Null(Take(_first, _unavailable));
        Assert.Null(Take(_first, _refused));
        Assert.Equal(ChangeOutcome.Unknown, Ended(Take(_second, _unavailable)).Outcome);
    }

    [Fact]
    public void What_an_older_one_wrote_is_durable_and_what_it_left_unchanged_may_be_stale()
    {
        Begin(_first);
        Meet(_second);
        Assert.Null(Take(_first, _unchanged));
        Assert.Same(_applied, Ended(Take(_first, _applied)));
        Begin(_first);
        Meet(_second);
        var replayed = _unchanged with { IsReplayed = true };
        Assert.Same(replayed, Ended(Take(_first, replayed)));
    }

    [Fact]
    public void An_incarnation_that_ended_in_doubt_leaves_it_to_the_next_one()
    {
        Begin(_first);
        Assert.Null(Take(_first, new TermOver(MayBeDone: true)));
        Assert.Equal(new SendTo(_second, IsRetry: true, 5000), Meet(_second));
        Assert.Same(_refused, Ended(Take(_second, _refused)));
        Begin(_first);
        Take(_first, new TermOver(MayBeDone: true));
        Pass(5000);
        Assert.Equal(ChangeOutcome.Unknown, Ended(Pass()).Outcome);
    }

    [Fact]
    public void One_that_ended_with_nothing_done_and_no_next_one_is_503()
    {
        Begin(_first);
        Take(_first, new TermOver(MayBeDone: false));
        Pass(5000);
        Assert.Equal(ChangeOutcome.Unavailable, Ended(Pass()).Outcome);
    }

    [Fact]
    public void A_machine_that_slept_has_no_patience_left()
    {
        Begin(null);
        _now = new Moment(_now.MonotonicMs, _now.WallMs + 60_000);
        Assert.Equal(ChangeOutcome.Unavailable, Ended(Meet(_first)).Outcome);
    }

    private static ChangeReply Ended(ChangeCallOutput? output) => Assert.IsType<CallEnded>(output).Reply;

    private ChangeCallOutput? Begin(KnownTerm? known) => Next(ChangeCall.Begin(_now, 5000, known));

    private ChangeCallOutput? Meet(KnownTerm? known) => Next(_call.Meet(known, _now));

    private ChangeCallOutput? Take(KnownTerm of, ChangeReply reply) => Take(of, new Final(reply));

    private ChangeCallOutput? Take(KnownTerm of, ChangeLogAnswer answer) => Next(_call.Take(of.Term, answer, _now));

    private ChangeCallOutput? Pass() => Next(_call.Pass(_now));

    private void Pass(long ms) => _now = new Moment(_now.MonotonicMs + ms, _now.WallMs + ms);

    private ChangeCallOutput? Next((ChangeCall Call, ChangeCallOutput? Output) next)
    {
        _call = next.Call;
        return next.Output;
    }
}
