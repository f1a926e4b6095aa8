using MeshDns.Tests.Shared.Judge;
using static MeshDns.Chaos.Judge.Trial;

namespace MeshDns.Chaos.Judge;

/// <summary>Promises 3 and 7: each check with a history that passes and one with a planted breach.</summary>
public sealed class CommandCheckTests
{
    [Fact]
    public void Acknowledged_changes_that_are_in_the_journal_in_their_order_pass() => Assert.Empty(new Trial()
        .Command(0, CommandOutcome.Applied, Put("a", 1) with { Version = 1 }).Command(100, CommandOutcome.Applied, Delete("a", 2)).Command(200, CommandOutcome.Applied, Put("a", 3))
        .JournalPut("a", 1).JournalDelete("a").JournalPut("a", 3).Breaches);

    [Fact]
    public void An_acknowledged_put_that_is_not_in_the_journal_is_a_breach() => Breached("promise 3: c0 .* is not in the journal",
        new Trial().Command(0, CommandOutcome.Applied, Put("a", 1)));

    [Fact]
    public void An_acknowledged_deletion_that_is_not_in_the_journal_is_a_breach() => Breached("promise 3: c1 .deletion of .* is not in the journal",
        new Trial().Command(0, CommandOutcome.Applied, Put("a", 1)).Command(100, CommandOutcome.Applied, Delete("a", 2)).JournalPut("a", 1));

    [Fact]
    public void A_deletion_of_what_was_not_there_needs_no_event() => Assert.Empty(
        new Trial().Command(0, CommandOutcome.Applied, Delete("a", 1) with { Changed = false }).Breaches);

    [Fact]
    public void To_be_told_that_something_is_not_there_that_is_there_is_a_breach() => Breached("promise 3: c1 was told by n1 that .* is not there, but generation 1 is",
        new Trial().Command(0, CommandOutcome.Applied, Put("a", 1)).Command(100, CommandOutcome.Applied, Delete("a", 2) with { Changed = false }).JournalPut("a", 1));

    [Fact]
    public void Another_version_than_was_acknowledged_is_a_breach() => Breached("acknowledged as version 7",
        new Trial().Command(0, CommandOutcome.Applied, Put("a", 1) with { Version = 7 }).JournalPut("a", 1));

    [Fact]
    public void A_position_beyond_the_end_of_its_stream_is_a_breach() => Breached("promise 3: .*at mesh 5, but the log ends at 1",
        new Trial().With(new CommandRecord { Id = "x", Node = "n1", InvokedAt = 0, CompletedAt = 9, Documents = [Put("a", 1)], Outcome = CommandOutcome.Applied, Position = new Dictionary<string, long> { ["mesh"] = 5 } }).JournalPut("a", 1));

    [Theory]
    [InlineData(CommandOutcome.Refused)]
    [InlineData(CommandOutcome.Unavailable)]
    public void A_change_that_was_not_done_leaves_no_trace(CommandOutcome outcome)
    {
        Assert.Empty(new Trial().Command(0, outcome, Put("a", 1)).Breaches);
        Breached("promise 7: .*but it is in the journal", new Trial().Command(0, outcome, Put("a", 1)).JournalPut("a", 1));
        Breached("promise 7: .*deleted 1 times", new Trial().Command(0, CommandOutcome.Applied, Put("a", 1)).Command(100, outcome, Delete("a", 2)).JournalPut("a", 1).JournalDelete("a"));
    }

    [Fact]
    public void An_unknown_change_may_be_there_or_not()
    {
        Assert.Empty(new Trial().Command(0, CommandOutcome.Unknown, Put("a", 1)).Breaches);
        Assert.Empty(new Trial().Command(0, CommandOutcome.Unknown, Put("a", 1)).JournalPut("a", 1).Breaches);
    }

    [Fact]
    public void A_change_is_whole_or_not_at_all()
    {
        Assert.Empty(new Trial().Command(0, CommandOutcome.Unknown, Put("a", 1), Put("b", 1)).JournalPut("a", 1).JournalPut("b", 1).Breaches);
        Breached("promise 7: .*half there", new Trial().Command(0, CommandOutcome.Unknown, Put("a", 1), Put("b", 1)).JournalPut("b", 1));
    }

    [Fact]
    public void A_change_is_done_once() => Breached("done 2 times", new Trial().Command(0, CommandOutcome.Applied, Put("a", 1)).JournalPut("a", 1).JournalPut("a", 1));

    [Fact]
    public void What_nobody_wrote_is_a_breach()
    {
        Breached("which nobody ever wrote", new Trial().JournalPut("a", 1));
        Breached("generation 2 of .*, which nobody wrote", new Trial().Command(0, CommandOutcome.Applied, Put("a", 1)).JournalPut("a", 1).JournalPut("a", 2));
    }

    [Fact]
    public void An_older_change_after_a_newer_one_is_a_breach()
    {
        Trial Of(CommandOutcome first) => new Trial().Command(0, first, Put("a", 1)).Command(100, CommandOutcome.Applied, Put("a", 2)).JournalPut("a", 2).JournalPut("a", 1);
        Breached("generation 1 of .* came after generation 2", Of(CommandOutcome.Applied));
        Assert.Empty(Of(CommandOutcome.Unknown).Breaches);
    }

    [Fact]
    public void What_was_acknowledged_while_the_database_was_one_that_got_lost_may_be_lost() => Assert.Empty(new Trial()
        .With(new FaultRecord("promote-async", 50, 200, null, Lossy: true)).Command(100, CommandOutcome.Applied, Put("a", 1)).Breaches);

    [Fact]
    public void A_change_that_only_the_guard_stopped_is_a_breach() => Breached("promise 1: .*guard only",
        new Trial().With(new CommandRecord { Id = "x", Node = "n1", InvokedAt = 0, CompletedAt = 9, Documents = [Put("a", 1)], Outcome = CommandOutcome.Refused, Detail = "guard-refused: index 1 is leased" }));

    private static void Breached(string pattern, Trial trial) => Assert.Contains(trial.Breaches, breach => System.Text.RegularExpressions.Regex.IsMatch(breach, pattern));
}
