using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Host.Admin;
using MeshDns.Host.Telemetry;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Live while every loop turns and the actors' scheduler runs what it is given. Ready when queries get right answers: the directory is loaded. An owner that
/// recovers does not make the node unready for queries.
/// </summary>
internal sealed class NodeHealth(MeshDirectory directory, LoopWatch loops, ILogger log) : INodeHealth
{
    private string _told = "";
    private volatile bool _stopping;
    private Mesh? _mesh;

    public bool IsLive
    {
        get
        {
            var stuck = string.Join(", ", loops.Stuck());
            if (Interlocked.Exchange(ref _told, stuck) != stuck && stuck.Length > 0) log.LogCritical("not live: {Loops} at the same work for more than {Seconds} s", stuck, LoopWatch.Patience.TotalSeconds);
            return stuck.Length == 0;
        }
    }

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
