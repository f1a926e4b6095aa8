using MeshDns.Actors.Cluster;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Nodes;

/// <summary>The owners for an edge that starts before the mesh: nobody answers until then.</summary>
internal sealed class LateOwners : IOwnerInquiry
{
    private IMeshNode? _mesh;

    public void Set(IMeshNode mesh) => Volatile.Write(ref _mesh, mesh);

    public Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names) =>
        Volatile.Read(ref _mesh)?.FindAsync(names) ?? Task.FromResult<IReadOnlyList<MeshEvent>?>(null);
}
