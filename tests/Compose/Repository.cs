namespace MeshDns.Compose;

/// <summary>The files of this repository.</summary>
internal static class Repository
{
    /// <summary>Its top folder: the nearest above the tests that holds the solution.</summary>
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "MeshDns.sln")) ? folder
        : Find(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests do not run inside the repository"));
}
