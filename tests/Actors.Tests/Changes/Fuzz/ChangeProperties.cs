using System.Globalization;

namespace MeshDns.Actors.Tests.Changes.Fuzz;

/// <summary>Random changes against a model that knows nothing of facts, buckets or leases, and a witness of the promises. MESHDNS_FUZZ_CASES sets how many; MESHDNS_FUZZ_SEED runs that seed alone.</summary>
public sealed class ChangeProperties
{
    private const int Steps = 30;

    [Fact]
    public void Whatever_is_declared_the_promises_hold()
    {
        var only = Number("MESHDNS_FUZZ_SEED", -1);
        if (only >= 0)
        {
            ChangeRun.Run(only, Steps);
            return;
        }
        var outcomes = Enumerable.Range(0, Number("MESHDNS_FUZZ_CASES", 100)).SelectMany(seed => ChangeRun.Run(seed, Steps)).ToHashSet();
        // A generator that never fills the pool or moves nobody would prove nothing of either.
        foreach (var outcome in (string[])["Applied", "PoolExhausted", "VersionMismatch", "OtherSource", "NotFound", "moved", "returned", "Invalid", "settings", "shortened"]) Assert.Contains(outcome, outcomes);
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
