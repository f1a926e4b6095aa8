namespace MeshDns.Conformance.Harness;

/// <summary>The files of this repository.</summary>
internal static class Repository
{
    /// <summary>Its top folder: the nearest above the tests that holds the solution.</summary>
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    public static string At(string path) => Path.Combine(Root, path);

    /// <summary>All examples as one manifest, in the order of their files.</summary>
    public static string Examples() => string.Concat(Directory.GetFiles(At("examples"), "*.yaml").Order(StringComparer.Ordinal).Select(file => "---\n" + File.ReadAllText(file)));

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "MeshDns.sln")) ? folder
        : Find(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests do not run inside the repository"));
}
