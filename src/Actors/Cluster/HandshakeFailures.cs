using Akka;
using Akka.Actor;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Akka.Remote shuts its actor system down when a TLS handshake that this node began fails, and it takes a peer that dies, hangs or is cut off in the middle of one for that too: one node's death would be everybody's. Such a
/// shutdown waits in its first phase, and the node lives on, until there is another reason to end; then it goes its way, once for all.
/// </summary>
internal sealed class HandshakeFailures
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HandshakeFailures(ActorSystem system)
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "handshake-failures", async () =>
        {
            if (!IsOfTheCluster(shutdown.ShutdownReason)) await _end.Task;
            return Done.Instance;
        });
        Akka.Cluster.Cluster.Get(system).RegisterOnMemberRemoved(End);
    }

    /// <summary>There is a reason to end.</summary>
    public void End() => _end.TrySetResult();

    private static bool IsOfTheCluster(CoordinatedShutdown.Reason? reason) => reason is
        CoordinatedShutdown.ClusterDowningReason or CoordinatedShutdown.ClusterLeavingReason or CoordinatedShutdown.ClusterJoinUnsuccessfulReason or CoordinatedShutdown.ActorSystemTerminateReason;
}
