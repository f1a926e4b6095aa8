using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Host.Admin;

namespace MeshDns.Host.Nodes;

/// <summary>Ready when queries get right answers: the directory is loaded. An owner that recovers does not make the node unready for queries.</summary>
internal sealed class NodeHealth(MeshDirectory directory) : INodeHealth
{
    private volatile bool _stopping;
    private Mesh? _mesh;

    // Whoever can ask gets the answer from a process that lives; query loops and actors survive their own faults.
    public bool IsLive => true;

    public IReadOnlyList<string> NotReady
    {
        get
        {
            var reasons = new List<string>();
            if (_stopping) reasons.Add("the node is stopping");
            if (Volatile.Read(ref _mesh) is { IsDraining: true }) reasons.Add("the node is draining");
            if (!directory.IsLoaded) reasons.Add("the directory has not been loaded yet");
            return reasons;
        }
    }

    public void Set(Mesh mesh) => Volatile.Write(ref _mesh, mesh);

    public void Stopping() => _stopping = true;
}
