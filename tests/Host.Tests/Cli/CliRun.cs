using System.Text;
using MeshDns.Host.Cli;
using MeshDns.Host.Nodes;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Tests.Cli;

/// <summary>Runs a command line in this process and keeps what it wrote.</summary>
public sealed record CliRun(int Exit, string Output, string Error)
{
    public static Task<CliRun> AgainstAsync(Uri server, params string[] arguments) =>
        RunAsync([.. arguments, "--server", server.ToString()], new Dictionary<string, string>());

    public static async Task<CliRun> RunAsync(
        string[] arguments, IReadOnlyDictionary<string, string> environment, string input = "", TimeSpan? timeout = null, List<MeshDnsSettings>? started = null, TimeSpan patience = default, bool verifies = false)
    {
        var output = new StringWriter { NewLine = "\n" };
        var error = new StringWriter { NewLine = "\n" };
        var context = new CliContext
        {
            Run = (settings, _, _) => { started?.Add(settings); return Task.FromResult(ExitCode.Done); },
            Verify = (settings, print, cancel) =>
            {
                if (verifies) return VerifyStore.RunAsync(settings, print, output, error, cancel);
                output.WriteLine($"rows {print?.From}..{print?.To}");
                return Task.FromResult(ExitCode.Failed);
            },
            Output = output,
            Error = error,
            Input = new MemoryStream(Encoding.UTF8.GetBytes(input)),
            Environment = environment,
            RequestTimeout = timeout,
            RetryPatience = patience,
        };
        var exit = await MeshDnsCommand.RunAsync(arguments, context, CancellationToken.None);
        return new CliRun(exit, output.ToString(), error.ToString());
    }

    /// <summary>Asserts the exit code; shows what was written when it differs.</summary>
    public CliRun Exits(int code)
    {
        Assert.True(Exit == code, $"exit {Exit}, expected {code}\n{Output}\n{Error}");
        return this;
    }
}
