using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Directory;

/// <summary>How far a reader has read one stream.</summary>
/// <param name="Term">The random term of the owner that wrote the last event; empty at seq 0.</param>
/// <param name="Epoch">The epoch of that owner.</param>
/// <param name="Seq">The last event read; 0 for none.</param>
public readonly record struct StreamPosition(string Term, long Epoch, long Seq);

/// <summary>
/// What one read of all streams gave: one database snapshot, whole transactions, in stream order.
/// A reader applies it whole, then its position is <see cref="Position"/>.
/// </summary>
/// <param name="Reset">Streams whose earlier content is to be dropped first: the reader's position was not in the journal, or a stored snapshot replaces it.</param>
/// <param name="Facts">Host and lease facts, in order within a stream; others are left out.</param>
/// <param name="Position">How far every stream has been read.</param>
/// <param name="ReadAt">The journal's clock at the read, milliseconds since the Unix epoch.</param>
/// <param name="Known">When, by the reader's clock, it was how old; null: it is of this moment.</param>
public sealed record FeedBatch(
    IReadOnlyList<string> Reset, IReadOnlyList<MeshEvent> Facts, IReadOnlyDictionary<string, StreamPosition> Position, long ReadAt, KnownAge? Known = null);

/// <summary>An age at a moment.</summary>
/// <param name="Timestamp">The moment, by the reader's monotonic clock.</param>
/// <param name="Age">The age then; below zero when the knowledge is from after the moment.</param>
public readonly record struct KnownAge(long Timestamp, TimeSpan Age);
