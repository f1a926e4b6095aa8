using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// What the admin side may do with the mesh, whatever node owns what. Every call ends by its token or its deadline;
/// reads throw <see cref="MeshUnavailableException"/> when an owner or the store cannot be reached.
/// </summary>
public interface IMeshControl
{
    /// <summary>Carries out a change, whole or not at all. Never throws for a reason that the reply can carry.</summary>
    Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel);

    /// <summary>Waits until every live edge has read the position; returns the nodes that had not by the deadline.</summary>
    Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel);

    /// <summary>A document, or null.</summary>
    Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel);

    /// <summary>Documents of a kind, ordered by namespace and name.</summary>
    Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel);

    /// <summary>A declared host, or null.</summary>
    Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel);

    /// <summary>Declared hosts, ordered by name.</summary>
    Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel);

    /// <summary>A VIP by its index, or null when the index is not usable.</summary>
    Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel);

    /// <summary>VIPs that are not free, ordered by index.</summary>
    Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel);

    /// <summary>What rests: VIPs ordered by index, then CIDRs.</summary>
    Task<Page<RestingVip>> ListRestsAsync(PageRequest page, CancellationToken cancel);

    /// <summary>The cluster as this node sees it.</summary>
    Task<ClusterView> GetClusterAsync(CancellationToken cancel);

    /// <summary>The settings of the cluster, as its log has them.</summary>
    Task<SettingsView> GetSettingsAsync(CancellationToken cancel);

    /// <summary>Takes a node out: it releases its streams and reports itself not ready. False when no such node is known.</summary>
    Task<bool> DrainAsync(string node, CancellationToken cancel);
}
