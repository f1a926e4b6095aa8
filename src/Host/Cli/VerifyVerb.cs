using System.CommandLine;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns verify</c>: replays the whole journal and checks every invariant, without a running node.</summary>
internal static class VerifyVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("verify", "Read the whole store, read-only, and check every invariant.");
        var config = new ConfigOptions(command);
        return command.Does(context, (parsed, cancel) => context.Verify(config.ReadOrFail(parsed, context), cancel));
    }
}
