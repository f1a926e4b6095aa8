namespace MeshDns.Contracts.Tests.Architecture;

/// <summary>What the compiler's analyzers leave of the format, and <c>dotnet format whitespace</c> too: the order of a file's imports.</summary>
public sealed class UsingOrderTests
{
    [Fact]
    public void Imports_stand_in_order_with_those_of_the_framework_first()
    {
        var broken = new List<string>();
        foreach (var file in Directory.EnumerateFiles(SourceTree.Root, "*.cs", SearchOption.AllDirectories))
        {
            if (Path.GetRelativePath(SourceTree.Root, file).StartsWith("artifacts", StringComparison.Ordinal)) continue;
            var imports = File.ReadLines(file).TakeWhile(line => line.Length == 0 || line.StartsWith("using ", StringComparison.Ordinal) || line.StartsWith('#') || line.StartsWith("//", StringComparison.Ordinal) || line.StartsWith("global using ", StringComparison.Ordinal))
                .Where(line => line.StartsWith("using ", StringComparison.Ordinal)).ToList();
            if (!imports.SequenceEqual(imports.OrderBy(Rank).ThenBy(line => line.TrimEnd(';'), StringComparer.OrdinalIgnoreCase))) broken.Add(file);
        }
        Assert.Empty(broken);
    }

    private static int Rank(string import) => import switch
    {
        _ when import.Contains('=', StringComparison.Ordinal) => 3,
        _ when import.StartsWith("using static ", StringComparison.Ordinal) => 2,
        _ when import.StartsWith("using System", StringComparison.Ordinal) => 0,
        _ => 1,
    };
}
