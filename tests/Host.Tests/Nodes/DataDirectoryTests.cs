using System.Runtime.Versioning;
using MeshDns.Host.Nodes;
using MeshDns.Host.Tests.Admin;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Nodes;

[UnsupportedOSPlatform("windows")]
public sealed class DataDirectoryTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = Private | UnixFileMode.UserExecute;
    private const UnixFileMode Open = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode OpenFolder = Open | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly ScratchFolder _folder = new();
    private readonly ListLogger _log = new();

    private string Data => _folder["data"];

    [Fact]
    public void What_others_could_read_they_cannot_any_more_and_it_is_told_once()
    {
        string[] files = ["journal.db", "journal.db-wal", "journal.lock", "directory.bin", "directory.bin.read", "identity"];
        Make(files);
        DataDirectory.Tighten(Data, _log);
        Assert.Equal(PrivateFolder, File.GetUnixFileMode(Data));
        Assert.All(files, file => Assert.Equal(Private, File.GetUnixFileMode(Path.Combine(Data, file))));
        Assert.Equal(files.Length + 1, _log.Lines.Count);
        Assert.Contains(_log.Lines, line => line.Text.Contains("had mode 0755 and has 0700 now", StringComparison.Ordinal));
        DataDirectory.Tighten(Data, _log);
        Assert.Equal(files.Length + 1, _log.Lines.Count);
    }

    [Fact]
    public void A_directory_that_others_use_too_is_left_to_them_but_for_the_nodes_own_files()
    {
        Make(["journal.db", "somebody.else"]);
        DataDirectory.Tighten(Data, _log);
        Assert.Equal((OpenFolder, Private, Open), (File.GetUnixFileMode(Data), File.GetUnixFileMode(Path.Combine(Data, "journal.db")), File.GetUnixFileMode(Path.Combine(Data, "somebody.else"))));
        Assert.Contains(_log.Lines, line => line.Text.Contains("is left as it is", StringComparison.Ordinal));
    }

    [Fact]
    public void A_link_is_not_followed()
    {
        Make(["journal.lock"]);
        var elsewhere = _folder["elsewhere"];
        File.WriteAllText(elsewhere, "");
        File.SetUnixFileMode(elsewhere, Open);
        File.CreateSymbolicLink(Path.Combine(Data, "journal.db"), elsewhere);
        DataDirectory.Tighten(Data, _log);
        Assert.Equal(Open, File.GetUnixFileMode(elsewhere));
    }

    [Fact]
    public void What_is_not_there_yet_is_no_trouble()
    {
        DataDirectory.Tighten(Data, _log);
        Assert.Empty(_log.Lines);
    }

    public void Dispose() => _folder.Dispose();

    private void Make(string[] files)
    {
        Directory.CreateDirectory(Data);
        foreach (var file in files)
        {
            File.WriteAllText(Path.Combine(Data, file), "");
            File.SetUnixFileMode(Path.Combine(Data, file), Open);
        }
        File.SetUnixFileMode(Data, OpenFolder);
    }
}
