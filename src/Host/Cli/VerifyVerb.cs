using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MeshDns.Host.Cli;

/// <summary><c>meshdns verify</c>: replays the whole log and checks every invariant, or prints rows of it, without a running node.</summary>
internal static class VerifyVerb
{
    public static Command Create(CliContext context)
    {
        var command = new Command("verify", "Read the whole store, read-only, and check every invariant.");
        var config = new ConfigOptions(command);
        var print = new Option<(long, long)?>("--print")
        {
            Description = "Print these rows of the log instead, the first and the last, such as 1..20.",
            HelpName = "FROM..TO",
            CustomParser = Read,
        };
        command.Options.Add(print);
        return command.Does(context, (parsed, cancel) => context.Verify(config.ReadOrFail(parsed, context), parsed.GetValue(print), cancel));
    }

    private static (long, long)? Read(ArgumentResult argument)
    {
        var parts = argument.Tokens[0].Value.Split("..");
        if (parts is [var first, var last] && IsNumber(first, out var from) && IsNumber(last, out var to) && from <= to) return (from, to);
        argument.AddError($"--print takes two numbers of rows, FROM..TO, such as 1..20; got '{CliText.Printable(argument.Tokens[0].Value)}'");
        return null;
    }

    private static bool IsNumber(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
