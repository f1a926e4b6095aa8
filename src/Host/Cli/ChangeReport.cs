using System.Text;
using MeshDns.Host.Admin;
using MeshDns.Host.Sources;

namespace MeshDns.Host.Cli;

/// <summary>Tells what a change did: a line for each object on stdout, warnings on stderr.</summary>
internal static class ChangeReport
{
    private const int MaxHostsShown = 4;
    private const int MaxChars = 32 * 1024;

    /// <summary>Writes the report.</summary>
    /// <param name="context">Where to.</param>
    /// <param name="change">The server's reply.</param>
    /// <param name="documents">The documents sent, for what only their files knew; empty for a deletion.</param>
    public static void Write(CliContext context, ChangeJson change, IReadOnlyList<ManifestDocument> documents)
    {
        // A console is written to at once, line by line; of a large set that is most of the time.
        var lines = new StringBuilder();
        for (var i = 0; i < change.Results.Count; i++)
        {
            var result = change.Results[i];
            var name = $"{result.Kind.ToLowerInvariant()}/{result.Namespace}/{result.Name}";
            lines.AppendLine(CliText.Printable($"{name} {result.Action}{(change.DryRun ? " (dry run)" : "")}{Addresses(result.Addresses)}"));
            if (lines.Length >= MaxChars || i == change.Results.Count - 1)
            {
                context.Output.Write(lines);
                lines.Clear();
            }
            var document = i < documents.Count ? documents[i] : null;
            foreach (var warning in (document?.Warnings ?? []).Concat(result.Warnings).Distinct(StringComparer.Ordinal)) Warn(context, $"{name}: {warning}");
            var ignored = (document?.Ignored ?? []).Concat(result.Ignored).Distinct(StringComparer.Ordinal).ToList();
            if (ignored.Count > 0) Warn(context, $"{name}: ignored, as they mean nothing for DNS: {string.Join(", ", ignored)}");
        }
        foreach (var warning in change.Warnings ?? []) Warn(context, warning);
        if (change.Edges is { Waited: false }) Warn(context, "the change is durable, but the edges could not be asked whether they have it");
        if (change.Edges is { Missing.Count: > 0 } edges) Warn(context, $"the change is durable, but these nodes had not read it in time: {string.Join(", ", edges.Missing)}");
    }

    private static string Addresses(IReadOnlyList<HostAddressJson> addresses)
    {
        if (addresses.Count == 0) return "";
        var hosts = addresses.GroupBy(address => address.Host, StringComparer.Ordinal).Select(group => $"{group.Key} -> {string.Join(", ", group.Select(address => address.Value))}").ToList();
        var more = hosts.Count > MaxHostsShown ? $"; and {hosts.Count - MaxHostsShown} more" : "";
        return "  " + string.Join("; ", hosts.Take(MaxHostsShown)) + more;
    }

    private static void Warn(CliContext context, string text) => context.Error.WriteLine($"warning: {CliText.Printable(text)}");
}
