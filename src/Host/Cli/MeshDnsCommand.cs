using System.CommandLine;
using System.CommandLine.Invocation;

namespace MeshDns.Host.Cli;

/// <summary>The command line: every verb, and the one place where a verb's end becomes an exit code.</summary>
public static class MeshDnsCommand
{
    /// <summary>How long a stopping node may take after the first signal before the process ends anyway.</summary>
    private static readonly TimeSpan _terminationTimeout = TimeSpan.FromSeconds(60);

    /// <summary>The root command.</summary>
    public static RootCommand Create(CliContext context)
    {
        var root = new RootCommand("MeshDns: mesh hostnames, virtual IPs and forwarding, as one DNS service.");
        foreach (var verb in new[]
        {
            RunVerb.Create(context), CheckConfigVerb.Create(context), ApplyVerb.Create(context), DeleteVerb.Create(context), GetVerb.Create(context),
            ExplainVerb.Create(context), ExportVerb.Create(context), QueryVerb.Create(context), DrainVerb.Create(context), VerifyVerb.Create(context), HealthVerb.Create(context),
        })
        {
            root.Subcommands.Add(verb);
        }
        return root;
    }

    /// <summary>Runs a command line; returns the exit code (<see cref="ExitCode"/>). Ctrl-C and SIGTERM cancel the verb.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, CliContext context, CancellationToken cancel)
    {
        // A leading @ is text: response files would make a password or a host name that begins with one a surprise.
        var parsed = Create(context).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction or null || (parsed.Errors.Count > 0 && parsed.Action is not SynchronousCommandLineAction))
        {
            foreach (var error in parsed.Errors) await context.Error.WriteLineAsync($"error: {error.Message}");
            await context.Error.WriteLineAsync("'meshdns --help' and 'meshdns VERB --help' say what is known");
            return ExitCode.Usage;
        }
        var invocation = new InvocationConfiguration
        {
            Output = context.Output,
            Error = context.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = _terminationTimeout,
        };
        return await parsed.InvokeAsync(invocation, cancel);
    }

    /// <summary>Gives a command its action; a verb that fails says why on stderr.</summary>
    internal static Command Does(this Command command, CliContext context, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (parsed, cancel) =>
        {
            // System.CommandLine listens for SIGTERM only once this returns: a node that opens its sockets before its first wait would be killed by one.
            await Task.Yield();
            try
            {
                return await action(parsed, cancel);
            }
            catch (VerbFailedException e)
            {
                await context.Error.WriteLineAsync($"error: {CliText.Printable(e.Message)}");
                return e.ExitCode;
            }
            catch (OperationCanceledException)
            {
                await context.Error.WriteLineAsync("error: interrupted");
                return ExitCode.Failed;
            }
        });
        return command;
    }
}
