using System.Runtime.Versioning;
using MeshDns.Actors.Store;
using MeshDns.Host.Net;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// The node's directory is its own: the journal and the saved directory tell every name of the mesh, and who could write them could change what names mean. 0700,
/// files 0600.
/// </summary>
internal static class DataDirectory
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    // Those of the journal, the saved directory and the last start with what SQLite and a save under way put beside them, and what a new volume has.
    private static readonly string[] _names = ["journal.", "directory.bin", "identity", "incarnation", "lost+found"];

    /// <summary>What this process makes from here on is for nobody else.</summary>
    public static void MakePrivate()
    {
        if (!OperatingSystem.IsWindows()) FileMask.Set(Others);
    }

    /// <summary>Takes the directory for this process, so that no other node works in it.</summary>
    /// <exception cref="StoreUnavailableException">Another process holds it, or it cannot be used.</exception>
    public static FileStream Lock(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            return new FileStream(Path.Combine(path, "journal.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"the data directory {path} is in use by another node or cannot be written: {e.Message}", e);
        }
    }

    /// <summary>A new random id.</summary>
    public static string NewId() => Guid.NewGuid().ToString("N");

    /// <summary>
    /// The id of a data directory that this process holds, drawn at the first start: a restart shows it to take its own name back at once, instead of waiting until the old row's lease has ended. Losing it costs that
    /// wait and nothing else.
    /// </summary>
    public static string IdOf(string path)
    {
        var file = Path.Combine(path, "identity");
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > 0 and <= 64 }) return File.ReadAllText(file).Trim();
            var id = NewId();
            File.WriteAllText(file + ".new", id);
            File.Move(file + ".new", file, overwrite: true);
            return id;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return NewId(); }
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
}
