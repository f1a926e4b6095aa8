using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MeshDns.Host.Sources;

/// <summary>
/// Notices that the files of a set changed: a cheap look at names, times and lengths every time, and at the content only when those moved.
/// A change is reported once two looks in a row agree, so that a file that is being written is not read in half: applying the half would
/// withdraw what the other half declares.
/// </summary>
internal sealed class ManifestWatch(string path)
{
    private string? _seen;
    private string? _settled;
    private string? _content;

    /// <summary>True when the files differ from the last look, so that another look soon decides.</summary>
    public bool IsMoving { get; private set; }

    /// <summary>Looks at the files. The set when it is new and complete; null when there is nothing new.</summary>
    public ManifestInputs? Look()
    {
        var (files, error) = ManifestFiles.Find(path);
        var stamp = error?.Reason ?? StampOf(files);
        IsMoving = stamp != _seen;
        _seen = stamp;
        if (IsMoving || stamp == _settled) return null;
        var set = error is not null ? new ManifestInputs([], [error]) : Read(files);
        if (StampOf(files) != stamp && error is null) { IsMoving = true; return null; }
        _settled = stamp;
        var content = HashOf(set);
        if (content == _content) return null;
        _content = content;
        return set;
    }

    private static ManifestInputs Read(IReadOnlyList<string> files) =>
        files.Count == 0 ? new ManifestInputs([], []) : ManifestFiles.Read(files, Stream.Null);

    private static string StampOf(IReadOnlyList<string> files)
    {
        var stamp = new StringBuilder();
        foreach (var file in files)
        {
            stamp.Append(CultureInfo.InvariantCulture, $"{file}|{StampOf(file)}\n");
        }
        return stamp.ToString();
    }

    private static string StampOf(string file)
    {
        try
        {
            var info = new FileInfo(file);
            return info.Exists ? string.Create(CultureInfo.InvariantCulture, $"{info.LastWriteTimeUtc.Ticks}|{info.Length}") : "missing";
        }
        catch (Exception e) when (ManifestFiles.IsFileError(e)) { return "unreadable"; }
    }

    private static string HashOf(ManifestInputs set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var error in set.Errors) hash.AppendData(Encoding.UTF8.GetBytes(error + "\n"));
        foreach (var input in set.Inputs)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{input.Name}|{input.Content.Length}\n")));
            hash.AppendData(input.Content.Span);
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
