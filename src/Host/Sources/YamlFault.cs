using YamlDotNet.Core;

namespace MeshDns.Host.Sources;

/// <summary>Where and why the parser gave up. It names the beginning of what it was reading, and tabs only sometimes; here they are looked for.</summary>
internal static class YamlFault
{
    /// <summary>The line, from 1 within the text, and the reason.</summary>
    /// <param name="text">What was parsed.</param>
    /// <param name="fault">What the parser threw.</param>
    /// <param name="lastLine">Where the last thing ends that it read.</param>
    public static (int Line, string Reason) Explain(string text, Exception fault, int lastLine)
    {
        var at = fault is YamlException yaml ? (int)yaml.Start.Line : lastLine;
        var sayTab = fault is YamlException && fault.Message.Contains(" tab ", StringComparison.Ordinal);
        var (from, to) = sayTab ? (Math.Max(at, lastLine), int.MaxValue) : fault is YamlException ? (at, at) : (at, at + 1);
        if (FindTab(text, from, to) is { } line) return (line, "not YAML: a tab cannot indent; use spaces");
        return (at, fault is YamlException ? $"not YAML: {fault.Message}" : "not YAML: what follows cannot be read");
    }

    /// <summary>The first of these lines that a tab indents.</summary>
    private static int? FindTab(string text, int from, int to)
    {
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (++number > to) break;
            if (number >= from && line[..^line.TrimStart().Length].Contains('\t')) return number;
        }
        return null;
    }
}
