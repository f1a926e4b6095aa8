namespace MeshDns.Host.Settings;

/// <summary>The section <c>sources</c>.</summary>
/// <param name="Manifests">Files and directories of manifests, at most 256; a relative path is under the process' working directory.</param>
/// <param name="Kubernetes">Null: off. Else <c>in-cluster</c> or the path of a kubeconfig file.</param>
public sealed record SourceSettings(IReadOnlyList<string> Manifests, string? Kubernetes);
