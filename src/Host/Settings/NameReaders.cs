using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Settings;

/// <summary>Readers of names, paths and roles.</summary>
internal static class NameReaders
{
    private const int MaxDomainChars = 253;
    private const int MaxLabelChars = 63;
    private const int MaxPathChars = 4096;

    /// <summary>A domain name in any case, with or without a trailing dot; kept in lower case without it.</summary>
    public static string Domain(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "a domain name such as cluster.local (letters, digits, '-', '_'; labels up to 63, 253 characters in all)";
        if (SettingReaders.Text(value, issues, Allowed) is not { } text)
            return "";
        var name = Canonical(text);
        if (!IsDomain(name))
            issues.Refuse(value, $"must be {Allowed}; got {SettingReaders.Shown(text)}");
        else if (name is "localhost" or "invalid" || name.EndsWith(".invalid", StringComparison.Ordinal))
            issues.Refuse(value, $"must not be {name}, whose answers RFC 6761 fixes");
        return name;
    }

    /// <summary>The node's name; the host's when the text is empty.</summary>
    public static string NodeName(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "empty (the host's name) or up to 253 letters, digits, '-', '_' and '.'";
        if (SettingReaders.Text(value, issues, Allowed) is not { } text)
            return "";
        var name = (text.Length == 0 ? Environment.MachineName : text).ToLowerInvariant();
        if (!IsDomain(name))
            issues.Refuse(value, $"must be {Allowed}; got {SettingReaders.Shown(name)}{(text.Length == 0 ? ", the host's name" : "")}");
        return name;
    }

    public static NodeRoles Roles(HoconValue value, SettingIssues issues)
    {
        var role = SettingReaders.OneOf(("owner", NodeRoles.Owner), ("edge", NodeRoles.Edge), ("gateway", NodeRoles.Gateway));
        var roles = SettingReaders.List(role, 1, 3, "roles (owner, edge, gateway)")(value, issues);
        var all = NodeRoles.None;
        for (var i = 0; i < roles.Count; i++)
        {
            if ((all & roles[i]) != NodeRoles.None && !issues.Any)
                issues.Refuse(value, "names a role twice");
            all |= roles[i];
        }
        return all;
    }

    public static string FilePath(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "a path of 1 to 4096 characters";
        if (SettingReaders.Text(value, issues, Allowed) is not { } text)
            return "";
        if (text.Length is 0 or > MaxPathChars || text.Any(char.IsControl))
            issues.Refuse(value, $"must be {Allowed}; got {SettingReaders.Shown(text)}");
        return text;
    }

    /// <summary>A path, or empty for none.</summary>
    public static string OptionalFilePath(HoconValue value, SettingIssues issues) => value is HoconText { Text: "" } ? "" : FilePath(value, issues);

    /// <summary>Null for <c>off</c>; <c>in-cluster</c> or a kubeconfig's path as they are.</summary>
    public static string? Kubernetes(HoconValue value, SettingIssues issues)
    {
        if (SettingReaders.Text(value, issues, "off, in-cluster or the path of a kubeconfig file") is not { } text)
            return null;
        if (HoconUnits.TryParseBoolean(text, out var on) && on)
            issues.Refuse(value, $"must be off, in-cluster or the path of a kubeconfig file; got {SettingReaders.Shown(text)}");
        return text is "off" or "false" or "no" ? null : FilePath(value, issues);
    }

    /// <summary>A namespace: one RFC 1123 label in lower case.</summary>
    public static string Namespace(HoconValue value, SettingIssues issues)
    {
        const string Allowed = "a namespace: up to 63 lower-case letters, digits and '-', not first or last";
        if (SettingReaders.Text(value, issues, Allowed) is not { } text)
            return "";
        if (text.Length is 0 or > MaxLabelChars || text[0] == '-' || text[^1] == '-' || !text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            issues.Refuse(value, $"must be {Allowed}; got {SettingReaders.Shown(text)}");
        return text;
    }

    public static string Canonical(string text)
    {
        var name = text.ToLowerInvariant();
        return name.EndsWith('.') ? name[..^1] : name;
    }

    /// <summary>Whether a lower-case text is a domain name in A-labels; underscores are allowed, as names of DNS have them.</summary>
    public static bool IsDomain(string name)
        => name.Length is > 0 and <= MaxDomainChars && name.Split('.').All(label => label.Length is > 0 and <= MaxLabelChars
            && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_'));
}
