namespace MeshDns.Host.Settings;

/// <summary>Which key was probably meant.</summary>
internal static class Suggestion
{
    private const int MaxChars = 64;

    /// <summary><c>; did you mean X?</c>, or nothing when no key is near.</summary>
    public static string For(string key)
    {
        if (key.Length > MaxChars)
            return "";
        var best = SettingsSchema.All
            .Select(known => (known.Path, Distance: Nearness(key, known.Path)))
            .MinBy(candidate => candidate.Distance);
        return best.Distance <= Math.Max(2, key.Length / 6) ? $"; did you mean {best.Path}?" : "";
    }

    /// <summary>Edits from what was written to a key. The end alone may be right, where the section was forgotten or written twice.</summary>
    private static int Nearness(string written, string known)
    {
        if (known.EndsWith($".{written}", StringComparison.Ordinal) || written.EndsWith($".{known}", StringComparison.Ordinal))
            return 0;
        var distance = Edits(written, known);
        return LastElement(written) == LastElement(known) ? Math.Min(distance, 1) : distance;
    }

    private static string LastElement(string path) => path[(path.LastIndexOf('.') + 1)..];

    /// <summary>Levenshtein distance.</summary>
    private static int Edits(string a, string b)
    {
        var previous = new int[b.Length + 1];
        var current = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            previous[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(replace, Math.Min(previous[j], current[j - 1]) + 1);
            }
            (previous, current) = (current, previous);
        }
        return previous[b.Length];
    }
}
