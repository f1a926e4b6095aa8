using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>The mesh part of a node, whether it owns (<see cref="OwnerMesh"/>) or only reads (<see cref="EdgeMesh"/>).</summary>
internal interface IMeshNode : IAsyncDisposable
{
    /// <summary>What the admin side may do.</summary>
    IMeshControl Control { get; }

    /// <summary>True from the order to take itself out on.</summary>
    bool IsDraining { get; }

    /// <summary>Why it can't carry changes out and answer the API now, as a reader would say it; empty when it can.</summary>
    string NotReady { get; }

    /// <summary>Why no change could be carried out now, as far as is known here, whatever queries get; empty when one could.</summary>
    string NotWritable { get; }

    /// <summary>Begins to follow, and to join; returns at once.</summary>
    void Start();

    /// <summary>What is declared of names that a stale directory does not know; null when nobody who knows has answered in time.</summary>
    Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names);

    /// <summary>True when this node, of those alive that could, is the one to run a source.</summary>
    bool Runs(string source);

    /// <summary>Gives up what the node runs, leaves the cluster and follows no more.</summary>
    Task StopAsync();
}
