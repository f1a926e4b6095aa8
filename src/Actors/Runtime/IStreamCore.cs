using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Runtime;

/// <summary>Why a command was refused.</summary>
public sealed record Refusal(RefusalReason Reason, string Detail);

/// <summary>
/// What a core decided. Either refused (no events, the state as it was), or the events with the state that applying them gives:
/// folding <see cref="IStreamCore{TState,TCommand,TReply}.Apply"/> over <see cref="Events"/> yields <see cref="State"/>.
/// </summary>
public sealed record Decision<TState, TReply>(TState State, IReadOnlyList<MeshEvent> Events, TReply? Reply, Refusal? Refused)
    where TReply : class;

/// <summary>
/// The pure half of a persistent actor: two functions and a snapshot. No clock, no I/O, no randomness; time arrives in the command.
/// States are immutable.
/// </summary>
public interface IStreamCore<TState, TCommand, TReply> where TReply : class
{
    /// <summary>The state of an empty stream.</summary>
    TState Empty { get; }

    /// <summary>Decides a command, whole or not at all.</summary>
    Decision<TState, TReply> Decide(TState state, TCommand command);

    /// <summary>Applies a journalled event.</summary>
    /// <exception cref="InvalidOperationException">The event contradicts the state: the journal is damaged.</exception>
    TState Apply(TState state, MeshEvent fact);

    /// <summary>The state as UTF-8 JSON; equal states give equal bytes.</summary>
    byte[] Snapshot(TState state);

    /// <summary>The state that <see cref="Snapshot"/> wrote.</summary>
    /// <exception cref="FormatException">The snapshot is damaged.</exception>
    TState Restore(ReadOnlySpan<byte> snapshot);
}
