namespace MeshDns.Host.Settings;

/// <summary>
/// What settings were read from. Arguments and environment are those of the process and stay; the file, and what it includes, is read anew each time, under the name that was given.
/// </summary>
internal sealed record SettingsSource(string? File, IReadOnlyList<string> SetArguments, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>Reads them again.</summary>
    public SettingsResult Load() => WhyNotAgain() is { } why
        ? new SettingsResult(null, [new SettingsError(File!, 0, 0, "", why)], [])
        : SettingsLoader.Load(File, SetArguments, Environment);

    // A pipe (--config <(...), /dev/stdin) is empty the second time, and an empty file would be all defaults.
    private string? WhyNotAgain()
    {
        if (File is null)
            return null;
        try
        {
            using var file = System.IO.File.OpenRead(File);
            return file.CanSeek ? null : "is no file that can be read a second time";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return $"cannot be read: {error.Message}";
        }
    }
}
