namespace MeshDns.Host.Settings;

/// <summary>
/// Reads the settings: <c>reference.conf</c> (embedded; it holds every default and names the environment variables), then the user's file, then
/// each <c>--set</c>; later wins.
/// </summary>
public static class SettingsLoader
{
    /// <summary>
    /// Loads, resolves and validates. Total: any text gives settings or errors, never an exception; bounded in time and memory.
    /// </summary>
    /// <param name="configFile">Path of the user's HOCON file; null: only the defaults.</param>
    /// <param name="setArguments">
    /// <c>key=value</c> each, the key dotted without the leading <c>meshdns.</c>. A value that begins with <c>[</c>, <c>{</c> or <c>"</c> is HOCON,
    /// any other is taken literally (for a list: separated by commas).
    /// </param>
    /// <param name="environment">What <c>${NAME}</c> falls back to.</param>
    public static SettingsResult Load(
        string? configFile,
        IReadOnlyList<string> setArguments,
        IReadOnlyDictionary<string, string> environment) => throw new NotImplementedException();
}
