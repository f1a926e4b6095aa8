using System.Globalization;

namespace MeshDns.Actors.Tests.Log.Simulation;

/// <summary>Whole clusters of the new protocol in virtual time. A failure names its seed: MESHDNS_SIM_SEED runs that one alone, MESHDNS_SIM_SEEDS says how many are run.</summary>
public sealed class LogSimulationTests
{
    private static int Seeds => Number("MESHDNS_SIM_SEEDS", 1000);

    private static int First => Number("MESHDNS_SIM_FIRST", 0);

    [Fact]
    public void Whatever_happens_to_a_cluster_the_promises_hold()
    {
        var only = Number("MESHDNS_SIM_SEED", -1);
        if (only >= 0)
        {
            var result = LogRun.Run(only);
            Assert.True(result.Problems.Count == 0, Story(result));
            return;
        }
        var failed = new SortedDictionary<int, LogRunResult>();
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        Parallel.For(First, First + Seeds, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(4, Environment.ProcessorCount) }, (seed, state) =>
        {
            var result = LogRun.Run(seed);
            lock (failed)
            {
                foreach (var (name, count) in result.Counts) counts[name] = counts.GetValueOrDefault(name) + count;
                if (result.Problems.Count > 0) failed.Add(seed, result);
                if (failed.Count >= 20) state.Stop();
            }
        });
        Assert.True(failed.Count == 0, $"{failed.Count} seeds failed: {string.Join(' ', failed.Keys)}\n{string.Join('\n', failed.Values.Select(r => $"{r.Seed}: {r.Problems[0]}"))}\n{(failed.Count == 0 ? "" : Story(failed.Values.First()))}");
        // Worlds in which nothing happens keep every promise.
        Assert.True(
            counts["applied"] > 60L * Seeds && counts["judged"] > 60L * Seeds && counts["terms"] > 5L * Seeds && counts["reads"] > 20L * Seeds && counts["replayed"] > Seeds && counts["resent"] > Seeds && counts["images"] > Seeds
            && counts["settings"] > 3L * Seeds && counts["settings refused"] > Seeds / 2,
            string.Join(", ", counts.Select(c => $"{c.Key} {c.Value}")) + $" in {Seeds} worlds");
    }

    [Fact]
    public void A_seed_repeats_its_run()
    {
        for (var seed = 0; seed < 5; seed++) Assert.Equal(LogRun.Run(seed).Trace, LogRun.Run(seed).Trace);
    }

    internal static string Story(LogRunResult result) =>
        $"seed {result.Seed} (MESHDNS_SIM_SEED={result.Seed} repeats it):\n{string.Join('\n', result.Problems.Take(20))}\nwhat happened:\n{string.Join('\n', result.Trace.TakeLast(3000))}";

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
