namespace MeshDns.Host.Tests.Settings;

/// <summary>Files of one test, removed with it.</summary>
internal sealed class TemporaryFiles : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("meshdns-settings-").FullName;

    public string PathOf(string name) => Path.Combine(_directory, name);

    public string Write(string name, string text)
    {
        var path = PathOf(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
