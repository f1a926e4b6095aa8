using System.Text.RegularExpressions;

namespace MeshDns.Conformance.Harness;

/// <summary>A record as dig and kdig print it.</summary>
public sealed record DigRecord(string Owner, uint Ttl, string Class, string Type, string Data)
{
    public override string ToString() => $"{Owner} {Type} {Data}";
}

/// <summary>One reply as dig or kdig shows it; both print the same sections with different punctuation.</summary>
public sealed partial record DigReply(
    string Opcode, string Status, IReadOnlySet<string> Flags, IReadOnlyList<string> Questions, IReadOnlyList<DigRecord> Answer, IReadOnlyList<DigRecord> Authority,
    string Edns, bool IsTcp, int Size, string Text)
{
    public bool HasEdns => Edns.Length > 0;

    /// <summary>The answer section without TTLs, sorted: the order of addresses is random.</summary>
    public string[] Records => [.. Answer.Select(record => record.ToString()).Order(StringComparer.Ordinal)];

    /// <summary>The data of the answer section, in order.</summary>
    public string[] Data => [.. Answer.Select(record => record.Data)];

    /// <summary>The one record of the answer section.</summary>
    public DigRecord Only => Answer.Count == 1 ? Answer[0] : throw new InvalidOperationException($"not one record:\n{Text}");

    /// <summary>The code of the extended error, or null (RFC 8914).</summary>
    public int? ExtendedError => ExtendedErrorLine().Match(Edns) is { Success: true } match ? int.Parse(match.Groups[1].Value) : null;

    /// <summary>All replies in a program's output.</summary>
    public static IReadOnlyList<DigReply> ReadAll(string text) =>
        [.. Header().Matches(text).Select(header => Read(text, header.Index, header.NextMatch() is { Success: true } next ? next.Index : text.Length))];

    private static DigReply Read(string all, int start, int end)
    {
        var text = all[start..end];
        var header = Header().Match(text);
        var flags = FlagsLine().Match(text).Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet();
        var size = SizeLine().Match(text);
        return new DigReply(header.Groups["opcode"].Value, header.Groups["status"].Value, flags,
            [.. Section(text, "QUESTION").Select(line => Spaces().Replace(line.TrimStart(';', ' '), " "))],
            [.. Section(text, "ANSWER").Select(Record)], [.. Section(text, "AUTHORITY").Select(Record)],
            string.Join('\n', EdnsLines(text)), text.Contains("(TCP)", StringComparison.Ordinal),
            size.Success ? int.Parse(size.Groups[1].Value + size.Groups[2].Value) : 0, text);
    }

    private static IEnumerable<string> Section(string text, string name) => text.Split('\n')
        .SkipWhile(line => !line.StartsWith($";; {name} SECTION", StringComparison.Ordinal)).Skip(1).TakeWhile(line => line.Trim().Length > 0);

    private static IEnumerable<string> EdnsLines(string text) => text.Split('\n')
        .SkipWhile(line => !(line.StartsWith(";; OPT PSEUDOSECTION", StringComparison.Ordinal) || line.StartsWith(";; EDNS PSEUDOSECTION", StringComparison.Ordinal)))
        .Skip(1).TakeWhile(line => line.StartsWith(';') && !line.Contains("SECTION", StringComparison.Ordinal));

    private static DigRecord Record(string line)
    {
        var fields = Spaces().Replace(line, " ").Trim().Split(' ', 5);
        return new DigRecord(fields[0], uint.Parse(fields[1]), fields[2], fields[3], fields.Length > 4 ? fields[4] : "");
    }

    [GeneratedRegex(@"->>HEADER<<- opcode: (?<opcode>\w+)[,;] status: (?<status>\w+)[,;] id: \d+")]
    private static partial Regex Header();

    [GeneratedRegex(@";; [Ff]lags: ([a-z ]*);")]
    private static partial Regex FlagsLine();

    [GeneratedRegex(@"MSG SIZE  rcvd: (\d+)|Received (\d+) B")]
    private static partial Regex SizeLine();

    [GeneratedRegex(@"EDE: (\d+)")]
    private static partial Regex ExtendedErrorLine();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
