namespace MeshDns.Host.Settings;

/// <summary>What <see cref="SettingsLoader.Load"/> found: settings, or every reason why there are none.</summary>
/// <param name="Settings">The settings; null exactly when there are errors.</param>
/// <param name="Errors">All errors, in the order of the schema after those of the text; at most 200.</param>
/// <param name="Effective">What each known key came out as and where it was said, secrets masked; in the order of the schema, those of <c>akka { }</c> after them. Empty when the text could not be parsed.</param>
public sealed record SettingsResult(
    MeshDnsSettings? Settings,
    IReadOnlyList<SettingsError> Errors,
    IReadOnlyList<EffectiveSetting> Effective)
{
    /// <summary>The effective settings as HOCON, a line a key, with the origin of each as a comment; secrets masked. For <c>check-config</c>.</summary>
    public string Describe() => string.Join('\n', Effective.Select(setting => setting.ToString()));
}

/// <summary>One key's effective value, before it was read into its type.</summary>
/// <param name="Key">Dotted key including <c>meshdns</c> or <c>akka</c>.</param>
/// <param name="Value">HOCON text; <see cref="Secret.Mask"/> in place of a secret.</param>
/// <param name="Origin"><c>file:line:column</c>, <c>--set KEY</c> or <c>env NAME</c>.</param>
/// <param name="Note">Empty, or what a reader should know, as that an environment variable is overruled by a file.</param>
public sealed record EffectiveSetting(string Key, string Value, string Origin, string Note)
{
    /// <summary><c>key = value  # origin</c>.</summary>
    public override string ToString() => $"{Key} = {Value}  # {Origin}{(Note.Length > 0 ? $"; {Note}" : "")}";
}
