using System.Globalization;

namespace MeshDns.Actors.Tests.Cluster.Fuzz;

public sealed class MeshProperties
{
    private const int Steps = 10;

    // MESHDNS_FUZZ_CASES scales it; MESHDNS_FUZZ_SEED runs that seed alone.
    private static int Cases => Number("MESHDNS_FUZZ_CASES", 300);

    [Fact]
    public void Whatever_happens_the_promises_hold()
    {
        var only = Number("MESHDNS_FUZZ_SEED", -1);
        if (only >= 0) { MeshRun.Run(only, Steps); return; }
        Parallel.For(0, Cases, seed => MeshRun.Run(seed, Steps));
    }

    [Fact]
    public void A_seed_repeats_its_run()
    {
        for (var seed = 0; seed < 20; seed++) Assert.Equal(MeshRun.Run(seed, Steps), MeshRun.Run(seed, Steps));
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
