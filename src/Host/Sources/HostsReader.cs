using MeshDns.Contracts.Names;

namespace MeshDns.Host.Sources;

/// <summary>Reads the hosts of a ServiceEntry: names, wildcards, and Istio's patterns that no DNS name matches.</summary>
internal static class HostsReader
{
    /// <summary>The names, and the patterns as they were written; each once.</summary>
    public static (IReadOnlyList<HostName> Hosts, IReadOnlyList<string>? Patterns) Read(ObjectFields spec)
    {
        var hosts = new List<HostName>();
        var seen = new HashSet<HostName>();
        List<string>? patterns = null;
        foreach (var node in spec.List("hosts", ManifestLimits.ListItems))
        {
            if (!ObjectFields.TryString(spec.Scope, node, out var text)) continue;
            if (IsPattern(text))
            {
                spec.Scope.Warn(node, $"{ManifestNode.Quote(text)} matches no DNS name, so nothing is answered for it; a wildcard is '*.suffix'");
                patterns ??= [];
                if (!patterns.Contains(text)) patterns.Add(text);
            }
            else if (!HostName.TryParse(text, out var host, out var error)) spec.Scope.Fail(node, error);
            else if (IsReserved(host, out error)) spec.Scope.Fail(node, error);
            else if (!seen.Add(host)) spec.Scope.Warn(node, $"the host '{host}' is there twice");
            else hosts.Add(host);
        }
        if (spec.Map.Find("hosts") is null or ListNode { Items.Count: 0 }) spec.Fail("hosts", $"is required: 1 to {ManifestLimits.ListItems} hosts");
        return (hosts, patterns);
    }

    /// <summary>True for <c>*x</c> and <c>*-x</c>, with or without labels after it: Istio compares such hosts with the ends of names, DNS has no such thing.</summary>
    private static bool IsPattern(string text) => text is ['*', not '.', ..] && HostName.TryParse("x" + text[1..], out _, out _);

    /// <summary>True for names that no query reaches, since their answers are fixed (RFC 6761 sections 6.3 and 6.4). Names below localhost may be declared.</summary>
    private static bool IsReserved(HostName host, out string error)
    {
        error = "";
        var name = host.Suffix.Text;
        if (host.Text == "localhost") error = "'localhost' is the machine itself (RFC 6761) and cannot be declared; names below it can";
        else if (name == "invalid" || name.EndsWith(".invalid", StringComparison.Ordinal)) error = $"'{host}' cannot be declared: 'invalid' and the names below it never exist (RFC 6761)";
        return error.Length > 0;
    }
}
