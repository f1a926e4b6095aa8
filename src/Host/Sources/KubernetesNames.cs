namespace MeshDns.Host.Sources;

/// <summary>The names that Kubernetes allows. Each check returns a reason to refuse, or null.</summary>
internal static class KubernetesNames
{
    /// <summary>A DNS-1123 label: namespaces, Services, ports.</summary>
    public static string? CheckLabel(string text)
    {
        if (text.Length is 0 or > 63) return $"{ManifestNode.Quote(text)} must have 1 to 63 characters";
        return IsLabel(text) ? null : $"{ManifestNode.Quote(text)} must be a DNS-1123 label: lower case letters, digits and '-', beginning and ending with a letter or digit";
    }

    /// <summary>A DNS-1123 subdomain: the names of most objects.</summary>
    public static string? CheckSubdomain(string text)
    {
        if (text.Length is 0 or > 253) return $"{ManifestNode.Quote(text)} must have 1 to 253 characters";
        foreach (var range in text.AsSpan().Split('.'))
            if (!IsLabel(text.AsSpan(range)))
                return $"{ManifestNode.Quote(text)} must be a DNS-1123 subdomain: lower case letters, digits, '-' and '.', each part beginning and ending with a letter or digit";
        return null;
    }

    /// <summary>The key of a label or an annotation: a name, with a DNS subdomain and a slash before it or without.</summary>
    public static string? CheckKey(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var name = key.AsSpan(slash + 1);
        if (name.Length is > 0 and <= 63 && IsQualified(name) && (slash < 0 || CheckSubdomain(key[..slash]) is null)) return null;
        return "is not a valid key: a name of 1 to 63 letters, digits, '-', '_' and '.', with an optional DNS prefix and '/' before it";
    }

    /// <summary>The value of a label.</summary>
    public static string? CheckLabelValue(string value)
    {
        if (value.Length == 0 || value.Length <= 63 && IsQualified(value)) return null;
        return $"{ManifestNode.Quote(value)} is not a valid label value: at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit";
    }

    private static bool IsLabel(ReadOnlySpan<char> text)
    {
        if (text.Length == 0 || text[0] == '-' || text[^1] == '-') return false;
        foreach (var c in text) if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') return false;
        return true;
    }

    private static bool IsQualified(ReadOnlySpan<char> text)
    {
        if (!char.IsAsciiLetterOrDigit(text[0]) || !char.IsAsciiLetterOrDigit(text[^1])) return false;
        foreach (var c in text) if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')) return false;
        return true;
    }
}
