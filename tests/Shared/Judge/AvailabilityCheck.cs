namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// Promise 5: what was acknowledged and had the time to settle on a node is answered by it, rightly and at once, whatever fails; and what was
/// withdrawn is no longer. A node is only held to what it could learn while nothing hindered it.
/// </summary>
internal static class AvailabilityCheck
{
    public static IEnumerable<Breach> Run(History history, JournalFacts journal, FaultTimes faults, IReadOnlyDictionary<string, IReadOnlyList<HostSpan>> hosts, JudgeOptions options, out int judged)
    {
        var breaches = new List<Breach>();
        var count = 0;
        foreach (var group in history.Answers.GroupBy(a => a.Name))
        {
            if (!hosts.TryGetValue(group.Key, out var spans)) continue;
            var settled = new Dictionary<(string Node, long Life, long From), long>();
            foreach (var answer in group)
            {
                if (HostTimeline.At(spans, answer.AskedAt) is not { } span || answer.AnsweredAt >= span.Until) continue;
                // What is lost may be another's change too, which moved this host's VIP while it lasted.
                if (faults.Lossy.Any(l => l.Overlaps(span.From, span.From) || l.Overlaps(answer.AskedAt, answer.AnsweredAt)) || faults.Life(answer.Node, answer.AskedAt, answer.AnsweredAt) is not { } life) continue;
                var key = (answer.Node, life.From, span.From);
                if (!settled.TryGetValue(key, out var from)) settled[key] = from = faults.SettledAt(answer.Node, life, span.From);
                if (answer.AskedAt < from) continue;
                count++;
                if (Judge(answer, span, journal, faults, options) is { } breach) breaches.Add(breach);
            }
        }
        judged = count;
        return breaches;
    }

    private static Breach? Judge(AnswerRecord answer, HostSpan span, JournalFacts journal, FaultTimes faults, JudgeOptions options)
    {
        var what = $"{answer.Node} answered {answer.Name} with {Show(answer)}";
        if (!span.Declared)
            return answer.Outcome == AnswerOutcome.Addresses ? new Breach(3, $"{what}, whose withdrawal was acknowledged at {span.From}", answer.AskedAt) : null;
        if (answer.Outcome == AnswerOutcome.Addresses)
            return IsRight(answer, span, journal) ? null : new Breach(5, $"{what}, and not with {string.Join(", ", span.Addresses)}", answer.AskedAt);
        var tooOld = span.IsAutomatic && answer.Outcome == AnswerOutcome.ServFail && answer.AnsweredAt - faults.LastClear(answer.Node, answer.AskedAt) >= (answer.MaxAgeMs ?? options.MaxAgeMs) - options.SettleMs;
        return tooOld ? null : new Breach(5, $"{what}, though it was declared and acknowledged at {span.From}", answer.AskedAt);
    }

    private static bool IsRight(AnswerRecord answer, HostSpan span, JournalFacts journal)
    {
        if (!span.IsAutomatic) return answer.Addresses.Order(StringComparer.Ordinal).SequenceEqual(span.Addresses.Order(StringComparer.Ordinal));
        if (answer.Addresses.Count != 1) return false;
        if (span.Addresses.Count == 1 && answer.Addresses[0] == span.Addresses[0]) return true;
        // Moved by an explicit address since, or never named by a reply: any VIP that the journal gave it.
        return (span.Addresses.Count == 0 || journal.Vips.Evicted.Contains(answer.Name))
            && System.Net.IPAddress.TryParse(answer.Addresses[0], out var ip) && journal.Range.TryIndexOf(ip, out var index) && journal.Vips.WasGranted(answer.Name, index);
    }

    private static string Show(AnswerRecord answer) => answer.Outcome == AnswerOutcome.Addresses ? string.Join(", ", answer.Addresses) : answer.Outcome.ToString().ToUpperInvariant();
}
