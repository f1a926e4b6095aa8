using Akka.Actor;
using MeshDns.Actors.Protocol;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>One actor system of a node, from the moment at which the node is a member of its cluster.</summary>
internal sealed class MeshLife(ActorSystem system, IActorRef door, DoorSign sign, TimeProvider time)
{
    // The door settles what it was asked in time; this is for a door that has died.
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(5);

    /// <summary>The actor system.</summary>
    public ActorSystem System => system;

    /// <summary>The owners, as this node sees them.</summary>
    public Owners Owners { get; } = new(Akka.Cluster.Cluster.Get(system));

    /// <summary>True while the node knows an allocator that serves.</summary>
    public bool HasAllocator => sign.HasAllocator;

    /// <summary>The epoch of the newest allocator that it has heard of.</summary>
    public long Epoch => sign.Epoch;

    /// <summary>Carries out a change; null when this actor system ended before anybody said what became of it.</summary>
    public async Task<ChangeReply?> ChangeAsync(StartChange change, CancellationToken cancel)
    {
        door.Tell(change);
        await Task.WhenAny(change.Done.Task, system.WhenTerminated, Task.Delay(change.Patience + _grace, time, cancel));
        if (cancel.IsCancellationRequested) return new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "the caller gave up while the change was under way" };
        return change.Done.Task.IsCompleted ? await change.Done.Task : null;
    }

    /// <summary>Asks a shard, or with an address another node; <see cref="NotKnown"/> when there is no answer in time.</summary>
    public async Task<NodeAnswer> AskAsync(NodeQuestion question, Address? node = null)
    {
        var started = new StartQuestion(question, node);
        door.Tell(started);
        await Task.WhenAny(started.Done.Task, system.WhenTerminated, Task.Delay(TimeSpan.FromMilliseconds(question.PatienceMs) + _grace, time));
        return started.Done.Task.IsCompleted ? await started.Done.Task : new NotKnown(0, "there was no answer");
    }
}

/// <summary>What a door shows to its node. Written by the door alone.</summary>
internal sealed class DoorSign
{
    private volatile bool _hasAllocator;
    private long _epoch;

    /// <summary>The epoch of the newest allocator that it has heard of.</summary>
    public long Epoch
    {
        get => Volatile.Read(ref _epoch);
        set => Volatile.Write(ref _epoch, value);
    }

    /// <summary>True while it knows an allocator that serves and can be reached.</summary>
    public bool HasAllocator
    {
        get => _hasAllocator;
        set => _hasAllocator = value;
    }
}
