namespace MeshDns.Host.Settings;

/// <summary>The section <c>mesh</c>. Names are lower case A-labels without a trailing dot, at most 253 characters.</summary>
/// <param name="ClusterDomain">The Kubernetes cluster domain; a mesh-owned zone.</param>
/// <param name="Zones">Further mesh-owned zones, at most 1,024: what does not exist in them is NXDOMAIN and is never asked upstream.</param>
public sealed record MeshSettings(string ClusterDomain, IReadOnlyList<string> Zones);
