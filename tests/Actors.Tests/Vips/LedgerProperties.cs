using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Xunit.Abstractions;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>
/// Random lives of a ledger against a naive model, a witness of the promises, and its own snapshots and replays.
/// MESHDNS_FUZZ_CASES sets the number of lives (default 400); of the larger pool, a twentieth of it.
/// </summary>
public class LedgerProperties(ITestOutputHelper output)
{
    private static int Cases => int.TryParse(Environment.GetEnvironmentVariable("MESHDNS_FUZZ_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out var cases) ? cases : 400;

    [Fact]
    public void A_small_pool_keeps_every_promise() => Check(LedgerWorld.Small, Cases, steps: 60);

    [Fact]
    public void A_larger_pool_keeps_every_promise() => Check(LedgerWorld.Medium, Math.Max(1, Cases / 20), steps: 25);

    [Fact]
    public void The_witness_would_see_it_if_quarantine_were_skipped()
    {
        // The mutation: a ledger that lets an index rest for 1 ms where 1,000 were promised.
        var thrown = Assert.ThrowsAny<Exception>(() => Check(LedgerWorld.Small, 200, steps: 60, keptQuarantineMs: 1, onlyPromises: true));
        Assert.Contains("promise 4 is broken", thrown.ToString(), StringComparison.Ordinal);
        Check(LedgerWorld.Small, 20, steps: 60, LedgerWorld.QuarantineMs, onlyPromises: true);
    }

    private void Check(LedgerWorld world, int cases, int steps, long keptQuarantineMs = LedgerWorld.QuarantineMs, bool onlyPromises = false)
    {
        int refusals = 0, moves = 0, wishes = 0, rests = 0;
        var lives = Arb.From(Gen.Choose(1, steps).SelectMany(n => Gen.ListOf(world.Step, n)).Select(list => list.ToList()), LedgerWorld.Shrink);
        var property = Prop.ForAll(lives, life =>
        {
            var run = new LedgerRun(world, keptQuarantineMs, onlyPromises);
            run.Play(life);
            refusals += run.Refusals;
            moves += run.Moves;
            wishes += run.Wishes;
            rests += run.Rests;
        });
        property.Check(Config.QuickThrowOnFailure.WithMaxTest(cases));
        output.WriteLine($"{cases} lives, {refusals} refusals, {moves} moves, {wishes} wishes granted, {rests} rests taken");
        // A generator that never fills the pool would prove nothing of its limits.
        if (!onlyPromises && cases >= 20) Assert.True(refusals > 0 && moves > 0 && wishes > 0 && rests > 0);
    }
}
