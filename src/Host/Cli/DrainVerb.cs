using System.CommandLine;
using MeshDns.Host.Admin;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns drain NODE</c>: takes a node out of the cluster before it is stopped.</summary>
internal static class DrainVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("drain", "Make a node release its streams and report itself not ready.");
        var node = new Argument<string>("NODE") { Description = "The node's name, as 'get nodes' shows it." };
        command.Arguments.Add(node);
        var server = new ServerOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            using var client = server.Connect(parsed, context);
            var name = parsed.GetRequiredValue(node);
            await client.ChangeAsync(HttpMethod.Post, $"/v1/nodes/{Uri.EscapeDataString(name)}/drain", null, null, AdminJson.Readable.DrainJson, cancel);
            await context.Output.WriteLineAsync($"{name} drains");
            return ExitCode.Done;
        });
    }
}
