using System.CommandLine;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cli;

/// <summary><c>--config</c> and <c>--set</c>, for the verbs that read settings.</summary>
internal sealed class ConfigOptions
{
    private readonly Option<string?> _config = new("--config") { Description = "A HOCON file over the built-in defaults.", HelpName = "FILE" };
    private readonly Option<string[]> _set = new("--set") { Description = "One setting, by its dotted key without 'meshdns.' (Akka's own with 'akka.'); may be repeated, wins over the file.", HelpName = "key=value" };

    public ConfigOptions(Command command)
    {
        command.Options.Add(_config);
        command.Options.Add(_set);
    }

    /// <summary>Reads the settings, errors and all.</summary>
    public SettingsResult Load(ParseResult parsed, CliContext context) =>
        SettingsLoader.Load(parsed.GetValue(_config), parsed.GetValue(_set) ?? [], context.Environment);

    /// <summary>The settings of a node that can start with them.</summary>
    /// <exception cref="VerbFailedException">They are refused; the message has a line for each reason.</exception>
    public MeshDnsSettings LoadOrFail(ParseResult parsed, CliContext context)
    {
        var result = Load(parsed, context);
        var reasons = Reasons(result);
        return reasons.Count == 0 ? result.Settings! : throw Refused(reasons);
    }

    /// <summary>The settings, whether or not a node could start with them: for verbs that only read what one left.</summary>
    /// <exception cref="VerbFailedException">They are not valid; the message has a line for each reason.</exception>
    public MeshDnsSettings ReadOrFail(ParseResult parsed, CliContext context)
    {
        var result = Load(parsed, context);
        return result.Settings ?? throw Refused(Reasons(result));
    }

    /// <summary>Why a node could not start with them, a line each.</summary>
    public static IReadOnlyList<string> Reasons(SettingsResult result) =>
        result.Settings is { } settings ? settings.Unsupported() : [.. result.Errors.Select(error => error.ToString())];

    private static VerbFailedException Refused(IReadOnlyList<string> reasons) => new(ExitCode.Failed, "the configuration is refused\n  " + string.Join("\n  ", reasons));
}
