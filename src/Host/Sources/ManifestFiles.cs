namespace MeshDns.Host.Sources;

/// <summary>The manifests behind the paths that a person gave, or why there are none.</summary>
/// <param name="Inputs">What was read, folders in order of their paths.</param>
/// <param name="Errors">What could not be read; without a document number.</param>
public sealed record ManifestInputs(IReadOnlyList<ManifestInput> Inputs, IReadOnlyList<ManifestError> Errors);

/// <summary>
/// Finds and reads manifest files. A file is taken whatever its name; a folder gives its <c>*.yaml</c>, <c>*.yml</c> and <c>*.json</c>,
/// with the folders below it, in ordinal order of their paths. Names that begin with a dot and links to folders are left out: a mounted
/// Kubernetes ConfigMap keeps a second copy of everything behind such names.
/// </summary>
public static class ManifestFiles
{
    /// <summary>What stands for standard input.</summary>
    public const string StandardInput = "-";

    private static readonly EnumerationOptions _entries = new() { AttributesToSkip = 0, RecurseSubdirectories = false, IgnoreInaccessible = false };

    /// <summary>Reads every manifest behind the paths: files, folders, and <c>-</c> for <paramref name="standardInput"/>.</summary>
    public static ManifestInputs Read(IEnumerable<string> paths, Stream standardInput)
    {
        var inputs = new List<ManifestInput>();
        var errors = new List<ManifestError>();
        var left = ManifestLimits.SetBytes;
        foreach (var path in paths)
        {
            if (path == StandardInput)
            {
                left -= Take(inputs, errors, ReadStream(StandardInput, standardInput, ManifestFormat.Auto));
                continue;
            }
            var (files, error) = Find(path);
            if (error is not null) errors.Add(error);
            else if (files.Count == 0) errors.Add(Error(path, "the folder has no *.yaml, *.yml or *.json file"));
            foreach (var file in files)
            {
                if (left > 0) { left -= Take(inputs, errors, ReadFile(file)); continue; }
                errors.Add(Error(path, $"the manifests have more than {ManifestLimits.SetBytes} bytes"));
                return new ManifestInputs(inputs, errors);
            }
        }
        return new ManifestInputs(inputs, errors);
    }

    /// <summary>The files behind a path; or an error, and none.</summary>
    public static (IReadOnlyList<string> Files, ManifestError? Error) Find(string path)
    {
        try
        {
            if (File.Exists(path)) return ([path], null);
            if (!Directory.Exists(path)) return ([], Error(path, "there is no such file or folder"));
            var files = new List<string>();
            AddFolder(files, path, 0);
            if (files.Count > ManifestLimits.Files) return ([], Error(path, $"the folder has more than {ManifestLimits.Files} manifests"));
            files.Sort(string.CompareOrdinal);
            return (files, null);
        }
        catch (Exception e) when (IsFileError(e)) { return ([], Error(path, $"cannot be read: {e.Message}")); }
    }

    /// <summary>Reads one file; or an error, and null.</summary>
    public static (ManifestInput? Input, ManifestError? Error) ReadFile(string path)
    {
        var format = Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".YAML" or ".YML" => ManifestFormat.Yaml,
            ".JSON" => ManifestFormat.Json,
            _ => ManifestFormat.Auto,
        };
        try
        {
            using var stream = File.OpenRead(path);
            return ReadStream(path, stream, format);
        }
        catch (Exception e) when (IsFileError(e)) { return (null, Error(path, $"cannot be read: {e.Message}")); }
    }

    private static (ManifestInput? Input, ManifestError? Error) ReadStream(string name, Stream stream, ManifestFormat format)
    {
        try
        {
            using var content = new MemoryStream();
            var buffer = new byte[64 << 10];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                content.Write(buffer, 0, read);
                if (content.Length > ManifestLimits.ManifestBytes) return (null, Error(name, $"has more than {ManifestLimits.ManifestBytes} bytes"));
            }
            return (new ManifestInput(name, content.ToArray(), format), null);
        }
        catch (Exception e) when (IsFileError(e)) { return (null, Error(name, $"cannot be read: {e.Message}")); }
    }

    private static void AddFolder(List<string> files, string folder, int depth)
    {
        if (depth > ManifestLimits.FolderDepth) throw new IOException($"folders are nested more than {ManifestLimits.FolderDepth} deep");
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", _entries))
        {
            if (entry.Name.StartsWith('.')) continue;
            var path = Path.Combine(folder, entry.Name);
            if (entry is not DirectoryInfo) AddFile(files, path);
            else if (entry.LinkTarget is null) AddFolder(files, path, depth + 1);
            if (files.Count > ManifestLimits.Files) return;
        }
    }

    private static void AddFile(List<string> files, string path)
    {
        if (Path.GetExtension(path).ToUpperInvariant() is ".YAML" or ".YML" or ".JSON") files.Add(path);
    }

    private static int Take(List<ManifestInput> inputs, List<ManifestError> errors, (ManifestInput? Input, ManifestError? Error) read)
    {
        if (read.Input is { } input) inputs.Add(input);
        if (read.Error is { } error) errors.Add(error);
        return read.Input?.Content.Length ?? 0;
    }

    /// <summary>True for what the file system throws when it refuses.</summary>
    internal static bool IsFileError(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or System.Security.SecurityException;

    private static ManifestError Error(string path, string reason) => new(path, 0, 0, "", reason);
}
