using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>Turns a value into its type. What is wrong with it is said to <paramref name="issues"/>; the result does not count then.</summary>
internal delegate T SettingReader<out T>(HoconValue value, SettingIssues issues);

/// <summary>One key of the configuration, declared once, in <see cref="SettingsSchema"/>.</summary>
internal abstract class SettingKey(string path, bool isSecret, bool isLive)
{
    /// <summary>The key every other one is under.</summary>
    public const string Root = "meshdns";

    /// <summary>Dotted, including <see cref="Root"/>.</summary>
    public string Path { get; } = $"{Root}.{path}";

    public IReadOnlyList<string> Elements { get; } = [Root, .. path.Split('.')];

    /// <summary>Whether the value must not be shown.</summary>
    public bool IsSecret { get; } = isSecret;

    /// <summary>Whether a node that runs takes another value (docs/adr/0031); else with its next start.</summary>
    public bool IsLive { get; } = isLive;

    /// <summary>The variable that reference.conf reads: capitals, dots and dashes as underscores.</summary>
    public string EnvironmentName => Path.ToUpperInvariant().Replace('.', '_').Replace('-', '_');
}

/// <inheritdoc/>
internal sealed class SettingKey<T>(string path, SettingReader<T> read, bool isSecret, bool isLive) : SettingKey(path, isSecret, isLive)
{
    public SettingReader<T> Read { get; } = read;
}

/// <summary>Collects what is wrong with the value of one key.</summary>
internal sealed class SettingIssues(string key, List<SettingsError> errors)
{
    public bool Any { get; private set; }

    public void Refuse(HoconValue at, string message) => Refuse(at.Origin, message);

    public void Refuse(HoconOrigin at, string message)
    {
        Any = true;
        if (errors.Count < HoconLimits.Errors)
            errors.Add(new SettingsError(at.Source, at.Line, at.Column, key, message));
    }
}
