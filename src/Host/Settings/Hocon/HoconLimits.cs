namespace MeshDns.Host.Settings.Hocon;

/// <summary>Bounds that keep any text, however hostile, cheap to refuse. All are far above what a real configuration needs.</summary>
internal static class HoconLimits
{
    /// <summary>Characters of one file.</summary>
    public const int FileChars = 1 << 20;

    /// <summary>Files that one load may include, the same one counted each time.</summary>
    public const int Files = 64;

    /// <summary>Includes inside includes.</summary>
    public const int IncludeDepth = 10;

    /// <summary>Objects and arrays inside each other, each element of a dotted key counted as one.</summary>
    public const int Nesting = 64;

    /// <summary>Substitutions that lead to substitutions, and nesting, when resolving.</summary>
    public const int ResolveDepth = 512;

    /// <summary>Values looked at when resolving: text of doubling substitutions ("billion laughs") ends here.</summary>
    public const int ResolveSteps = 1_000_000;

    /// <summary>Characters of one resolved string.</summary>
    public const int TextChars = 1 << 16;

    /// <summary>Errors that are reported before the rest is dropped.</summary>
    public const int Errors = 200;
}
