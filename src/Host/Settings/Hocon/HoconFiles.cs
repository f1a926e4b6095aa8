namespace MeshDns.Host.Settings.Hocon;

/// <summary>Reads a configuration and what it includes: bounded in size, number and depth, and never a file inside itself.</summary>
internal sealed class HoconFiles
{
    private readonly Stack<string> _open = new();
    private int _read;

    /// <summary>Runs <paramref name="parse"/> with the file's text. False when it does not exist; <paramref name="at"/> is blamed for any other trouble.</summary>
    public bool Read(string path, HoconOrigin at, Action<string> parse)
    {
        string full;
        try
        {
            full = Path.GetFullPath(path);
        }
        catch (Exception error) when (error is ArgumentException or IOException or NotSupportedException)
        {
            throw new HoconException(at, $"not a file name: {error.Message}");
        }
        if (_open.Contains(full))
            throw new HoconException(at, $"'{path}' includes itself");
        if (_open.Count > HoconLimits.IncludeDepth)
            throw new HoconException(at, $"more than {HoconLimits.IncludeDepth} files include each other");
        if (++_read > HoconLimits.Files)
            throw new HoconException(at, $"more than {HoconLimits.Files} files are included");
        if (!File.Exists(full) && !Directory.Exists(full))
            return false;
        var text = ReadText(path, full, at);
        _open.Push(full);
        parse(text);
        _open.Pop();
        return true;
    }

    private static string ReadText(string path, string full, HoconOrigin at)
    {
        try
        {
            using var reader = new StreamReader(full);
            var buffer = new char[HoconLimits.FileChars + 1];
            var length = reader.ReadBlock(buffer, 0, buffer.Length);
            return length <= HoconLimits.FileChars
                ? new string(buffer, 0, length)
                : throw new HoconException(at, $"'{path}' is longer than {HoconLimits.FileChars} characters");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HoconException(at, $"'{path}' cannot be read: {error.Message}");
        }
    }
}
