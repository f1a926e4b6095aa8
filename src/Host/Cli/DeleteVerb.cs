using System.CommandLine;
using MeshDns.Host.Admin;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns delete KIND NAME [-n NS]</c>, or <c>delete -f FILE</c>: what the files declare, as one change.</summary>
internal static class DeleteVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("delete", "Delete one document, or every document that files declare.");
        var kind = new Argument<string?>("KIND") { Arity = ArgumentArity.ZeroOrOne, Description = $"{KindName.All}." };
        var name = new Argument<string?>("NAME") { Arity = ArgumentArity.ZeroOrOne, Description = "The document's name." };
        var ns = new Option<string?>("--namespace", "-n") { Description = "The document's namespace (default: default).", HelpName = "NS" };
        var files = ApplyVerb.FileOption();
        command.Arguments.Add(kind);
        command.Arguments.Add(name);
        command.Options.Add(ns);
        command.Options.Add(files);
        var strict = ApplyVerb.StrictOption();
        command.Options.Add(strict);
        var change = new ChangeOptions(command);
        var server = new ServerOptions(command);
        command.Validators.Add(result =>
        {
            var hasFiles = result.GetValue(files) is { Length: > 0 };
            if (hasFiles && (result.GetValue(kind) is not null || result.GetValue(ns) is not null)) result.AddError("give KIND and NAME, or -f, not both");
            if (!hasFiles && result.GetValue(strict)) result.AddError("--strict is for -f");
            if (!hasFiles && result.GetValue(name) is null) result.AddError("give KIND and NAME, or -f FILE");
        });
        return command.Does(context, async (parsed, cancel) =>
        {
            using var client = server.Connect(parsed, context);
            if (parsed.GetValue(files) is { Length: > 0 } paths)
            {
                var set = ManifestSet.Read(paths, context, parsed.GetValue(strict));
                var deleted = await client.ChangeAsync(HttpMethod.Post, "/v1/manifests" + change.Query(parsed, delete: true), set.ToRequest(), ApplyVerb.NewKey(), AdminJson.Readable.ChangeJson, cancel);
                ChangeReport.Write(context, deleted, []);
                return ExitCode.Done;
            }
            var path = $"{KindName.PathOf(parsed.GetValue(kind)!)}/{Uri.EscapeDataString(parsed.GetValue(ns) ?? "default")}/{Uri.EscapeDataString(parsed.GetValue(name)!)}";
            var reply = await client.ChangeAsync(HttpMethod.Delete, path + change.Query(parsed), null, ApplyVerb.NewKey(), AdminJson.Readable.ChangeJson, cancel);
            ChangeReport.Write(context, reply, []);
            return ExitCode.Done;
        });
    }
}
