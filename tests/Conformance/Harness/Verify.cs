using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>Holds a journal to its invariants with the program's own verb.</summary>
internal static class Verify
{
    public static async Task CleanAsync(string dataDirectory)
    {
        var run = await CommandRun.Of("dotnet", NodeProcess.Program, "verify", "--set", $"node.data-dir={dataDirectory}");
        Assert.True(run.ExitCode == 0, run.ToString());
    }
}
