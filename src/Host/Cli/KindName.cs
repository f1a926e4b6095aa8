using MeshDns.Host.Sources;

namespace MeshDns.Host.Cli;

/// <summary>The names that a person gives the kinds of document.</summary>
internal static class KindName
{
    /// <summary>The kinds as a person is told of them.</summary>
    public static string All { get; } = string.Join(" or ", DocumentKinds.All.Select(kind => kind.Kind.ToString().ToLowerInvariant()));

    /// <summary>The API's path of a kind.</summary>
    /// <exception cref="VerbFailedException">It is no kind.</exception>
    public static string PathOf(string name) => DocumentKinds.All.FirstOrDefault(kind => kind.Names.Contains(name.ToLowerInvariant()))?.Path
        ?? throw new VerbFailedException(ExitCode.Usage, $"'{name}' is not a kind that can be deleted; use {All}");
}
