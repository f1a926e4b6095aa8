using System.CommandLine;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns check-config</c>: what the configuration means, or every reason why it is refused.</summary>
internal static class CheckConfigVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("check-config", "Check the configuration and show every setting with where it was said.");
        var config = new ConfigOptions(command);
        return command.Does(context, async (parsed, _) =>
        {
            var result = config.Load(parsed, context);
            if (result.Effective.Count > 0) await context.Output.WriteLineAsync(result.Describe());
            var reasons = ConfigOptions.Reasons(result);
            foreach (var reason in reasons) await context.Error.WriteLineAsync($"error: {CliText.Printable(reason)}");
            return reasons.Count == 0 ? ExitCode.Done : ExitCode.Failed;
        });
    }
}
