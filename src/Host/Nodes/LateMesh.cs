using MeshDns.Actors;
using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Host.Nodes;

/// <summary>The mesh for those who start before it: while the journal is not open, changes are refused as unavailable and reads throw.</summary>
internal sealed class LateMesh : IMeshControl
{
    private IMeshControl? _mesh;
    private string _why = "the journal is not open yet";

    public void Set(IMeshControl mesh) => Volatile.Write(ref _mesh, mesh);

    public void Explain(string why) => Volatile.Write(ref _why, why);

    public Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel) => Volatile.Read(ref _mesh) is { } mesh
        ? mesh.ChangeAsync(request, deadline, cancel)
        : Task.FromResult(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = Volatile.Read(ref _why) });

    public Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel) => Mesh.WaitForEdgesAsync(position, deadline, cancel);

    public Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel) => Mesh.GetDocumentAsync(key, cancel);

    public Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel) => Mesh.ListDocumentsAsync(kind, page, cancel);

    public Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel) => Mesh.GetHostAsync(host, cancel);

    public Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel) => Mesh.ListHostsAsync(page, cancel);

    public Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel) => Mesh.GetVipAsync(index, cancel);

    public Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel) => Mesh.ListVipsAsync(page, cancel);

    public Task<Page<RestingVip>> ListRestsAsync(PageRequest page, CancellationToken cancel) => Mesh.ListRestsAsync(page, cancel);

    public Task<ClusterView> GetClusterAsync(CancellationToken cancel) => Mesh.GetClusterAsync(cancel);

    public Task<SettingsView> GetSettingsAsync(CancellationToken cancel) => Mesh.GetSettingsAsync(cancel);

    public Task<bool> DrainAsync(string node, CancellationToken cancel) => Mesh.DrainAsync(node, cancel);

    private IMeshControl Mesh => Volatile.Read(ref _mesh) ?? throw new MeshUnavailableException(Volatile.Read(ref _why));
}
