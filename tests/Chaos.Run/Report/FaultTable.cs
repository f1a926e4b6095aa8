using System.Globalization;
using System.Text;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Report;

/// <summary>The table of a run: what each kind of fault cost.</summary>
internal static class FaultTable
{
    // A fault's cost ends with the first acknowledged write after it, at the latest so long after it.
    private const long AftermathMs = 10_000;

    public static string Render(History history, IReadOnlyList<Breach> breaches, JudgeOptions options)
    {
        var faults = new FaultTimes(history, options);
        var applied = history.Commands.Where(c => c.Outcome == CommandOutcome.Applied).Select(c => c.CompletedAt).Order().ToArray();
        var unanswered = history.Answers.Where(a => a.Outcome is AnswerOutcome.Timeout && faults.Life(a.Node, a.AskedAt, a.AnsweredAt) is not null).ToArray();
        var text = new StringBuilder();
        text.AppendLine("| fault | times | longest without an acknowledged write | queries that live nodes did not answer | breaches |");
        text.AppendLine("|---|---|---|---|---|");
        foreach (var kind in history.Faults.GroupBy(f => f.Kind).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var gap = kind.Max(f => LongestGap(applied, f.From, f.To + AftermathMs));
            var lost = kind.Sum(f => unanswered.Count(a => a.AskedAt >= f.From && a.AskedAt <= f.To));
            var broken = kind.Sum(f => breaches.Count(b => b.At >= f.From && b.At <= f.To + AftermathMs));
            text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| {kind.Key} | {kind.Count()} | {gap / 1000.0:F1} s | {lost} | {broken} |"));
        }
        return text.ToString();
    }

    private static long LongestGap(long[] applied, long from, long to)
    {
        var (last, longest) = (from, 0L);
        foreach (var at in applied.SkipWhile(at => at < from).TakeWhile(at => at <= to))
        {
            longest = Math.Max(longest, at - last);
            last = at;
        }
        return Math.Max(longest, last == from ? to - from : 0);
    }
}
