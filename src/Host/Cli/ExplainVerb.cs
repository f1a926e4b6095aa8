using System.CommandLine;
using System.Text.Json;
using MeshDns.Host.Admin;
using MeshDns.Host.Query;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns explain NAME [--type A] [--client IP]</c>: what a query would get and why.</summary>
internal static class ExplainVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("explain", "Say what a query would get, and why.");
        var name = new Argument<string>("NAME") { Description = "The name asked." };
        var type = new Option<string>("--type", "-t") { Description = "The type asked.", DefaultValueFactory = _ => "A", HelpName = "TYPE" };
        var from = new Option<string?>("--client") { Description = "Whose query it is.", HelpName = "IP" };
        command.Arguments.Add(name);
        command.Options.Add(type);
        command.Options.Add(from);
        var server = new ServerOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            using var api = server.Connect(parsed, context);
            var path = $"/v1/explain?name={Uri.EscapeDataString(parsed.GetRequiredValue(name))}&type={Uri.EscapeDataString(parsed.GetRequiredValue(type))}";
            if (parsed.GetValue(from) is { } address) path += $"&client={Uri.EscapeDataString(address)}";
            var reply = await api.GetAsync(path, cancel);
            Write(context, reply.Deserialize(AdminJson.Readable.Explanation) ?? throw new VerbFailedException(ExitCode.Failed, "the server's reply is empty"));
            return ExitCode.Done;
        });
    }

    private static void Write(CliContext context, Explanation explanation)
    {
        WriteLine($"{explanation.Name} {explanation.Type}{(explanation.Client is { } client ? $" asked by {client}" : "")}: {explanation.Rcode ?? "as upstream answers"}, by {explanation.Stage}");
        for (var i = 0; i < explanation.Steps.Count; i++) WriteLine($"  {i + 1}. {explanation.Steps[i]}");
        foreach (var answer in explanation.Answers) WriteLine(answer);

        void WriteLine(string text) => context.Output.WriteLine(CliText.Printable(text));
    }
}
