namespace MeshDns.Tests.Shared.Judge;

/// <summary>What a host was for a while, as its clients know for certain: from an acknowledgement until the next command that may change it.</summary>
/// <param name="From">The acknowledgement.</param>
/// <param name="Until">When the next command that may change it was asked for.</param>
/// <param name="Declared">False when it was withdrawn.</param>
/// <param name="Addresses">Its explicit addresses, or its VIP; empty: it has a VIP that no reply named.</param>
/// <param name="IsAutomatic">True when its address is a VIP.</param>
/// <param name="FollowsOn">True when nothing that ended in doubt lies between the span before and this one.</param>
internal sealed record HostSpan(long From, long Until, bool Declared, IReadOnlyList<string> Addresses, bool IsAutomatic, bool FollowsOn = false);

/// <summary>The certain times of each host, from the commands alone. A host that several documents declare has none: it is judged by the ledger only.</summary>
internal static class HostTimeline
{
    public static IReadOnlyDictionary<string, IReadOnlyList<HostSpan>> Of(History history, FaultTimes faults)
    {
        var touches = new Dictionary<string, List<(CommandRecord Command, CommandDocument Document, bool Has)>>();
        foreach (var writes in history.Commands.SelectMany(c => c.Documents.Select(d => (Command: c, Document: d))).GroupBy(w => w.Document.Key))
        {
            var hosts = writes.SelectMany(w => w.Document.Hosts).Distinct().ToArray();
            foreach (var host in hosts)
            {
                if (!touches.TryGetValue(host, out var list)) touches[host] = list = [];
                list.AddRange(writes.Select(w => (w.Command, w.Document, !w.Document.Deleted && w.Document.Hosts.Contains(host))));
            }
        }
        return touches.Where(t => t.Value.Select(w => w.Document.Key).Distinct().Count() == 1)
            .ToDictionary(t => t.Key, t => (IReadOnlyList<HostSpan>)[.. Spans(t.Key, [.. t.Value.OrderBy(w => w.Document.Generation)], faults)]);
    }

    /// <summary>The last span that began before a time; null when there is none.</summary>
    public static HostSpan? At(IReadOnlyList<HostSpan> spans, long at)
    {
        var (low, high) = (0, spans.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (spans[middle].From < at) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? null : spans[low - 1];
    }

    private static IEnumerable<HostSpan> Spans(string host, (CommandRecord Command, CommandDocument Document, bool Has)[] touches, FaultTimes faults)
    {
        // What was refused changed nothing, and its time is as certain as any other.
        var effective = touches.Where(t => t.Command.Outcome is CommandOutcome.Applied or CommandOutcome.Unknown).ToArray();
        var followsOn = false;
        for (var i = 0; i < effective.Length; i++)
        {
            var (command, document, has) = effective[i];
            if (command.Outcome != CommandOutcome.Applied || !faults.IsCertain(command))
            {
                followsOn = false;
                continue;
            }
            var until = i + 1 < effective.Length ? effective[i + 1].Command.InvokedAt : long.MaxValue;
            // A loss may take away what came before it was noticed, never what was certain; but what follows it is another story.
            var vip = command.Vips.GetValueOrDefault(host);
            var automatic = document.Addresses.Count == 0;
            yield return new HostSpan(command.CompletedAt, until, has, automatic ? vip is null ? [] : [vip] : document.Addresses, automatic, followsOn);
            followsOn = true;
        }
    }
}
