using System.CommandLine;
using System.Net;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns health</c>: exit 0 when the node lives and is ready; what a container's health check runs.</summary>
internal static class HealthVerb
{
    private static readonly string[] _probes = ["/healthz", "/readyz"];

    public static Command Create(CliContext context)
    {
        var command = new Command("health", "Say whether the node lives and is ready.");
        var server = new ServerOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            using var client = server.Connect(parsed, context);
            foreach (var path in _probes)
            {
                var (status, reason) = await client.ProbeAsync(path, cancel);
                if (status != HttpStatusCode.OK) throw new VerbFailedException(ExitCode.Failed, reason.Length > 0 ? reason : $"{path} answered {(int)status}");
            }
            await context.Output.WriteLineAsync("live and ready");
            return ExitCode.Done;
        });
    }
}
