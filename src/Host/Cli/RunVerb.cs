using System.CommandLine;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns run</c>: a node in the foreground.</summary>
internal static class RunVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("run", "Run a node until Ctrl-C or SIGTERM. With no configuration: SQLite under ./data, DNS on 127.0.0.1:15053, HTTP on 127.0.0.1:15380.");
        var config = new ConfigOptions(command);
        return command.Does(context, (parsed, cancel) => context.Run(config.LoadOrFail(parsed, context), cancel));
    }
}
