using MeshDns.Actors.Journal;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Runtime;

/// <summary>One change's command for a stream, within a batch.</summary>
/// <param name="Change">The change's place in the batch.</param>
/// <param name="Command">What it asks of the stream.</param>
public readonly record struct ChangeCommand<TCommand>(int Change, TCommand Command);

/// <summary>What a stream's owner answers to Prepare.</summary>
/// <param name="Append">The events of the whole batch under the stream's fence; null when a change was refused.</param>
/// <param name="Replies">Per change, in the order asked; a refused one has a <see cref="Refusal"/> instead of a reply.</param>
public sealed record Prepared<TReply>(StreamAppend? Append, IReadOnlyList<PreparedChange<TReply>> Replies) where TReply : class;

/// <summary>What became of one change in one stream.</summary>
public readonly record struct PreparedChange<TReply>(int Change, TReply? Reply, IReadOnlyList<MeshEvent> Events, Refusal? Refused) where TReply : class;

/// <summary>What an owner found when it recovered.</summary>
/// <param name="Now">The journal's clock, milliseconds since the Unix epoch.</param>
/// <param name="Timeline">Which history the database is on; empty where there is only one.</param>
/// <param name="IsRewound">True when somebody has seen events that the journal no longer has.</param>
public readonly record struct StreamRecovery(long Now, string Timeline, bool IsRewound);

/// <summary>
/// The owner of a stream on this node. A batch is prepared, and then either committed or released; an owner that hears
/// neither in time raises its epoch and recovers.
/// </summary>
public interface IStreamOwner<TState, TCommand, TReply> where TState : class where TReply : class
{
    /// <summary>The stream.</summary>
    string Stream { get; }

    /// <summary>Decides a batch and holds the stream. Preparing the same batch again replaces it.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="commands">What it asks.</param>
    /// <param name="hold">How long it is held without word from the coordinator; then the owner raises its epoch and learns the outcome from the journal.</param>
    /// <param name="deadline">How long the caller waits.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <param name="noWait">True to be refused with <see cref="Contracts.Messages.RefusalReason.Contention"/> while another batch holds the stream.</param>
    /// <exception cref="OwnerAwayException">This node does not own the stream.</exception>
    /// <exception cref="MeshUnavailableException">Not recovered, overloaded, or held by another batch too long.</exception>
    Task<Prepared<TReply>> PrepareAsync(Guid batch, IReadOnlyList<ChangeCommand<TCommand>> commands, TimeSpan hold, TimeSpan deadline, CancellationToken cancel, bool noWait = false);

    /// <summary>The batch is durable: take it on. Returns when <see cref="View"/> shows it, so that a caller reads what it wrote.</summary>
    /// <exception cref="MeshUnavailableException">The owner did not say so in time; the batch is durable all the same.</exception>
    Task CommitAsync(Guid batch, TimeSpan deadline);

    /// <summary>Nothing was appended: forget the batch.</summary>
    void Release(Guid batch);

    /// <summary>The append is in doubt or was fenced: raise the epoch and replay.</summary>
    void Recover(Guid batch);

    /// <summary>The committed state.</summary>
    /// <exception cref="MeshUnavailableException">The owner has not recovered yet or cannot be reached.</exception>
    StreamView<TState> View { get; }
}
