using System.Net;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// Promises 1, 2 and 4 from what clients were told, by answers and by replies: a VIP is only ever told for a host to which the journal gave
/// it, in the journal's order of holders, never for two hosts within a TTL of each other, and a declared host's VIP stays.
/// </summary>
internal sealed class HolderCheck(History history, JournalFacts journal, FaultTimes faults, JudgeOptions options)
{
    /// <summary>A time in which a host was declared without a break, beginning with a span of its timeline.</summary>
    private readonly record struct Stay(int First, long From, long To, string? Vip);

    private readonly List<Breach> _breaches = [];

    public static IEnumerable<Breach> Run(History history, JournalFacts journal, FaultTimes faults, IReadOnlyDictionary<string, IReadOnlyList<HostSpan>> hosts, JudgeOptions options)
    {
        var check = new HolderCheck(history, journal, faults, options);
        var all = check.All().ToArray();
        var told = check.Automatic(all).ToArray();
        var stale = new StaleAnswers(journal, faults, options, all);
        check.CheckGranted(told);
        foreach (var group in told.GroupBy(t => t.Index)) check.CheckHolders([.. group.OrderBy(t => t.To)]);
        foreach (var group in told.GroupBy(t => t.Host))
            if (hosts.TryGetValue(group.Key, out var spans)) check.CheckStays([.. group.OrderBy(t => t.From)], spans, stale);
        return check._breaches;
    }

    // Explicit claims are excepted: who claims an address is answered with it whoever else has it.
    private IEnumerable<Told> Automatic(IEnumerable<Told> all)
    {
        var claims = journal.Vips.Claims.Keys.ToHashSet();
        foreach (var document in history.Commands.SelectMany(c => c.Documents))
            foreach (var host in document.Hosts) claims.UnionWith(document.Addresses.Select(address => (address, host)));
        return all.Where(t => !claims.Contains((journal.Range.IPv4(t.Index).ToString(), t.Host)));
    }

    private IEnumerable<Told> All()
    {
        foreach (var answer in history.Answers.Where(a => a.Outcome == AnswerOutcome.Addresses))
            foreach (var address in answer.Addresses)
                if (IndexOf(address) is { } index) yield return new Told(answer.Name, index, answer.AskedAt, answer.AnsweredAt, $"an answer of {answer.Node}", answer.TtlMs ?? options.TtlMs, answer.MaxAgeMs ?? options.MaxAgeMs, answer.Node);
        foreach (var command in history.Commands.Where(c => c.Outcome == CommandOutcome.Applied))
            foreach (var (host, address) in command.Vips)
                if (IndexOf(address) is { } index) yield return new Told(host, index, command.InvokedAt, command.CompletedAt, $"the reply to {command.Id}", options.TtlMs, options.MaxAgeMs);
    }

    private int? IndexOf(string address) => IPAddress.TryParse(address, out var ip) && journal.Range.TryIndexOf(ip, out var index) ? index : null;

    // A grant that a lossy failover took back was told all the same while it lasted.
    private bool IsExcused(Told told) => told.Node is { } node ? faults.MayKnowLostPast(node, told.From, told.To) : faults.Lossy.Any(s => s.Overlaps(told.From, told.To));

    private void CheckGranted(Told[] told)
    {
        foreach (var t in told.Where(t => !journal.Vips.WasGranted(t.Host, t.Index) && !IsExcused(t)))
            Breach(1, $"{t.By} gave {Text(t.Index)} to {t.Host}, the journal never did", t.To);
    }

    private void CheckHolders(Told[] told)
    {
        // An answer that took longer than this can't be ordered with others.
        var clear = told.Where(t => t.To - t.From <= options.TtlMs / 2).ToArray();
        // Where TTLs differ, what was told before the last may be kept longer than that.
        var lasting = clear is [var first, ..] ? first : default;
        for (var i = 1; i < clear.Length; i++)
        {
            var (a, b) = (clear[i - 1], clear[i]);
            if (!IsBreach(a, b)) IsBreach(lasting, b);
            if (b.Host != lasting.Host || b.To + b.TtlMs >= lasting.To + lasting.TtlMs) lasting = b;
        }
        CheckOrder([.. clear.Where(t => journal.Vips.WasGranted(t.Host, t.Index) && !IsExcused(t))]);
    }

    private bool IsBreach(Told a, Told b)
    {
        if (a.Host == b.Host) return false;
        var apart = Math.Max(Math.Abs(b.To - a.From), Math.Abs(a.To - b.From));
        if (apart >= a.TtlMs) return false;
        var promise = a.From <= b.To && b.From <= a.To ? 1 : 4;
        var sentence = $"{a.By} gave {Text(a.Index)} to {a.Host}, to be kept for {a.TtlMs} ms, and at most {apart} ms apart {b.By} gave it to {b.Host}";
        Breach(promise, sentence, b.To);
        return true;
    }

    private void CheckOrder(Told[] told)
    {
        if (told.Length == 0) return;
        var holders = journal.Vips.HoldersOf(told[0].Index);
        var at = 0;
        foreach (var t in told)
        {
            while (at < holders.Count && holders[at] != t.Host) at++;
            if (at < holders.Count) continue;
            Breach(4, $"{t.By} gave {Text(t.Index)} to {t.Host}, after it had been given to the next holder; the journal's holders: {string.Join(", ", holders)}", t.To);
            return;
        }
    }

    private void CheckStays(Told[] told, IReadOnlyList<HostSpan> spans, StaleAnswers stale)
    {
        if (journal.Vips.Evicted.Contains(told[0].Host)) return;
        foreach (var stay in Stays(spans))
        {
            var inside = told.Where(t => t.From >= stay.From && t.To <= stay.To && !IsExcused(t)).ToArray();
            if (inside.Length == 0) continue;
            var vip = (stay.Vip is { } named ? IndexOf(named) : null) ?? Latest(inside);
            foreach (var t in inside.Where(t => t.Index != vip && !faults.Lossy.Any(s => s.Overlaps(stay.From, t.To))))
            {
                if (stale.Objection(t, vip, spans, stay.First) is not { } objection) continue;
                Breach(2, $"{t.Host} was given {Text(vip)} by {(stay.Vip is null ? inside.First(i => i.Index == vip).By : "the reply that declared it")} and {Text(t.Index)} by {t.By}, and was declared all the time; {objection}", t.To);
                break;
            }
        }
    }

    // Where no reply named the VIP: of those that were told the one that the journal gave last.
    private int Latest(Told[] told)
    {
        var grants = journal.Vips.GrantsOf(told[0].Host);
        return told.MaxBy(t => grants.LastOrDefault(g => g.Index == t.Index).Turn).Index;
    }

    // A command that declares anew what was declared doesn't end the declaration, so its time counts too; one of unknown outcome may have.
    private static IEnumerable<Stay> Stays(IReadOnlyList<HostSpan> spans)
    {
        Stay? open = null;
        for (var i = 0; i < spans.Count; i++)
        {
            var span = spans[i];
            var isDeclared = span is { Declared: true, IsAutomatic: true };
            if (open is { } o && isDeclared && span.FollowsOn)
            {
                open = o with { To = span.Until, Vip = o.Vip ?? VipOf(span) };
                continue;
            }
            if (open is { } done) yield return done;
            open = isDeclared ? new Stay(i, span.From, span.Until, VipOf(span)) : null;
        }
        if (open is { } last) yield return last;
    }

    private static string? VipOf(HostSpan span) => span.Addresses is [var vip, ..] ? vip : null;

    private string Text(int index) => journal.Range.IPv4(index).ToString();

    private void Breach(int promise, string sentence, long at) => _breaches.Add(new Breach(promise, sentence, at));
}
