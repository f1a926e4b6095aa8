namespace MeshDns.Contracts.Tests.Architecture;

/// <summary>The repository's own source, as the architecture tests read it.</summary>
internal static class SourceTree
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file below a folder of the repository: its path from the root with forward slashes, and its lines.</summary>
    public static IReadOnlyList<(string Path, string[] Lines)> Files(string folder) =>
        [.. Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Select(f => (Path.GetRelativePath(Root, f).Replace('\\', '/'), File.ReadAllLines(f)))
            .Where(f => !f.Item1.Split('/').Any(p => p is "bin" or "obj" or "artifacts"))
            .OrderBy(f => f.Item1, StringComparer.Ordinal)];

    /// <summary>A line without what stands in its comment; strings stay.</summary>
    public static string Code(string line)
    {
        var trimmed = line.TrimStart();
        if (trimmed.StartsWith("//", StringComparison.Ordinal)) return "";
        var comment = line.IndexOf(" // ", StringComparison.Ordinal);
        return comment < 0 ? line : line[..comment];
    }

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
            if (File.Exists(Path.Combine(directory.FullName, "MeshDns.sln"))) return directory.FullName;
        throw new InvalidOperationException($"MeshDns.sln is nowhere above {AppContext.BaseDirectory}");
    }
}
