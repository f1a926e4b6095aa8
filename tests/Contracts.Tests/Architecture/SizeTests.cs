using System.Text.RegularExpressions;

namespace MeshDns.Contracts.Tests.Architecture;

/// <summary>Small pieces: a function fits on a screen, a file holds one idea, and nothing is left for later without a name.</summary>
public sealed partial class SizeTests
{
    private const int MaxFileLines = 400;
    private const int MaxFunctionLines = 70;

    [Fact]
    public void No_file_is_longer_than_400_lines() =>
        Assert.Empty(SourceTree.Files("src").Where(f => f.Lines.Length >= MaxFileLines).Select(f => $"{f.Path}: {f.Lines.Length} lines"));

    [Fact]
    public void No_function_is_longer_than_70_lines() =>
        Assert.Empty(SourceTree.Files("src").SelectMany(f => LongFunctions(f.Lines).Select(l => $"{f.Path}:{l.Line}: {l.Length} lines")));

    [Fact]
    public void Nothing_is_left_marked_for_later()
    {
        var offenders = SourceTree.Files("src").Concat(SourceTree.Files("tests")).Where(f => !f.Path.EndsWith("/SizeTests.cs", StringComparison.Ordinal))
            .SelectMany(f => f.Lines.Select((line, i) => (f.Path, line, Number: i + 1))).Where(l => Marker().IsMatch(l.line)).Select(l => $"{l.Path}:{l.Number}: {l.line.Trim()}");
        Assert.Empty(offenders);
    }

    [Fact]
    public void Names_say_what_a_type_does() =>
        Assert.DoesNotContain(SourceTree.Files("src").Select(f => Path.GetFileNameWithoutExtension(f.Path)), n => VagueName().IsMatch(n));

    [Theory]
    [InlineData(70, 0)]
    [InlineData(71, 1)]
    public void The_measure_of_a_function_counts_its_lines(int lines, int found)
    {
        string[] body = ["class C", "{", "    void F()", "    {", .. Enumerable.Repeat("        ;", lines - 3), "    }", "}"];
        Assert.Equal(found, LongFunctions(body).Count());
    }

    // The sources are formatted in one way, so indentation tells where a member begins and ends: its head and its braces stand at 4
    // columns (8 inside a nested type), and what is between them further in.
    private static IEnumerable<(int Line, int Length)> LongFunctions(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            if (!Opening().IsMatch(lines[i]) || TypeHead().IsMatch(lines[i - 1])) continue;
            var closing = lines[i].Replace('{', '}');
            var end = Array.FindIndex(lines, i, l => l.StartsWith(closing, StringComparison.Ordinal));
            // An initializer ends with more than its brace. The head's line counts.
            if (end >= 0 && lines[end] == closing && end - i + 2 > MaxFunctionLines) yield return (i, end - i + 2);
        }
    }

    [GeneratedRegex(@"^( {4}| {8})\{$")]
    private static partial Regex Opening();

    [GeneratedRegex(@"\b(class|record|struct|interface|enum|namespace)\b[^=;]*$")]
    private static partial Regex TypeHead();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b")]
    private static partial Regex Marker();

    [GeneratedRegex("(Manager|Helper|Helpers|Util|Utils|Utilities)$")]
    private static partial Regex VagueName();
}
