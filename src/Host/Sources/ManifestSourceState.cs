namespace MeshDns.Host.Sources;

/// <summary>How a manifest source stands, for health and metrics.</summary>
/// <param name="Source">Its name, <c>file:PATH</c>.</param>
/// <param name="LastSuccess">When its set was last applied; null before the first time.</param>
/// <param name="Documents">Documents in the set that was last applied.</param>
/// <param name="Failures">Reads and changes that failed since the start.</param>
/// <param name="Error">Why the files as they are now are not what is applied; null when they are.</param>
public sealed record ManifestSourceState(string Source, DateTimeOffset? LastSuccess, int Documents, long Failures, string? Error);
