using System.Globalization;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Contracts.Events;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Report;

/// <summary>What a run was and how it ended, as text.</summary>
internal static class Summary
{
    private const int ShownBreaches = 20;

    public static string Render(ChaosOptions options, History history, LoggedPast past, Verdict verdict, JudgeOptions judged, OwnerWatch owners)
    {
        var outcomes = history.Commands.GroupBy(c => c.Outcome).OrderBy(g => g.Key).Select(g => $"{g.Count()} {g.Key.ToString().ToLowerInvariant()}");
        var answers = history.Answers.GroupBy(a => a.Outcome).OrderBy(g => g.Key).Select(g => $"{g.Count()} {g.Key.ToString().ToLowerInvariant()}");
        var grants = past.Transactions.SelectMany(t => t.Facts).OfType<VipGranted>().GroupBy(g => g.Index).ToArray();
        return string.Create(CultureInfo.InvariantCulture, $"""
            {FaultTable.Render(history, verdict.Breaches, judged)}
            {history.Faults.Count} faults of {history.Faults.Select(f => f.Kind).Distinct().Count()} kinds, seed {options.Seed}
            {history.Commands.Count} commands: {string.Join(", ", outcomes)}
            {history.Answers.Count} answers: {string.Join(", ", answers)}; {verdict.AnswersJudged} of them of names settled on the node that was asked
            {grants.Sum(g => g.Count())} leases of {grants.Length} VIPs, {grants.Count(g => g.Select(e => e.Host).Distinct().Count() > 1)} of which went to another name; {verdict.Audit.Events} events in {verdict.Audit.Transactions} transactions of the log
            longest without a live owner: {owners.LongestOf(Streams.Vips).TotalSeconds:F1} s the allocator, {owners.Longest.TotalSeconds:F1} s any stream
            promises 1, 2, 3, 4, 5, 7 and the order of the feed judged: {verdict.Breaches.Count} breaches
            {string.Join('\n', verdict.Breaches.Take(ShownBreaches))}
            {(verdict.Breaches.Count == 0 ? "PASS" : $"FAIL: {verdict.Breaches.Count} breaches")}, seed {options.Seed}
            """);
    }
}
