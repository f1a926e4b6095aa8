using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Host.Admin;
using MeshDns.Host.Telemetry;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Live while every loop turns and the actors' scheduler runs what it is given. Ready when queries get right answers, the directory is loaded, and the start is
/// over: the API can answer, or it is known that it cannot yet, since the store is away, or it takes longer than a start should. An owner that recovers later
/// does not make the node unready for queries.
/// </summary>
internal sealed class NodeHealth(MeshDirectory directory, LoopWatch loops, TimeProvider time, ILogger log) : INodeHealth
{
    internal static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(10);

    private readonly long _begin = time.GetTimestamp();
    private string _told = "";
    private string _why = "the journal is not open yet";
    private volatile bool _started;
    private volatile bool _stopping;
    private IMeshNode? _mesh;

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
            if (!_started && time.GetElapsedTime(_begin) < LongestStart) reasons.Add("the node is starting");
            if (!directory.IsLoaded) reasons.Add("the directory has not been loaded yet");
            return reasons;
        }
    }

    public string NotWritable => Volatile.Read(ref _mesh) is { } mesh ? mesh.NotWritable : Volatile.Read(ref _why);

    /// <summary>Why there is no mesh part yet.</summary>
    public void Explain(string why) => Volatile.Write(ref _why, why);

    public void Set(IMeshNode mesh) => Volatile.Write(ref _mesh, mesh);

    public void Started() => _started = true;

    public void Stopping() => _stopping = true;
}
