using System.Globalization;

namespace MeshDns.Actors.Tests.Cluster.Simulation;

/// <summary>Whole clusters in virtual time. A failure names its seed: MESHDNS_SIM_SEED runs that one alone, MESHDNS_SIM_SEEDS says how many are run.</summary>
public sealed class ClusterSimulationTests
{
    private static int Seeds => Number("MESHDNS_SIM_SEEDS", 1000);

    private static int First => Number("MESHDNS_SIM_FIRST", 0);

    [Fact]
    public void Whatever_happens_to_a_cluster_the_promises_hold()
    {
        var only = Number("MESHDNS_SIM_SEED", -1);
        if (only >= 0)
        {
            var result = ClusterRun.Run(only);
            Assert.True(result.Problems.Count == 0, Story(result));
            return;
        }
        var failed = new SortedDictionary<int, ClusterRunResult>();
        long applied = 0, judged = 0, forwarded = 0, found = 0;
        Parallel.For(First, First + Seeds, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(4, Environment.ProcessorCount) }, (seed, state) =>
        {
            var result = ClusterRun.Run(seed);
            Interlocked.Add(ref applied, result.Applied);
            Interlocked.Add(ref judged, result.Judged);
            Interlocked.Add(ref forwarded, result.Forwarded);
            Interlocked.Add(ref found, result.ForwardsFound);
            if (result.Problems.Count == 0) return;
            lock (failed) failed.Add(seed, result);
            if (failed.Count >= 20) state.Stop();
        });
        Assert.True(failed.Count == 0, $"{failed.Count} seeds failed: {string.Join(' ', failed.Keys)}\n{string.Join('\n', failed.Values.Select(r => $"{r.Seed}: {r.Problems[0]}"))}\n{(failed.Count == 0 ? "" : Story(failed.Values.First()))}");
        // Worlds in which nothing happens keep every promise.
        Assert.True(applied > 50L * Seeds && judged > 50L * Seeds && forwarded > 20L * Seeds && found > Seeds / 20,
            $"{applied} changes applied, {forwarded} of them forwarded, {found} of these found to be done already, and {judged} answers judged in {Seeds} worlds");
    }

    /// <summary>What the judge must say of a mistake that was put in on purpose, in one of the first seeds.</summary>
    [Theory]
    [InlineData("ReplyBeforeAppend", "promise 3")]
    [InlineData("NoFence", "promise")]
    [InlineData("NoQuarantine", "promise 4")]
    [InlineData("ApplyWithoutCommit", "promise 3")]
    [InlineData("EpochNotRaised", "the directory of")]
    [InlineData("SplitTransaction", "change feed")]
    [InlineData("ForwardWithoutKey", "promise 7")]
    public void A_planted_mistake_is_found(string bug, string breach)
    {
        var found = new List<string>();
        for (var seed = 0; seed < 40; seed++)
        {
            var problems = ClusterRun.Run(seed, Enum.Parse<BugKind>(bug)).Problems;
            if (problems.Any(p => p.StartsWith(breach, StringComparison.Ordinal))) return;
            found.AddRange(problems.Select(p => $"{seed}: {p}"));
        }
        Assert.Fail($"no seed shows a breach of {breach}; what was seen:\n{string.Join('\n', found.Take(50))}");
    }

    [Fact]
    public void A_seed_repeats_its_run()
    {
        for (var seed = 0; seed < 5; seed++) Assert.Equal(ClusterRun.Run(seed).Trace, ClusterRun.Run(seed).Trace);
    }

    private static string Story(ClusterRunResult result) =>
        $"seed {result.Seed} (MESHDNS_SIM_SEED={result.Seed} repeats it):\n{string.Join('\n', result.Problems.Take(20))}\nwhat happened:\n{string.Join('\n', Lines(result).TakeLast(6000))}";

    private static IEnumerable<string> Lines(ClusterRunResult result) => result.Trace
        .Concat(result.Log.Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.At.TotalSeconds,8:0.000}   {l.Level} {l.Source}: {l.Message} {l.Error}")))
        .OrderBy(l => double.Parse(l.AsSpan(0, 8), NumberStyles.Float, CultureInfo.InvariantCulture));

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
