using System.Diagnostics;

namespace MeshDns.Tests.Shared;

/// <summary>What a program that ran to its end left behind.</summary>
public sealed record CommandRun(string Command, int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program and waits for its end; past the deadline it is killed with its children and the run fails.</summary>
    public static Task<CommandRun> Of(string program, params IEnumerable<string> arguments) => Of(new ProcessStartInfo(program, arguments));

    /// <summary>The same, with a working directory, an environment, standard input or a deadline of its own.</summary>
    public static async Task<CommandRun> Of(ProcessStartInfo start, string input = "", TimeSpan? limit = null)
    {
        var command = string.Join(' ', [start.FileName, .. start.ArgumentList]);
        start.RedirectStandardOutput = start.RedirectStandardError = start.RedirectStandardInput = true;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{command} does not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(limit ?? _deadline);
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), deadline.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
            return new CommandRun(command, process.ExitCode, await output.WaitAsync(deadline.Token), await error.WaitAsync(deadline.Token));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command} had not ended after {limit ?? _deadline}");
        }
    }

    public override string ToString() => $"$ {Command}\n{Output}{Error}exit code {ExitCode}";
}
