using Akka.Actor;

namespace MeshDns.Actors.Cluster;

/// <summary>How a node finds the cluster of its log. One for the whole life of a node, over its actor systems.</summary>
internal interface IJoining
{
    /// <summary>Joins, or forms the cluster; returns when this node is up. The token ends it; whoever calls gives it up then and begins anew.</summary>
    /// <exception cref="Store.StoreUnavailableException">The database cannot be asked, or a living node has this one's name.</exception>
    Task JoinAsync(ActorSystem system, CancellationToken cancel);

    /// <summary>Keeps the node's place until the token ends; returns earlier when this actor system has to end: its cluster is not the one to be in.</summary>
    Task KeepAsync(ActorSystem system, CancellationToken cancel);

    /// <summary>Says how the node is, that was drained and is in no cluster, until the token ends.</summary>
    Task StayAsync(Func<Protocol.NodeReported> report, CancellationToken cancel);

    /// <summary>How the nodes are that were drained and still answer.</summary>
    /// <exception cref="Store.StoreUnavailableException">The database cannot be asked.</exception>
    Task<IReadOnlyList<Protocol.NodeReported>> DrainedAsync(CancellationToken cancel);

    /// <summary>Says that the node is gone.</summary>
    Task LeaveAsync(CancellationToken cancel);
}

/// <summary>A node that is alone on its file.</summary>
internal sealed class JoiningAlone : IJoining
{
    /// <inheritdoc/>
    public async Task JoinAsync(ActorSystem system, CancellationToken cancel)
    {
        var cluster = Akka.Cluster.Cluster.Get(system);
        await cluster.JoinAsync(cluster.SelfAddress, cancel);
    }

    /// <inheritdoc/>
    public Task KeepAsync(ActorSystem system, CancellationToken cancel) => Task.Delay(Timeout.InfiniteTimeSpan, cancel);

    /// <inheritdoc/>
    public Task StayAsync(Func<Protocol.NodeReported> report, CancellationToken cancel) => Task.Delay(Timeout.InfiniteTimeSpan, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Protocol.NodeReported>> DrainedAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<Protocol.NodeReported>>([]);

    /// <inheritdoc/>
    public Task LeaveAsync(CancellationToken cancel) => Task.CompletedTask;
}
