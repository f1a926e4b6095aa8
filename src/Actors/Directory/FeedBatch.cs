using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Directory;

/// <summary>The place of the log that a directory speaks of.</summary>
/// <param name="Number">The last row that was read.</param>
/// <param name="Term">The term of whoever wrote it.</param>
public sealed record DirectoryPosition(long Number, string Term)
{
    /// <summary>Of what was not read from a log.</summary>
    public static DirectoryPosition None { get; } = new(0, "");
}

/// <summary>
/// What one read of all streams gave: one database snapshot, whole transactions, in stream order.
/// A reader applies it whole, then its position is <see cref="Position"/>.
/// </summary>
/// <param name="Reset">Streams whose earlier content is to be dropped first: the reader's position was not in the journal, or a stored snapshot replaces it.</param>
/// <param name="Facts">Host and lease facts, in order within a stream; others are left out.</param>
/// <param name="Position">How far the log has been read.</param>
/// <param name="ReadAt">The journal's clock at the read, milliseconds since the Unix epoch.</param>
/// <param name="Known">When, by the reader's clock, it was how old; null: it is of this moment.</param>
public sealed record FeedBatch(
    IReadOnlyList<string> Reset, IReadOnlyList<MeshEvent> Facts, DirectoryPosition Position, long ReadAt, KnownAge? Known = null);

/// <summary>An age at a moment.</summary>
/// <param name="Timestamp">The moment, by the reader's monotonic clock.</param>
/// <param name="Age">The age then; below zero when the knowledge is from after the moment.</param>
public readonly record struct KnownAge(long Timestamp, TimeSpan Age);
