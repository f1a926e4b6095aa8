namespace MeshDns.Tests.Shared;

/// <summary>A folder of its own for a test, removed with everything in it.</summary>
public sealed class ScratchFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("meshdns-").FullName;

    /// <summary>A path inside it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        try { Directory.Delete(Path, recursive: true); }
        catch (IOException)
        {
            // A process of the test that is just being killed may still write; the system cleans its temporary files.
        }
    }
}
