using MeshDns.Host.Sources;

namespace MeshDns.Host.Tests.Sources;

public sealed class ManifestFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-files-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_folder_gives_its_manifests_in_order()
    {
        foreach (var name in new[] { "b.yaml", "a.yml", "c.json", "sub/d.YAML", "notes.txt", ".hidden.yaml", "..data/a.yml", "sub/.git/e.yaml" }) Write(name, "# " + name);
        var inputs = ManifestFiles.Read([_folder], Stream.Null);
        Assert.Empty(inputs.Errors);
        Assert.Equal(["a.yml", "b.yaml", "c.json", "sub/d.YAML"], inputs.Inputs.Select(i => Path.GetRelativePath(_folder, i.Name)));
        Assert.Equal([ManifestFormat.Yaml, ManifestFormat.Yaml, ManifestFormat.Json, ManifestFormat.Yaml], inputs.Inputs.Select(i => i.Format));
    }

    [Fact]
    public void A_folder_that_holds_itself_ends()
    {
        Write("a.yaml", "");
        Directory.CreateSymbolicLink(Path.Combine(_folder, "loop"), _folder);
        Assert.Single(ManifestFiles.Read([_folder], Stream.Null).Inputs);
    }

    [Fact]
    public void A_file_is_read_whatever_its_name_and_a_dash_is_standard_input()
    {
        var file = Write("manifest", "{}");
        var inputs = ManifestFiles.Read([file, "-"], new MemoryStream("a: b"u8.ToArray()));
        Assert.Empty(inputs.Errors);
        Assert.Equal([file, "-"], inputs.Inputs.Select(i => i.Name));
        Assert.Equal("a: b"u8.ToArray(), inputs.Inputs[1].Content.ToArray());
    }

    [Fact]
    public void What_is_missing_or_empty_is_named()
    {
        var missing = Path.Combine(_folder, "none.yaml");
        var errors = ManifestFiles.Read([missing, _folder], Stream.Null).Errors;
        Assert.Equal([$"{missing}: there is no such file or folder", $"{_folder}: the folder has no *.yaml, *.yml or *.json file"], errors.Select(e => e.ToString()));
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }
}
