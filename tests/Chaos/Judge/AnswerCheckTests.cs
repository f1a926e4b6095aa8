using System.Text.RegularExpressions;
using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared.Judge;
using static MeshDns.Chaos.Judge.Trial;

namespace MeshDns.Chaos.Judge;

/// <summary>Promises 1, 2, 4 and 5 and the feed: each check with a history that passes and one with a planted breach.</summary>
public sealed class AnswerCheckTests
{
    // a holds the VIP, leaves, and after the quarantine of 10 s it is b's.
    private static Trial Handover() => new Trial()
        .Declared(1000, "a", 1, Vip).Command(10_000, CommandOutcome.Applied, Delete("a", 2)).Declared(25_000, "b", 1, Vip)
        .JournalPut("a", 1).JournalDelete("a").JournalPut("b", 1)
        .Granted(1000, "a", 1).Released(10_000, "a", 1, 20_000).Granted(25_000, "b", 1)
        .Answer(5000, "n1", "a", Vip).Answer(12_000, "n2", "a", Vip).Answer(30_000, "n1", "b", Vip);

    private static Trial Declared() => new Trial().Declared(1000, "a", 1, Vip).JournalPut("a", 1).Granted(1000, "a", 1);

    [Fact]
    public void A_vip_that_goes_to_the_next_after_its_quarantine_passes() => Assert.Empty(Handover().Breaches);

    [Fact]
    public void A_vip_answered_for_two_hosts_at_once_is_a_breach() => Breached("promise [14]: .*gave 240.240.0.1 to a.test.*gave it to b.test|promise [14]: .*gave it to a.test", Handover().Answer(30_001, "n2", "a", Vip));

    [Fact]
    public void A_vip_answered_for_its_old_host_just_before_the_next_gets_it_is_a_breach() => Breached("promise 4: .*at most 1003 ms apart", Handover().Answer(23_998, "n2", "a", Vip).Answer(24_999, "n2", "b", Vip));

    [Fact]
    public void A_vip_answered_for_its_old_host_long_after_the_next_has_it_is_a_breach() => Breached("promise 4: .*after it had been given to the next holder", Handover().Answer(50_000, "n2", "a", Vip));

    [Fact]
    public void A_vip_that_the_journal_never_gave_is_a_breach()
    {
        Breached("promise 1: an answer of n2 gave 240.240.0.2 to a.test, the journal never did", Declared().Answer(2000, "n2", "a", OtherVip));
        Breached("promise 1: the reply to c0 gave", new Trial().Declared(1000, "a", 1, Vip).JournalPut("a", 1));
    }

    [Fact]
    public void A_grant_that_a_lossy_failover_took_back_is_excused() => Assert.Empty(Declared().With(new FaultRecord("promote-async", 1500, 3000, null, Lossy: true)).Answer(2000, "n2", "a", OtherVip).Breaches);

    [Fact]
    public void An_explicit_address_may_be_anybodys() => Assert.Empty(Declared()
        .Command(2000, CommandOutcome.Applied, Put("b", 1, Vip)).JournalPut("b", 1).Answer(2500, "n1", "a", Vip).Answer(2501, "n1", "b", Vip).Breaches);

    [Fact]
    public void A_vip_that_moves_while_its_host_is_declared_is_a_breach()
    {
        Trial Moved(ReleaseReason reason) => Declared().Released(5000, "a", 1, 15_000, reason).Granted(20_000, "a", 2).Answer(4000, "n1", "a", Vip).Answer(30_000, "n1", "a", OtherVip);
        Breached("promise 2: a.test was given 240.240.0.1 .*and 240.240.0.2", Moved(ReleaseReason.Withdrawn));
        Assert.DoesNotContain(Moved(ReleaseReason.Evicted).Breaches, b => b.Contains("declared all the time", StringComparison.Ordinal));
    }

    // a leaves its VIP, b claims it as an explicit address, so that a gets another when it comes back; n3 starts anew with the directory that it saved before.
    private static Trial ComesBack(long startsAgain = 26_500) => new Trial().Up("n3", 0, 19_000).Up("n3", startsAgain, 100_000)
        .Declared(1000, "a", 1, Vip).Command(20_000, CommandOutcome.Applied, Delete("a", 2)).Command(24_000, CommandOutcome.Applied, Put("b", 1, Vip)).Declared(26_000, "a", 3, OtherVip)
        .JournalPut("a", 1).JournalDelete("a").JournalPut("b", 1).JournalPut("a", 3)
        .Granted(1000, "a", 1).Released(20_000, "a", 1, 30_000).Vips(new VipReserved(1) { At = 24_000 }).Vips(new AddressClaimed(Vip, HostName.Parse(Trial.Host("b"))) { At = 24_000 }).Granted(26_000, "a", 2)
        .Answer(26_050, "n1", "a", OtherVip).Answer(26_060, "n1", "b", Vip);

    [Fact]
    public void A_saved_directory_may_say_for_a_while_what_was_true() => Assert.Empty(ComesBack().Answer(26_600, "n3", "a", Vip).Answer(26_700, "n3", "a", OtherVip).Answer(26_710, "n3", "b", Vip).Breaches);

    [Fact]
    public void What_was_true_is_a_breach_once_it_is_older_than_the_greatest_age()
    {
        static Trial CutOff() => ComesBack(startsAgain: 35_000).With(new FaultRecord("cut", 30_000, 70_000, ["n3"]));
        Assert.Empty(CutOff().Answer(40_000, "n3", "a", Vip).Breaches);
        Breached("promise 2: a.test .*; that had not been so for 20090 ms", CutOff().Answer(40_100, "n3", "a", Vip));
    }

    [Fact]
    public void What_was_true_is_a_breach_once_the_node_had_the_time_to_learn_better() => Breached("promise 2: a.test .*; it had had the time to learn better", ComesBack().Answer(29_600, "n3", "a", Vip));

    [Fact]
    public void A_vip_that_was_never_the_hosts_is_not_an_old_one()
    {
        Breached("promise 2: a.test .*and 240.240.0.3 by an answer of n3.*; that was not its VIP before", ComesBack().Answer(26_600, "n3", "a", "240.240.0.3"));
        Breached("promise 2: a.test .*; that was not its VIP before", ComesBack().Released(60_000, "a", 2, 70_000).Granted(60_001, "a", 3).Answer(26_600, "n3", "a", "240.240.0.3"));
    }

    [Fact]
    public void A_node_that_goes_back_behind_what_it_has_shown_is_a_breach()
    {
        Breached("promise 2: a.test .*; it had answered a.test with 240.240.0.2 before", ComesBack().Answer(26_550, "n3", "a", OtherVip).Answer(26_600, "n3", "a", Vip));
        Breached("promise 2: a.test .*; it had answered b.test with 240.240.0.1 before", ComesBack().Answer(26_550, "n3", "b", Vip).Answer(26_600, "n3", "a", Vip));
        Assert.Empty(ComesBack().Answer(26_550, "n2", "b", Vip).Answer(26_560, "n2", "a", OtherVip).Answer(26_600, "n3", "a", Vip).Breaches);
        Assert.Empty(ComesBack(startsAgain: 26_700).Up("n3", 26_500, 26_600).Answer(26_550, "n3", "a", OtherVip).Answer(26_750, "n3", "a", Vip).Breaches);
    }

    [Fact]
    public void A_reply_is_never_old() => Breached("promise 2: a.test .*; a reply is never out of date", ComesBack().Declared(50_000, "a", 4, Vip).JournalPut("a", 4));

    [Fact]
    public void The_journals_own_grants_are_held_to_the_promises()
    {
        Breached("promise 1: the journal leases 240.240.0.1 to b.test while a.test has it", new Trial().Granted(1, "a", 1).Granted(2, "b", 1));
        Breached("promise 1: the journal leases 240.240.0.2 to a.test, which has 240.240.0.1", new Trial().Granted(1, "a", 1).Granted(2, "a", 2));
        Breached("promise 2: a.test returns and the journal leases it 240.240.0.2", new Trial().Granted(1, "a", 1).Released(2, "a", 1, 10).Granted(5, "a", 2));
        Breached("promise 4: the journal leases 240.240.0.1 to b.test at 5, though it rests until 10", new Trial().Granted(1, "a", 1).Released(2, "a", 1, 10).Granted(5, "b", 1));
        Breached("promise 4: .*at 12, though it rests until 13", new Trial().Granted(1, "a", 1).Released(2, "a", 1, 10).Vips(new ClockSetBack(3) { At = 4 }).Granted(12, "b", 1));
        Assert.Empty(new Trial().Granted(1, "a", 1).Released(2, "a", 1, 10).Granted(5, "a", 1).Released(6, "a", 1, 16).Granted(16, "b", 1).Granted(17, "a", 2).Breaches);
    }

    [Fact]
    public void A_settled_name_is_answered_by_every_node_whatever_fails()
    {
        var trial = Declared().With(new FaultRecord("cut", 20_000, 30_000, ["n2"]));
        Assert.Empty(trial.Answer(25_000, "n2", "a", Vip).Answer(25_000, "n1", "a", Vip).Breaches);
        Breached("promise 5: n2 answered a.test with TIMEOUT", trial.Failed(26_000, "n2", "a", AnswerOutcome.Timeout));
        Breached("promise 5: n2 answered a.test with NXDOMAIN", trial.Answer(27_000, "n2", "a"));
        Breached("promise 5: n2 answered a.test with SERVFAIL", trial.Failed(27_000, "n2", "a"));
    }

    [Fact]
    public void Another_address_than_the_right_one_is_a_breach() => Breached("promise 5: n1 answered a.test with 192.0.2.9, and not with 240.240.0.1", Declared().Answer(9000, "n1", "a", "192.0.2.9"));

    [Fact]
    public void A_name_that_had_no_time_to_settle_may_be_unknown() => Assert.Empty(Declared()
        .Failed(2000, "n1", "a")
        .With(new FaultRecord("cut", 3000, 30_000, ["n2"])).Failed(10_000, "n2", "a").Failed(32_000, "n2", "a").Breaches);

    [Fact]
    public void A_name_that_is_being_changed_is_not_judged() => Assert.Empty(Declared()
        .Command(20_000, CommandOutcome.Unknown, Delete("a", 2)).Answer(60_000, "n1", "a").Breaches);

    [Fact]
    public void A_node_that_is_down_or_paused_is_excused()
    {
        var trial = new Trial().Up("n3", 0, 10_000).Up("n3", 20_000, 100_000).With(new NodeRecord("n3", NodeCondition.Paused, 40_000, 50_000)).Declared(1000, "a", 1, Vip).JournalPut("a", 1).Granted(1000, "a", 1);
        Assert.Empty(trial.Failed(15_000, "n3", "a").Failed(21_000, "n3", "a").Failed(45_000, "n3", "a").Failed(50_900, "n3", "a").Breaches);
        Breached("promise 5: n3", trial.Failed(52_000, "n3", "a"));
    }

    [Fact]
    public void What_a_node_saved_it_knows_at_once_when_it_is_up_again()
    {
        var trial = new Trial { Options = new JudgeOptions { SettleMs = 3000, TtlMs = 2000, SavedMs = 4000 } }
            .Up("n3", 0, 10_000).Up("n3", 20_000, 100_000).With(new FaultRecord("database", 15_000, 60_000, null)).Declared(1000, "a", 1, Vip).JournalPut("a", 1).Granted(1000, "a", 1);
        Breached("promise 5: n3", trial.Failed(21_000, "n3", "a"));
    }

    [Fact]
    public void Knowledge_that_is_too_old_may_be_refused_for_vips_only()
    {
        Assert.Empty(Declared().With(new FaultRecord("cut", 20_000, 60_000, ["n2"])).Failed(45_000, "n2", "a").Breaches);
        Breached("promise 5", new Trial().Command(0, CommandOutcome.Applied, Put("a", 1, "192.0.2.1")).JournalPut("a", 1).With(new FaultRecord("cut", 20_000, 60_000, ["n2"])).Failed(45_000, "n2", "a"));
    }

    [Fact]
    public void A_withdrawn_name_that_is_still_answered_is_a_breach()
    {
        Assert.Empty(Handover().Answer(20_000, "n2", "a").Breaches);
        Breached("promise 3: n2 answered a.test with 240.240.0.1, whose withdrawal was acknowledged", Handover().Answer(20_000, "n2", "a", Vip));
    }

    // Both twins of generation g have the address 192.0.2.g.
    private static Trial Twins() => new Trial().With(new TwinRecord("a.test", "b.test"))
        .Command(1000, CommandOutcome.Applied, Put("a", 1, "192.0.2.1"), Put("b", 1, "192.0.2.1")).Command(2000, CommandOutcome.Applied, Put("a", 2, "192.0.2.2"), Put("b", 2, "192.0.2.2"))
        .JournalPut("a", 1).JournalPut("b", 1).JournalPut("a", 2).JournalPut("b", 2);

    [Fact]
    public void Twins_that_change_together_pass() => Assert.Empty(Twins()
        .Answer(1100, "n1", "a", "192.0.2.1").Answer(1110, "n1", "b", "192.0.2.1").Answer(2100, "n1", "b", "192.0.2.2").Answer(2110, "n1", "a", "192.0.2.2").Answer(2120, "n2", "a", "192.0.2.1").Breaches);

    [Fact]
    public void A_transaction_that_the_feed_split_is_a_breach()
    {
        Breached("change feed: n1 answered b.test as of generation 1, after it had answered a.test as of 2", Twins().Answer(2100, "n1", "a", "192.0.2.2").Answer(2110, "n1", "b", "192.0.2.1"));
        Breached("change feed: n1 answered b.test as of generation 0", Twins().Answer(1100, "n1", "a", "192.0.2.1").Answer(1110, "n1", "b"));
        Breached("change feed: .*nobody ever declared", Twins().Answer(2100, "n1", "a", "192.0.2.2", "192.0.2.1"));
    }

    [Fact]
    public void A_new_start_may_begin_with_an_older_directory() => Assert.Empty(Twins().Up("n3", 0, 3000).Up("n3", 4000, 90_000)
        .Answer(2100, "n3", "a", "192.0.2.2").Answer(4100, "n3", "b", "192.0.2.1").Breaches);

    [Fact]
    public void The_audit_of_the_log_is_part_of_the_verdict()
    {
        var rows = new TransactionWriter(new Buckets(1)).Write(new TransactionDraft(1, "", [new AllocatorStarted(1, "n1", 1) { At = 1 }], []), LogPosition.Start, "aaaaaaaaaaaaaaaa", _ => LogPosition.Start)!.Rows;
        var verdict = HistoryJudge.Check(new History(), LoggedPast.Of(rows, []), new JudgeOptions());
        Assert.Contains(verdict.Breaches, b => b is { Promise: 7 } && b.Sentence.Contains("the journal: the log does not say", StringComparison.Ordinal));
        Assert.Equal(1, verdict.Audit.Rows);
    }

    [Fact]
    public void A_history_comes_back_from_its_file()
    {
        var trial = Handover().With(new TwinRecord("x", "y")).With(new FaultRecord("cut", 20_000, 60_000, ["n2"], Lossy: true, "why"));
        var text = new StringWriter();
        HistoryFile.Write(trial.History, text);
        var again = new StringWriter();
        HistoryFile.Write(HistoryFile.Read(new StringReader(text.ToString())), again);
        Assert.Equal(text.ToString(), again.ToString());
        Assert.Equal(trial.History.All.Count, text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Throws<FormatException>(() => HistoryFile.Read(new StringReader("""{"nonsense":{}}""")));
    }

    private static void Breached(string pattern, Trial trial) => Assert.Contains(trial.Breaches, breach => Regex.IsMatch(breach, pattern));
}
