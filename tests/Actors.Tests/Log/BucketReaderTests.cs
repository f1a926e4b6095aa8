using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Log;

/// <summary>A shard that follows from the log: late sometimes, wrong never.</summary>
public sealed class BucketReaderTests
{
    private static readonly HostName _a = HostName.Parse("a.example");
    private BucketReader _reader;
    private Moment _now = new(10_000, 10_000);
    private long _load;

    public BucketReaderTests()
    {
        (_reader, var outputs) = BucketReader.Begin();
        _load = Assert.IsType<LoadBucket>(Assert.Single(outputs)).Id;
    }

    [Fact]
    public void A_question_is_answered_when_the_shard_has_what_the_log_had_when_it_came()
    {
        Load(3);
        var look = Ask(1);
        Assert.Empty(Handle(new BucketEndSeen(look, At(5))));
        Assert.Empty(Handle(Told(3, 4)));
        var answer = Assert.IsType<BucketAnswer>(Assert.Single(Handle(Told(4, 5, Grant()))));
        Assert.Equal((1L, At(5), true), (answer.Id, answer.Position, answer.IsConfirmed));
        Assert.Equal(7, answer.View!.Leases[_a]);
    }

    [Fact]
    public void A_look_that_began_before_a_question_does_not_answer_it()
    {
        Load(3);
        var first = Ask(1);
        Assert.Empty(Handle(new BucketAsked(2, 5000)));
        var outputs = Handle(new BucketEndSeen(first, At(3)));
        Assert.Equal(1, Assert.Single(outputs.OfType<BucketAnswer>()).Id);
        var second = Assert.Single(outputs.OfType<LookForBucket>()).Id;
        Assert.Equal(2, Assert.Single(Handle(new BucketEndSeen(second, At(3))).OfType<BucketAnswer>()).Id);
    }

    [Fact]
    public void Steps_that_came_while_it_was_read_are_applied_after_it()
    {
        Handle(Told(3, 4, Grant()));
        Handle(Told(4, 5));
        Load(3);
        Assert.Equal(At(5), _reader.Position);
        Assert.Equal(7, Answer().Leases[_a]);
    }

    [Fact]
    public void A_step_that_is_told_twice_is_applied_once()
    {
        Load(3);
        Handle(Told(3, 4, Grant()));
        Assert.Empty(Handle(Told(3, 4, Grant())));
        Assert.Equal(7, Answer().Leases[_a]);
    }

    [Fact]
    public void A_step_that_does_not_follow_or_contradicts_makes_it_read_anew()
    {
        Load(3);
        Assert.Single(Handle(Told(4, 5)).OfType<LoadBucket>());
        _load++;
        Load(5);
        // Released by a step, and never granted.
        Assert.Single(Handle(Told(5, 6, new VipReleased(7, _a, 100, ReleaseReason.Withdrawn) { At = 1 })).OfType<LoadBucket>());
    }

    [Fact]
    public void A_step_of_another_term_at_the_same_number_does_not_follow()
    {
        Load(3);
        var step = new BucketStep(new LogPosition(3, LogRows.TermB), new LogPosition(4, LogRows.TermB), []);
        Assert.Single(Handle(new BucketTold([step])).OfType<LoadBucket>());
    }

    [Fact]
    public void Nothing_is_answered_of_a_past_that_is_gone()
    {
        Load(3);
        Handle(Told(3, 4, Grant()));
        Assert.Single(Handle(new BucketPastIsGone()).OfType<LoadBucket>());
        var look = Ask(1);
        Assert.Empty(Handle(new BucketEndSeen(look, At(2))));
        // What was asked before the loss comes too late.
        Assert.Empty(Handle(new BucketLoaded(_load, At(9), BucketView.Empty)));
        _load++;
        var answer = Assert.Single(Handle(new BucketLoaded(_load, At(2), BucketView.Empty)).OfType<BucketAnswer>());
        Assert.Equal((At(2), 0), (answer.Position, answer.View!.Leases.Count));
    }

    [Fact]
    public void A_journal_that_cannot_be_looked_at_gives_an_answer_that_says_so()
    {
        Load(3);
        var answer = Assert.IsType<BucketAnswer>(Assert.Single(Handle(new BucketLookFailed(Ask(1)))));
        Assert.Equal((At(3), false), (answer.Position, answer.IsConfirmed));
        Assert.NotNull(answer.View);
    }

    [Fact]
    public void Patience_ends_and_places_are_bounded()
    {
        Ask(1);
        for (var id = 2; id <= BucketReader.MostWaiting; id++) Assert.Empty(Handle(new BucketAsked(id, 5000)));
        Assert.Null(Assert.IsType<BucketAnswer>(Assert.Single(Handle(new BucketAsked(9999, 5000)))).View);
        Pass(4999);
        Assert.Empty(Handle(new BucketTicked()));
        Pass(1);
        var late = Handle(new BucketTicked()).OfType<BucketAnswer>().ToList();
        Assert.Equal(BucketReader.MostWaiting, late.Count);
        Assert.All(late, a => Assert.Null(a.View));
    }

    [Fact]
    public void A_read_that_failed_is_tried_again_after_a_while()
    {
        Handle(new BucketLoadFailed(_load));
        Assert.Empty(Handle(new BucketTicked()));
        Pass(500);
        Assert.Single(Handle(new BucketTicked()).OfType<LoadBucket>());
    }

    [Fact]
    public void Steps_do_not_pile_up_while_it_is_read()
    {
        for (var i = 3; i < 259; i++) Assert.Empty(Handle(Told(i, i + 1)));
        Assert.Single(Handle(Told(259, 260)).OfType<LoadBucket>());
    }

    private static LogPosition At(long number) => new(number, LogRows.TermA);

    private static BucketTold Told(long before, long position, params MeshEvent[] facts) => new([new BucketStep(At(before), At(position), facts)]);

    private static VipGranted Grant() => new(7, _a) { At = 1 };

    private void Load(long position) => Handle(new BucketLoaded(_load, At(position), BucketView.Empty));

    private long Ask(long id) => Assert.Single(Handle(new BucketAsked(id, 5000)).OfType<LookForBucket>()).Id;

    private BucketView Answer() => Assert.Single(Handle(new BucketEndSeen(Ask(77), _reader.Position!.Value)).OfType<BucketAnswer>()).View!;

    private IReadOnlyList<BucketOutput> Handle(BucketInput input)
    {
        (_reader, var outputs) = _reader.Handle(input, _now);
        return outputs;
    }

    private void Pass(long ms) => _now = new Moment(_now.MonotonicMs + ms, _now.WallMs + ms);
}
