using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Directory;

/// <summary>A directory between two batches: what a snapshot file holds.</summary>
/// <param name="Entries">Every host and lease.</param>
/// <param name="Position">How far every stream had been read.</param>
/// <param name="ReadAt">The journal's clock at that read, milliseconds since the Unix epoch.</param>
/// <param name="Shared">What all nodes share at that place; null when that was not known.</param>
public sealed record DirectoryImage(IReadOnlyList<HostEntry> Entries, IReadOnlyDictionary<string, StreamPosition> Position, long ReadAt, SharedSettings? Shared = null);
