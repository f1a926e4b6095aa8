using System.CommandLine;
using MeshDns.Host.Admin;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns apply -f FILE|DIR|-</c>: all documents of all files as one change.</summary>
internal static class ApplyVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("apply", "Declare every document of the files, whole or not at all, and wait until the edges answer by them.");
        var files = FileOption();
        files.Required = true;
        command.Options.Add(files);
        var strict = StrictOption();
        command.Options.Add(strict);
        var change = new ChangeOptions(command);
        var server = new ServerOptions(command);
        return command.Does(context, async (parsed, cancel) =>
        {
            using var client = server.Connect(parsed, context);
            var set = ManifestSet.Read(parsed.GetRequiredValue(files), context, parsed.GetValue(strict));
            var reply = await client.ChangeAsync(HttpMethod.Post, "/v1/manifests" + change.Query(parsed), set.ToRequest(), NewKey(), AdminJson.Readable.ChangeJson, cancel);
            ChangeReport.Write(context, reply, set.Documents);
            return ExitCode.Done;
        });
    }

    /// <summary><c>-f</c>; may be repeated.</summary>
    public static Option<string[]> FileOption() => new("--filename", "-f") { Description = "A file, a folder (its *.yaml, *.yml and *.json, with those below), or - for standard input; may be repeated.", HelpName = "FILE|DIR|-" };

    /// <summary><c>--strict</c>.</summary>
    public static Option<bool> StrictOption() => new("--strict") { Description = "Refuse files that hold kinds which mean nothing for names, instead of passing over those documents." };

    /// <summary>A key under which a lost request can be sent again.</summary>
    public static string NewKey() => Guid.NewGuid().ToString("N");
}
