using MeshDns.Actors.Store;

namespace MeshDns.Chaos.Run.Report;

/// <summary>The log of a run as a file, so that it can be judged again.</summary>
internal static class ImageFile
{
    public static void Write(LogDump log, string path)
    {
        using var file = File.Create(path);
        log.WriteTo(file);
    }

    public static LogDump Read(string path)
    {
        using var file = File.OpenRead(path);
        return LogDump.ReadFrom(file);
    }
}
