using MeshDns.Host.Settings;

namespace MeshDns.Host.Tests.Settings;

/// <summary>Loads settings the short way.</summary>
internal static class Load
{
    public static SettingsResult Everything(string? file, string[] set, params (string Name, string Value)[] environment)
        => SettingsLoader.Load(file, set, environment.ToDictionary(e => e.Name, e => e.Value));

    /// <summary>Settings that must be fine.</summary>
    public static MeshDnsSettings Set(params string[] arguments) => Valid(Everything(null, arguments));

    public static MeshDnsSettings Env(params (string Name, string Value)[] environment) => Valid(Everything(null, [], environment));

    public static MeshDnsSettings Valid(SettingsResult result)
    {
        Assert.Empty(result.Errors.Select(error => error.ToString()));
        return result.Settings!;
    }

    /// <summary>The errors of a refused configuration, as an operator reads them.</summary>
    public static string[] Refused(SettingsResult result)
    {
        Assert.Null(result.Settings);
        return [.. result.Errors.Select(error => error.ToString())];
    }

    public static string[] RefusedSet(params string[] arguments) => Refused(Everything(null, arguments));

    /// <summary>A file of the repository's hocon folder.</summary>
    public static string Repository(string name)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "MeshDns.sln")))
            directory = directory.Parent;
        return Path.Combine(directory!.FullName, "hocon", name);
    }
}
