using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>
/// Reads the settings: <c>reference.conf</c> (embedded; it holds every default and names the environment variables), then the user's file, then
/// each <c>--set</c>; later wins. So a key of the file wins over its environment variable, unless the file itself says <c>${?MESHDNS_...}</c>.
/// </summary>
public static class SettingsLoader
{
    private const string ReferenceName = "reference.conf";

    /// <summary>
    /// Loads, resolves and validates. Total: any text gives settings or errors, never an exception; bounded in time and memory.
    /// </summary>
    /// <param name="configFile">Path of the user's HOCON file; null: only the defaults.</param>
    /// <param name="setArguments">
    /// <c>key=value</c> each, the key dotted without the leading <c>meshdns.</c>, or one of <c>akka { }</c> with its <c>akka.</c>. A value that begins with <c>[</c>, <c>{</c> or <c>"</c> is HOCON,
    /// any other is taken literally (for a list: separated by commas).
    /// </param>
    /// <param name="environment">What <c>${NAME}</c> falls back to.</param>
    public static SettingsResult Load(
        string? configFile,
        IReadOnlyList<string> setArguments,
        IReadOnlyDictionary<string, string> environment)
    {
        var errors = new List<SettingsError>();
        var root = new ObjectTerm(new HoconOrigin(ReferenceName, 1, 1));
        Attempt(errors, () => HoconParser.Parse(root, ReferenceName, Reference()));
        if (configFile is not null)
            Attempt(errors, () => HoconParser.ParseFile(root, configFile));
        foreach (var argument in setArguments)
            Attempt(errors, () => Set(root, argument));
        if (errors.Count > 0)
            return new SettingsResult(null, errors, []);

        var resolved = HoconResolver.Resolve(root, environment, out var unresolved);
        errors.AddRange(unresolved.Select(Error));
        var settings = SettingsBuilder.Build(resolved, errors);
        settings = settings with { Source = new SettingsSource(configFile, [.. setArguments], environment) };
        return new SettingsResult(errors.Count == 0 ? settings : null, errors, Effective(resolved, environment, settings.Akka.Keys));
    }

    /// <summary>The text of the embedded reference.conf.</summary>
    internal static string Reference()
    {
        using var stream = typeof(SettingsLoader).Assembly.GetManifestResourceStream(ReferenceName)
            ?? throw new InvalidOperationException("reference.conf is not embedded");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static void Attempt(List<SettingsError> errors, Action parse)
    {
        try
        {
            parse();
        }
        catch (HoconException error)
        {
            if (errors.Count < HoconLimits.Errors)
                errors.Add(Error(error));
        }
    }

    private static SettingsError Error(HoconException error)
        => new(error.Origin.Source, error.Origin.Line, error.Origin.Column, "", error.Message);

    private static void Set(ObjectTerm root, string argument)
    {
        var scanner = new HoconScanner("--set", argument, hasLines: false);
        var key = scanner.TakePath();
        scanner.TakeSpaces();
        scanner.Expect('=', "after the key, as in --set dns.ttl=10s");
        var origin = new HoconOrigin($"--set {HoconPath.Render(key)}", 0, 0);
        IReadOnlyList<string> path = key[0] == AkkaReader.Root ? key : [SettingKey.Root, .. key];
        if (path.Count > HoconLimits.Nesting)
            throw new HoconException(origin, $"nested deeper than {HoconLimits.Nesting}");
        var text = scanner.Rest;
        root.Set(path, origin, text is ['[' or '{' or '"', ..] ? ParseHocon(origin, text, path) : new TextTerm(origin, text));
    }

    private static HoconTerm ParseHocon(HoconOrigin origin, string text, IReadOnlyList<string> path)
    {
        try
        {
            return HoconParser.ParseValue(origin.Source, text, path);
        }
        catch (HoconException error)
        {
            throw new HoconException(error.Origin, $"{error.Message} (a value that begins with [, {{ or \" is HOCON; an address in brackets needs quotes)");
        }
    }

    private static List<EffectiveSetting> Effective(HoconObject root, IReadOnlyDictionary<string, string> environment, IEnumerable<string> akka)
    {
        var list = new List<EffectiveSetting>();
        foreach (var key in SettingsSchema.All)
        {
            if (SettingsBinder.Find(root, key) is not { } value)
                continue;
            var shown = !key.IsSecret || value is HoconText { Text: "" } ? value.Render() : $"\"{Secret.Mask}\"";
            var overruled = environment.ContainsKey(key.EnvironmentName) && !value.Origin.IsEnvironment;
            list.Add(new EffectiveSetting(key.Path, shown, value.Origin.ToString(), overruled ? $"env {key.EnvironmentName} is set too, but this wins" : ""));
        }
        foreach (var key in akka)
        {
            var value = AkkaReader.At(root, key);
            list.Add(new EffectiveSetting(key, AkkaReader.IsSecret(key) ? $"\"{Secret.Mask}\"" : value.Render(), value.Origin.ToString(), ""));
        }
        return list;
    }
}
