using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// The node's directory is its own: the journal and the saved directory tell every name of the mesh, and who could write them could change what names mean. 0700,
/// files 0600.
/// </summary>
internal static partial class DataDirectory
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    // Those of the journal, the saved directory and the last start with what SQLite and a save under way put beside them, and what a new volume has.
    private static readonly string[] _names = ["journal.", "directory.bin", "incarnation", "lost+found"];

    /// <summary>What this process makes from here on is for nobody else.</summary>
    public static void MakePrivate()
    {
        if (!OperatingSystem.IsWindows()) _ = SetMask((int)Others);
    }

    /// <summary>Takes from others what an older version, or somebody, let them have. Tells what it did; a directory that is not the node's alone is left alone.</summary>
    public static void Tighten(string path, ILogger log)
    {
        if (OperatingSystem.IsWindows()) return;
        try
        {
            var directory = new DirectoryInfo(path);
            if (!directory.Exists) return;
            var files = directory.EnumerateFileSystemInfos().ToList();
            foreach (var file in files.Where(IsOwn)) Tighten(file, log);
            if (files.TrueForAll(IsOwn)) Tighten(directory, log);
            else if ((directory.UnixFileMode & Others) != 0)
                log.LogWarning("the data directory {Path} has files that are not the node's and can be read by others (mode {Mode}); it is left as it is", path, Octal(directory.UnixFileMode));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("the data directory {Path} cannot be closed to others: {Error}", path, e.Message);
        }
    }

    [UnsupportedOSPlatform("windows")]
    private static void Tighten(FileSystemInfo entry, ILogger log)
    {
        // Through a link it would be somebody else's.
        if (entry.LinkTarget is not null || (entry.UnixFileMode & Others) == 0) return;
        var before = entry.UnixFileMode;
        entry.UnixFileMode = before & ~Others;
        log.LogInformation("{Path} had mode {Before} and has {After} now: it is for the node alone", entry.FullName, Octal(before), Octal(entry.UnixFileMode));
    }

    private static bool IsOwn(FileSystemInfo entry) => _names.Any(name => entry.Name.StartsWith(name, StringComparison.Ordinal));

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int SetMask(int mask);
}
