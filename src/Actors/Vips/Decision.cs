using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Vips;

/// <summary>Why a command was refused.</summary>
public sealed record Refusal(RefusalReason Reason, string Detail);

/// <summary>
/// What a core decided. Either refused (no events, the state as it was), or the events with the state that applying them gives: folding Apply over
/// <see cref="Events"/> yields <see cref="State"/>.
/// </summary>
public sealed record Decision<TState, TReply>(TState State, IReadOnlyList<MeshEvent> Events, TReply? Reply, Refusal? Refused)
    where TReply : class;
