using System.Diagnostics;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>Runs the program's verbs as a shell does.</summary>
internal static class Cli
{
    /// <summary>A verb against this node; what it reads from standard input may be given.</summary>
    public static Task<CommandRun> CliAsync(this NodeProcess node, string arguments, string input = "") => RunAsync(arguments, input, node.Admin.ToString());

    /// <summary>A verb with MESHDNS_SERVER set.</summary>
    public static Task<CommandRun> RunAsync(string arguments, string input = "", string? server = null)
    {
        var start = new ProcessStartInfo("dotnet", [NodeProcess.Program, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)]) { WorkingDirectory = Repository.Root };
        if (server is not null) start.Environment["MESHDNS_SERVER"] = server;
        return CommandRun.Of(start, input);
    }

    /// <summary>It succeeded; its standard output.</summary>
    public static string Done(this CommandRun run)
    {
        Assert.True(run.ExitCode == 0, run.ToString());
        return run.Output;
    }

    /// <summary>It ended with this code and said why on standard error, and nothing on standard output.</summary>
    public static void Failed(this CommandRun run, int exitCode, params string[] reasons)
    {
        Assert.True(run.ExitCode == exitCode, run.ToString());
        foreach (var reason in reasons) Assert.Contains(reason, run.Error);
    }
}
