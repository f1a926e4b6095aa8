using System.Globalization;
using System.Text;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>Readers of plain values and of lists. Each says in one sentence what is allowed.</summary>
internal static class SettingReaders
{
    private const int ShownChars = 60;

    /// <summary>The text of a value, or null after refusing it.</summary>
    public static string? Text(HoconValue value, SettingIssues issues, string allowed)
    {
        if (value is HoconText text)
            return text.Text;
        issues.Refuse(value, $"must be {allowed}, not {Kind(value)}");
        return null;
    }

    public static SettingReader<TimeSpan> Duration(TimeSpan least, TimeSpan most, bool wholeSeconds = false, string or = "") => (value, issues) =>
    {
        var allowed = $"{or}a duration from {HoconUnits.Format(least)} to {HoconUnits.Format(most)}{(wholeSeconds ? " in whole seconds" : "")}, such as \"{HoconUnits.Format(most)}\" (ms, s, m, h, d; no unit: ms)";
        if (Text(value, issues, allowed) is not { } text)
            return default;
        if (HoconUnits.TryParseDuration(text, out var duration) && duration >= least && duration <= most && !(wholeSeconds && duration.Ticks % TimeSpan.TicksPerSecond != 0))
            return duration;
        issues.Refuse(value, $"must be {allowed}; got {Shown(text)}");
        return default;
    };

    public static SettingReader<long> Size(long leastBytes, long mostBytes) => (value, issues) =>
    {
        var allowed = $"a size from {leastBytes >> 20}MiB to {mostBytes >> 20}MiB, such as \"64MiB\" (k, M, G: of 1024; kB, MB, GB: of 1000; no unit: bytes)";
        if (Text(value, issues, allowed) is not { } text)
            return default;
        if (HoconUnits.TryParseSize(text, out var sizeBytes) && sizeBytes >= leastBytes && sizeBytes <= mostBytes)
            return sizeBytes;
        issues.Refuse(value, $"must be {allowed}; got {Shown(text)}");
        return default;
    };

    public static SettingReader<int> Whole(int least, int most) => (value, issues) =>
    {
        var allowed = $"a whole number from {least} to {most}";
        if (Text(value, issues, allowed) is not { } text)
            return default;
        if (int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        issues.Refuse(value, $"must be {allowed}; got {Shown(text)}");
        return default;
    };

    /// <summary>A whole number, or null for a word in its place.</summary>
    public static SettingReader<long?> WholeOr(string word, long least, long most) => (value, issues) =>
    {
        var allowed = $"{word} or a whole number from {least} to {most}";
        if (Text(value, issues, allowed) is not { } text || text.Trim() == word)
            return null;
        if (long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;
        issues.Refuse(value, $"must be {allowed}; got {Shown(text)}");
        return null;
    };

    public static bool Switch(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "on or off (true, yes; false, no)";
        if (Text(value, issues, Allowed) is not { } text)
            return false;
        if (!HoconUnits.TryParseBoolean(text.Trim(), out var on))
            issues.Refuse(value, $"must be {Allowed}; got {Shown(text)}");
        return on;
    }

    public static SettingReader<T> OneOf<T>(params (string Name, T Value)[] choices) => (value, issues) =>
    {
        var names = new string[choices.Length];
        for (var i = 0; i < choices.Length; i++)
            names[i] = choices[i].Name;
        var allowed = string.Join(" or ", names);
        if (Text(value, issues, allowed) is not { } text)
            return default!;
        foreach (var (name, choice) in choices)
        {
            if (name == text.Trim())
                return choice;
        }
        issues.Refuse(value, $"must be {allowed}; got {Shown(text)}");
        return default!;
    };

    /// <summary>
    /// A secret: never shown, so the message does not repeat it. Printable ASCII without spaces unless <paramref name="free"/>, as it travels in an HTTP
    /// header or a shell; empty or of at least <paramref name="leastChars"/>.
    /// </summary>
    public static SettingReader<Secret> Secret(bool free = false, int leastChars = 0) => (value, issues) =>
    {
        if (Text(value, issues, "text") is not { } text)
            return Settings.Secret.Unset;
        if (text.Length > 0 && text.Length < leastChars)
            issues.Refuse(value, $"must have at least {leastChars} characters, best random ones (the value is not shown)");
        if (!free && !text.All(c => c is > ' ' and <= '~'))
            issues.Refuse(value, "must be printable ASCII without spaces (the value is not shown)");
        return text.Length == 0 ? Settings.Secret.Unset : new Secret(text);
    };

    /// <summary>A list, or text that is split at commas so that one environment variable or <c>--set</c> can hold it.</summary>
    public static SettingReader<IReadOnlyList<T>> List<T>(SettingReader<T> item, int least, int most, string allowed) => (value, issues) =>
    {
        if (Items(value) is not { } items)
        {
            issues.Refuse(value, $"must be a list of {allowed}, not {Kind(value)}");
            return [];
        }
        if (items.Count < least || items.Count > most)
            issues.Refuse(value, $"must be a list of {least} to {most} {allowed}; got {items.Count}");
        var elements = new T[Math.Min(items.Count, most)];
        for (var i = 0; i < elements.Length; i++)
            elements[i] = item(items[i], issues);
        return elements;
    };

    /// <summary>A value in words.</summary>
    public static string Kind(HoconValue value) => value switch
    {
        HoconNull => "null",
        HoconArray => "a list",
        HoconObject => "an object",
        _ => "text",
    };

    /// <summary>The text as it may be shown in a message: quoted, escaped, cut.</summary>
    public static string Shown(string text)
    {
        var shown = new StringBuilder();
        HoconPath.Quote(shown, text.Length > ShownChars ? text[..ShownChars] + "..." : text, dotIsPlain: false);
        return shown[0] == '"' ? shown.ToString() : $"\"{shown}\"";
    }

    private static IReadOnlyList<HoconValue>? Items(HoconValue value) => value switch
    {
        HoconArray array => array.Items,
        HoconText text => [.. text.Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(item => text with { Text = item })],
        _ => null,
    };
}
