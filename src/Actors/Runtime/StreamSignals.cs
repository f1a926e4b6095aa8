using MeshDns.Actors.Journal;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Runtime;

// What a stream's actor is told besides Prepare.

internal sealed record Adopted(StreamClaim Claim, long AskedAt);

internal sealed record Lost(long Epoch);

internal sealed record RewoundElsewhere;

internal sealed record GiveUp(TaskCompletionSource<bool> Done);

internal sealed record Settle(Guid Batch, BatchOutcome Outcome, TaskCompletionSource<bool>? Done);

internal sealed record LookAtUse;

internal sealed record SnapshotDamaged(object View, FormatException Why);

// A batch that waits for its outcome.
internal sealed record Held<TState>(Guid Batch, TState State, int Events, ITimer Timer);
