using System.Globalization;
using MeshDns.Chaos.Links;
using MeshDns.Chaos.Run;
using Xunit.Abstractions;

namespace MeshDns.Chaos;

/// <summary>
/// The bounded form of <c>./chaos</c>: a real cluster, the kinds of fault in haste, as many as there is time for, and the judge.
/// MESHDNS_CHAOS_SEED takes another seed; MESHDNS_CHAOS_REPORT names a file that the table is appended to.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int Seed = 11;

    [Fact]
    public async Task A_node_on_its_own_keeps_its_promises_whatever_fails() =>
        await RunAsync(new ChaosOptions { Seed = SeedOf(), Sqlite = true, Nodes = 1, Edges = 0, Duration = TimeSpan.FromSeconds(15), Haste = 0.3 });

    [NamespaceFact]
    public async Task A_cluster_keeps_its_promises_whatever_fails() =>
        await RunAsync(new ChaosOptions { Seed = SeedOf(), Duration = TimeSpan.FromSeconds(85), Haste = 0.3 });

    private async Task RunAsync(ChaosOptions options)
    {
        var result = await new ChaosRun(options, output.WriteLine).RunAsync();
        output.WriteLine(result.Summary);
        if (Environment.GetEnvironmentVariable("MESHDNS_CHAOS_REPORT") is { Length: > 0 } report) await File.AppendAllTextAsync(report, result.Summary + "\n\n");
        Assert.True(result.Passed, result.Summary);
        Assert.True(result.Verdict.AnswersJudged > 0, "no answer was judged, so the run has shown nothing");
    }

    private static int SeedOf() =>
        int.TryParse(Environment.GetEnvironmentVariable("MESHDNS_CHAOS_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : Seed;
}
