using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Singleton;
using Akka.Pattern;
using Akka.Persistence;
using MeshDns.Actors.Protocol;

namespace MeshDns.Actors.Cluster;

/// <summary>The whole wiring of a node's actors.</summary>
internal static class MeshActors
{
    private static readonly TimeSpan _minBackoff = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _maxBackoff = TimeSpan.FromSeconds(1);

    /// <summary>Starts shards, the allocator's singleton and the node's door; the door.</summary>
    public static IActorRef Start(ActorSystem system, MeshParts parts, DoorSign sign)
    {
        var sharding = ClusterSharding.Get(system);
        var shards = sharding.Start("host", name => Props.Create(() => new HostShard(parts, name)), ClusterShardingSettings.Create(system).WithRole(Owners.Role), new ByShard(parts));
        var allocator = BackoffSupervisor.Props(Backoff.OnStop(Props.Create(() => new VipAllocator(parts, shards)), "incarnation", _minBackoff, _maxBackoff, 0.2, -1)
            .WithFinalStopMessage(m => m is VipAllocator.Stop));
        system.ActorOf(ClusterSingletonManager.Props(allocator, VipAllocator.Stop.Instance, ClusterSingletonManagerSettings.Create(system).WithRole(Owners.Role)), "allocator");
        WarmUp(system);
        return system.ActorOf(Props.Create(() => new MeshDoor(parts, shards, sign)), Owners.Door);
    }

    // The journal's plugin takes half a second to begin, most of it to compile what it does: on the other core while the node joins, and whoever takes the allocator over has it behind it.
    private static void WarmUp(ActorSystem system)
    {
        var journal = Persistence.Instance.Apply(system).JournalFor(null);
        journal.Tell(new ReplayMessages(1, 0, 0, "warm-up", ActorRefs.Nobody), ActorRefs.NoSender);
    }

    /// <summary>A question names its shard; shard and entity are the same.</summary>
    private sealed class ByShard(MeshParts parts) : IMessageExtractor
    {
        public string? EntityId(object message) => message is ShardQuestion question && parts.Fold.Buckets.Of(question.Shard) >= 0 ? question.Shard : null;

        public object? EntityMessage(object message) => message;

        public string? ShardId(object message) => EntityId(message);

        public string ShardId(string entityId, object? messageHint = null) => entityId;
    }
}
