using System.CommandLine;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns run</c>: a node in the foreground.</summary>
internal static class RunVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("run", "Run a node until Ctrl-C or SIGTERM; SIGHUP has it read its settings again. With no configuration: SQLite under ./data, DNS on 127.0.0.1:15053, HTTP on 127.0.0.1:15380.");
        var config = new ConfigOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            // Before all else: a node that starts must not end by what asks one that runs to read its settings again.
            using var hangUp = new HangUp();
            return await context.Run(config.LoadOrFail(parsed, context), hangUp, cancel);
        });
    }
}
