using MeshDns.Actors.Journal;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>What the judge found.</summary>
/// <param name="Breaches">Every promise that was broken, in the order of time; empty when all held. At most 1,000.</param>
/// <param name="AnswersJudged">Answers that promise 5 had something to say about: a run that judged none has shown nothing.</param>
/// <param name="Audit">The replay of the final journal.</param>
public sealed record Verdict(IReadOnlyList<Breach> Breaches, int AnswersJudged, AuditReport Audit);

/// <summary>Holds a history and the journal at its end to the promises of the design. Pure: it can judge a recorded run again.</summary>
public static class HistoryJudge
{
    private const int MaxBreaches = 1000;

    public static Verdict Check(History history, JournalImage image, JudgeOptions options)
    {
        var audit = JournalAudit.Run(image);
        var breaches = audit.Breaches.Select(text => new Breach(7, "the journal: " + text)).ToList();
        JournalFacts journal;
        try { journal = new JournalFacts(image); }
        catch (Exception e) when (e is FormatException or KeyNotFoundException)
        {
            return new Verdict([.. breaches, new Breach(7, "the journal cannot be judged: " + e.Message)], 0, audit);
        }
        breaches.AddRange(Check(history, journal, options, out var judged));
        return new Verdict([.. breaches.OrderBy(b => b.At ?? long.MinValue).Take(MaxBreaches)], judged, audit);
    }

    /// <summary>The same of the one log; who has read it has checked that it is whole.</summary>
    public static Verdict Check(History history, LoggedPast past, JudgeOptions options)
    {
        var breaches = Check(history, new JournalFacts(past), options, out var judged);
        return new Verdict([.. breaches.OrderBy(b => b.At ?? long.MinValue).Take(MaxBreaches)], judged, new AuditReport(1, past.Transactions.Sum(t => (long)t.Facts.Count), 0, 0, 0, []));
    }

    private static List<Breach> Check(History history, JournalFacts journal, JudgeOptions options, out int judged)
    {
        var breaches = new List<Breach>();
        var faults = new FaultTimes(history, options);
        var hosts = HostTimeline.Of(history, faults);
        breaches.AddRange(journal.Vips.Breaches);
        breaches.AddRange(CommandCheck.Run(history, journal, faults));
        breaches.AddRange(HolderCheck.Run(history, journal, faults, hosts, options));
        breaches.AddRange(AvailabilityCheck.Run(history, journal, faults, hosts, options, out judged));
        breaches.AddRange(FeedCheck.Run(history, faults));
        return breaches;
    }
}
