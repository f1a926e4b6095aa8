using System.Text.Json;
using MeshDns.Actors.Journal;

namespace MeshDns.Chaos.Run.Report;

/// <summary>The journal of a run as a file, so that it can be judged again.</summary>
internal static class ImageFile
{
    public static void Write(JournalImage image, string path)
    {
        using var file = File.Create(path);
        JsonSerializer.Serialize(file, image);
    }

    public static JournalImage Read(string path)
    {
        using var file = File.OpenRead(path);
        return JsonSerializer.Deserialize<JournalImage>(file) ?? throw new FormatException($"{path} is empty");
    }
}
