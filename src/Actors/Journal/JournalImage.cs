using MeshDns.Actors.Vips;

namespace MeshDns.Actors.Journal;

/// <summary>A stream, whole: its ownership row, its stored snapshot and all its rows from the first.</summary>
public sealed record StreamImage(OwnershipRow Owner, byte[]? Snapshot, long SnapshotSeq, IReadOnlyList<JournalRow> Rows);

/// <summary>Everything in the journal at one moment, as <c>verify</c> reads it: one database snapshot, read only.</summary>
/// <param name="Settings">The cluster's settings.</param>
/// <param name="Streams">Every stream.</param>
/// <param name="StrayStreams">Streams that have events and no ownership row.</param>
/// <param name="Leases">The rows of vip_lease.</param>
/// <param name="Claims">The rows of vip_claim.</param>
public sealed record JournalImage(
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyList<StreamImage> Streams,
    IReadOnlyList<string> StrayStreams,
    IReadOnlyList<VipLeaseRow> Leases,
    IReadOnlyList<VipClaimRow> Claims);
