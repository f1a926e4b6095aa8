using System.Text.RegularExpressions;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Tests.Architecture;

/// <summary>A kind of document is a row of two tables and files that bear its name (ARCHITECTURE.md, "How to add"): nothing else asks which kind it has before it.</summary>
public sealed class DocumentKindTests
{
    private static readonly string[] _tables = ["src/Contracts/Services/DocumentKind.cs", "src/Host/Sources/DocumentKinds.cs"];
    private static readonly string[] _kinds = Enum.GetNames<DocumentKind>();

    [Fact]
    public void Nothing_but_the_tables_and_a_kinds_own_files_knows_it_by_name() =>
        Assert.Empty(SourceTree.Files("src").Where(f => !_tables.Contains(f.Path)).SelectMany(f => Mentions(f.Path, f.Lines)));

    [Theory]
    [InlineData("Any", "switch (document.Key.Kind) { case DocumentKind.Service: break; }", 1)]
    [InlineData("Any", "var text = document.Spec is ServiceEntrySpec ? 1 : 0;", 1)]
    [InlineData("Any", "if (kind == \"ServiceEntry\") return;", 1)]
    [InlineData("Any", "using static MeshDns.Contracts.Services.DocumentKind;", 1)]
    [InlineData("ServiceWriter", "((ServiceEntrySpec)spec).Hosts", 1)]
    [InlineData("ServiceEntryWriter", "((ServiceEntrySpec)spec).Hosts", 0)]
    [InlineData("Any", "new ServicePort(80, null, \"TCP\", null)", 0)]
    [InlineData("Any", "/// <summary>The ports of a <see cref=\"ServiceSpec\"/>.</summary>", 0)]
    public void A_kind_is_found_by_its_name(string file, string line, int found) => Assert.Equal(found, Mentions($"src/{file}.cs", [line]).Count());

    [Fact]
    public void Rows_stand_in_the_order_of_their_numbers()
    {
        Assert.Equal(Enum.GetValues<DocumentKind>(), SpecKinds.All.Select(k => k.Kind));
        Assert.All(SpecKinds.All, k => Assert.Equal(k, SpecKinds.Of(k.Kind)));
        Assert.All(SpecKinds.All, k => Assert.Equal(k.Kind + "Spec", k.Json.Type.Name));
        Assert.Equal(_kinds.Length, SpecKinds.All.DistinctBy(k => k.Precedence).Count());
    }

    private static IEnumerable<string> Mentions(string path, string[] lines)
    {
        // Of two kinds whose names begin alike the longer one owns the file.
        var owner = _kinds.Where(Path.GetFileName(path).StartsWith).MaxBy(kind => kind.Length);
        var others = string.Join('|', _kinds.Where(kind => kind != owner));
        var pattern = $@"\bDocumentKind\.({others})\b|\b({others})(Spec|Reader|Writer)\b|""({others})(List)?""|\busing static .*\bDocumentKind\b";
        return lines.Select((line, i) => (Line: SourceTree.Code(line), Number: i + 1)).Where(l => Regex.IsMatch(l.Line, pattern)).Select(l => $"{path}:{l.Number}: {l.Line.Trim()}");
    }
}
