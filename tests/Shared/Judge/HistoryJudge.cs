using MeshDns.Actors.Log;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>What the judge found.</summary>
/// <param name="Breaches">Every promise that was broken, in the order of time; empty when all held. At most 1,000.</param>
/// <param name="AnswersJudged">Answers that promise 5 had something to say about: a run that judged none has shown nothing.</param>
/// <param name="Audit">The replay of the final log.</param>
public sealed record Verdict(IReadOnlyList<Breach> Breaches, int AnswersJudged, LogAuditReport Audit);

/// <summary>Holds a history and the log at its end to the promises of the design. Pure: it can judge a recorded run again.</summary>
public static class HistoryJudge
{
    private const int MaxBreaches = 1000;

    public static Verdict Check(History history, LoggedPast past, JudgeOptions options)
    {
        var breaches = past.Audit.Breaches.Select(text => new Breach(7, "the journal: " + text)).ToList();
        var journal = new JournalFacts(past);
        var faults = new FaultTimes(history, options);
        var hosts = HostTimeline.Of(history, faults);
        breaches.AddRange(journal.Vips.Breaches);
        breaches.AddRange(CommandCheck.Run(history, journal, faults));
        breaches.AddRange(SettingsCheck.Run(history, journal, faults));
        breaches.AddRange(HolderCheck.Run(history, journal, faults, hosts, options));
        breaches.AddRange(AvailabilityCheck.Run(history, journal, faults, hosts, options, out var judged));
        breaches.AddRange(FeedCheck.Run(history, faults));
        return new Verdict([.. breaches.OrderBy(b => b.At ?? long.MinValue).Take(MaxBreaches)], judged, past.Audit);
    }
}
