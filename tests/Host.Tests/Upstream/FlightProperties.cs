using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>
/// Random lives of a flight: whoever waits is told exactly once and in time, nothing is sent too often or when it is over, and its state holds all that decides.
/// MESHDNS_FUZZ_CASES sets the number of lives (default 2,000).
/// </summary>
public sealed class FlightProperties
{
    private static int Cases => int.TryParse(Environment.GetEnvironmentVariable("MESHDNS_FUZZ_CASES"), NumberStyles.None, CultureInfo.InvariantCulture, out int cases) ? cases : 2000;

    [Fact]
    public void Whoever_waits_is_told_exactly_once_and_in_time_and_nothing_is_sent_too_often()
    {
        int answered = 0, failed = 0, askedAgain = 0;
        Check(life =>
        {
            FlightRun run = Played(life, _ => true);
            _ = run.IsAnswered ? answered++ : failed++;
            askedAgain += run.Attempts > 1 ? 1 : 0;
        });
        // Lives that all go the same way would prove nothing of the others.
        Assert.True(answered > Cases / 10 && failed > Cases / 10 && askedAgain > Cases / 10, $"{answered} {failed} {askedAgain}");
    }

    [Fact]
    public void What_is_not_the_reply_changes_nothing() => Check(life => Assert.Equal(Played(life, step => !step.IsLie).Transcript, Played(life, _ => true).Transcript));

    [Fact]
    public void The_same_life_goes_the_same_way() => Check(life => Assert.Equal(Played(life, _ => true).Transcript, Played(life, _ => true).Transcript));

    private static FlightRun Played(FlightLife life, Func<FlightStep, bool> isPlayed)
    {
        var run = new FlightRun(life);
        run.Play(isPlayed);
        return run;
    }

    private static void Check(Action<FlightLife> property) => Prop.ForAll(FlightLife.Any, property).Check(Config.QuickThrowOnFailure.WithMaxTest(Cases));
}
