namespace MeshDns.Tests.Shared.Judge;

/// <summary>That a client was told so; it was true at some moment between the two times, or in the view of the node that answered.</summary>
/// <param name="Host">The host.</param>
/// <param name="Index">The VIP.</param>
/// <param name="From">When it was asked.</param>
/// <param name="To">When it was told.</param>
/// <param name="By">What told it, for the report.</param>
/// <param name="TtlMs">So long the client may keep it.</param>
/// <param name="MaxAgeMs">From older knowledge it was not to be told.</param>
/// <param name="Node">The node that answered out of its directory; null for a reply to a command, which is never out of date.</param>
internal readonly record struct Told(string Host, int Index, long From, long To, string By, long TtlMs, long MaxAgeMs, string? Node = null);

/// <summary>
/// Promise 4 bounds the age of what a node answers from, it does not forbid age: a host that left and came back with another VIP may be answered with the
/// old one by a node that lags, as one does that has just started with its saved directory. That is no breach of promise 2 as long as it was true
/// not too long ago and the node never goes back behind what it has shown.
/// </summary>
internal sealed class StaleAnswers(JournalFacts journal, FaultTimes faults, JudgeOptions options, IReadOnlyList<Told> all)
{
    /// <summary>Why an answer with another VIP than that of its host's stay may not be excused as old; null when it may.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="vip">The VIP of the stay.</param>
    /// <param name="spans">The certain times of the host.</param>
    /// <param name="first">The span with which the stay begins.</param>
    public string? Objection(Told answer, int vip, IReadOnlyList<HostSpan> spans, int first)
    {
        if (answer.Node is not { } node) return "a reply is never out of date";
        var grants = journal.Vips.GrantsOf(answer.Host);
        if (!grants.TakeWhile(g => g.Turn < grants.LastOrDefault(x => x.Index == vip).Turn).Any(g => g.Index == answer.Index)) return "that was not its VIP before";
        if (answer.From - LastTrue(answer, spans, first) is var age && age > answer.MaxAgeMs) return $"that had not been so for {age} ms";
        if (faults.Life(node, answer.From, answer.To) is { } life && answer.From >= faults.SettledAt(node, life, spans[first].From)) return "it had had the time to learn better";
        return NewerTruth(answer, vip, grants) is { } newer ? $"it had answered {newer.Host} with {journal.Range.IPv4(newer.Index)} before, at {newer.To}" : null;
    }

    // The latest moment at which the host may have had the VIP before the stay: when the command was acknowledged that ended it.
    private long LastTrue(Told answer, IReadOnlyList<HostSpan> spans, int first)
    {
        var text = journal.Range.IPv4(answer.Index).ToString();
        while (first > 0 && spans[first].FollowsOn && !(spans[first - 1] is { Declared: true, IsAutomatic: true, Addresses: var known } && (known.Count == 0 || known.Contains(text)))) first--;
        return spans[first].From;
    }

    // What the same start of the node had told before and what cannot be older: the new VIP of the host, or the VIP for one who claimed it after the host's time.
    private Told? NewerTruth(Told answer, int vip, IReadOnlyList<(int Index, int Turn)> grants)
    {
        var turn = grants.Last(g => g.Index == answer.Index).Turn;
        var isNew = !grants.Any(g => g.Index == vip && g.Turn < turn);
        var address = journal.Range.IPv4(answer.Index).ToString();
        foreach (var told in all.Where(t => t.Node == answer.Node && t.To < answer.From && IsSameView(t, answer)))
        {
            if (isNew && told.Host == answer.Host && told.Index == vip) return told;
            if (!options.AsksOwners && told.Host != answer.Host && told.Index == answer.Index && journal.Vips.Claims.TryGetValue((address, told.Host), out var claimed) && claimed > turn) return told;
        }
        return null;
    }

    // A new start may begin with an older directory, and a lost past with an older journal.
    private bool IsSameView(Told one, Told other) =>
        faults.LifeAt(one.Node!, one.From)?.From == faults.LifeAt(other.Node!, other.From)?.From && !faults.Lossy.Any(s => s.Overlaps(one.To, other.From));
}
