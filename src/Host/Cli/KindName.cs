namespace MeshDns.Host.Cli;

/// <summary>The names that a person gives the kinds of document.</summary>
internal static class KindName
{
    /// <summary>The API's path of a kind.</summary>
    /// <exception cref="VerbFailedException">It is no kind.</exception>
    public static string PathOf(string kind) => kind.ToLowerInvariant() switch
    {
        "entry" or "entries" or "se" or "serviceentry" or "serviceentries" or "service-entry" or "service-entries" => "/v1/service-entries",
        "service" or "services" or "svc" => "/v1/services",
        _ => throw new VerbFailedException(ExitCode.Usage, $"'{kind}' is not a kind that can be deleted; use serviceentry or service"),
    };
}
