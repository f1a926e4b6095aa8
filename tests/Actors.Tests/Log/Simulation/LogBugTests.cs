namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>Plants the mistakes that the promises are most easily broken by, each in the kind of world in which it shows: a simulator that does not find them proves nothing.</summary>
public sealed class LogBugTests
{
    private const int Seeds = 12;

    /// <summary>From a seed near one that shows it: some need a rare meeting of faults.</summary>
    [Theory]
    [InlineData("ReplyBeforeAppend", 0)]
    [InlineData("NoStartRow", 0)]
    [InlineData("NoQuarantine", 0)]
    [InlineData("ApplyWithoutAppend", 0)]
    [InlineData("SplitTransaction", 0)]
    [InlineData("NoLook", 68)]
    [InlineData("LateCopy", 0)]
    [InlineData("PositionWithoutTerm", 86)]
    [InlineData("NoChain", 0)]
    [InlineData("NumbersOnly", 1)]
    [InlineData("RowOrder", 0)]
    [InlineData("TrustsOldPrimary", 30)]
    [InlineData("AgeOfOldPrimary", 27)]
    [InlineData("AgeFromArrival", 0)]
    [InlineData("AgeOfTwoClocks", 0)]
    [InlineData("AgeStandsStill", 0)]
    [InlineData("AgeOfFuture", 0)]
    [InlineData("AgeUnseen", 30)]
    [InlineData("StampStandsStill", 0)]
    public void A_planted_mistake_is_found_and_without_it_the_same_worlds_pass(string name, int from)
    {
        var bug = Enum.Parse<LogBug>(name);
        var seed = from;
        while (LogRun.Run(seed, bug).Problems.Count == 0) Assert.True(++seed < from + Seeds, $"{bug} was not found by {Seeds} seeds from {from}");
        for (var sound = from; sound <= seed; sound++)
        {
            var result = LogRun.Run(sound, LogBug.None, kindOf: bug);
            Assert.True(result.Problems.Count == 0, $"in the worlds of {bug}, without it: {LogSimulationTests.Story(result)}");
        }
    }

    /// <summary>What is planted in the settings that all nodes share, and the sentence of the check that has to see it: others may see it too.</summary>
    [Theory]
    [InlineData("SettingsAnsweredEarly", "but the log ended at", 0)]
    [InlineData("SettingsBeforeAppend", "had at", 0)]
    [InlineData("SettingsKeyForgotten", "it is told otherwise", 0)]
    [InlineData("SettingsUnheard", "had at", 0)]
    [InlineData("ImageWithoutSettings", "the settings none", 0)]
    [InlineData("OldQuarantineForgotten", "though the settings promise until", 0)]
    [InlineData("RestsCutShort", "though it rests until", 0)]
    [InlineData("AgeOfOtherSettings", "to be kept for", 180)]
    public void A_mistake_with_settings_is_found_by_what_watches_them(string name, string sentence, int from)
    {
        var bug = Enum.Parse<LogBug>(name);
        for (var seed = from; seed < from + Seeds; seed++) if (LogRun.Run(seed, bug).Problems.Any(p => p.Contains(sentence, StringComparison.Ordinal))) return;
        Assert.Fail($"{bug} was not found by {Seeds} seeds from {from}");
    }
}
