using System.CommandLine;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns export</c>: every document as one YAML stream that <c>apply</c> takes back.</summary>
internal static class ExportVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("export", "Write every document as one YAML stream that apply takes back.");
        var server = new ServerOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            using var client = server.Connect(parsed, context);
            await client.CopyAsync("/v1/export", context.Output, cancel);
            return ExitCode.Done;
        });
    }
}
