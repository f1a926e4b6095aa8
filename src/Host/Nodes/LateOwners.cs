using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Nodes;

/// <summary>The owners for an edge that starts before the mesh: nobody answers until then.</summary>
internal sealed class LateOwners : IOwnerInquiry
{
    private IMeshNode? _mesh;

    public void Set(IMeshNode mesh) => Volatile.Write(ref _mesh, mesh);

    public Task<IReadOnlyList<FeedFact>?> FindAsync(IReadOnlyList<HostName> names) =>
        Volatile.Read(ref _mesh)?.FindAsync(names) ?? Task.FromResult<IReadOnlyList<FeedFact>?>(null);
}
