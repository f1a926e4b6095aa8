using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;

namespace MeshDns.Actors.Tests.Log;

/// <summary>Ages and stamps, whatever clocks do: knowledge may seem older than it is and never younger.</summary>
public sealed class AgeTests
{
    [Theory]
    [InlineData(500, 500, 500)]
    [InlineData(0, 9000, 9000)] // A suspended machine: its monotonic clock stood still.
    [InlineData(9000, 0, 9000)] // A wall clock that was stopped.
    [InlineData(9000, -50_000, 9000)] // A wall clock that was set back.
    [InlineData(-1, -1, 0)]
    public void Between_two_moments_lies_the_longer_time(long monotonic, long wall, long expected) =>
        Assert.Equal(expected, new Moment(1000 + monotonic, 100_000 + wall).Since(new Moment(1000, 100_000)));

    [Fact]
    public void The_age_counts_from_before_the_question_and_has_the_sources_own()
    {
        var age = new KnowledgeAge(new Moment(1000, 1000), SourceAgeMs: 300);
        Assert.Equal(300, age.At(new Moment(1000, 1000)));
        Assert.Equal(2300, age.At(new Moment(3000, 3000)));
        Assert.Equal(3_600_300, age.At(new Moment(1000, 3_601_000)));
    }

    [Fact]
    public void What_was_seen_to_be_old_stays_old_when_the_wall_clock_is_set_back()
    {
        var woken = new Moment(1000, 61_000);
        var age = new KnowledgeAge(new Moment(1000, 1000), 0).Seen(woken);
        Assert.Equal(60_000, age.At(woken));
        Assert.Equal(60_500, age.Seen(new Moment(1500, 1500)).At(new Moment(1500, 1500)));
    }

    [Fact]
    public void A_saved_directory_is_as_old_as_the_wall_clock_says()
    {
        var age = KnowledgeAge.OfSaved(knownAtWallMs: 10_000, savedAtWallMs: 12_000, new Moment(5, 40_000));
        Assert.Equal(30_000, age!.Value.At(new Moment(5, 40_000)));
        Assert.Equal(31_000, age.Value.At(new Moment(1005, 40_000)));
    }

    [Theory]
    [InlineData(10_000, 12_000, 11_999)] // Now is before the file.
    [InlineData(12_001, 12_000, 90_000)] // The file was saved before what it says was known.
    public void A_saved_directory_of_the_future_has_no_age(long known, long saved, long now) =>
        Assert.Null(KnowledgeAge.OfSaved(known, saved, new Moment(0, now)));

    [Fact]
    public void A_stamp_goes_on_from_the_last_look_by_the_monotonic_clock()
    {
        var clock = new LogClock(1_000_000, new Moment(500, 7));
        Assert.Equal(1_000_000, clock.Now(new Moment(500, 7)));
        Assert.Equal(1_001_500, clock.Now(new Moment(2000, 7)));
        Assert.Equal(1_000_000, clock.Now(new Moment(400, 7)));
    }

    [Theory]
    [InlineData(LogClock.FreshMs, 0, true)]
    [InlineData(LogClock.FreshMs + 1, 0, false)]
    [InlineData(0, LogClock.FreshMs + 1, false)] // After a suspend the monotonic clock says that no time has passed.
    public void An_old_look_stamps_nothing(long monotonic, long wall, bool isFresh) =>
        Assert.Equal(isFresh, new LogClock(1, new Moment(100, 100)).IsFresh(new Moment(100 + monotonic, 100 + wall)));

    [Theory]
    [InlineData(10_000, 10_000, 0)]
    [InlineData(10_000, 10_000 + LogClock.MostStepMs, 0)]
    [InlineData(10_000, 10_001 + LogClock.MostStepMs, LogClock.MostStepMs + 1)] // The database's clock leapt, or this machine slept.
    [InlineData(10_000, -3_600_000, 3_610_000)] // The database's clock was set back.
    public void Clocks_that_part_by_more_than_is_believed_say_by_how_much(long monotonic, long database, long step)
    {
        var earlier = new LogClock(5_000_000, new Moment(100, 0));
        Assert.Equal(step, new LogClock(5_000_000 + database, new Moment(100 + monotonic, 0)).StepSince(earlier));
    }
}
