using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Contracts.Events;

/// <summary>
/// A journalled fact. Kinds are never re-used and new fields are optional, so that an older journal always reads (docs/adr/0004).
/// All times are milliseconds since the Unix epoch, by the journal's clock.
/// </summary>
public abstract record MeshEvent;

/// <summary>A document was created or changed. In the stream of the document's shard.</summary>
/// <param name="Document">The whole new document.</param>
/// <param name="Version">The shard's count of document changes: it only grows, so no version of a document ever comes back, not even after a deletion.</param>
/// <param name="Source">Who owns it: <c>api</c>, <c>file:SET</c> or <c>kubernetes:CLUSTER</c>.</param>
/// <param name="Created">When the document was first put.</param>
/// <param name="At">When this version was put.</param>
public sealed record DocumentPut(MeshDocument Document, long Version, string Source, long Created, long At) : MeshEvent;

/// <summary>A document was deleted.</summary>
/// <param name="Key">Which one.</param>
/// <param name="Version">The version of the deletion, from the same count.</param>
/// <param name="At">When.</param>
public sealed record DocumentDeleted(DocumentKey Key, long Version, long At) : MeshEvent;

/// <summary>A document declares a host, or says something new about it. In the stream of the host's shard.</summary>
public sealed record HostDeclared(HostName Host, HostDeclaration Declaration) : MeshEvent;

/// <summary>A document no longer declares a host.</summary>
public sealed record HostWithdrawn(HostName Host, DocumentKey Document) : MeshEvent;

/// <summary>A fact of the stream <c>vips</c>; its time is never below that of the fact before it.</summary>
public abstract record VipEvent : MeshEvent
{
    /// <summary>When, by the journal's clock.</summary>
    public required long At { get; init; }
}

/// <summary>A host leases an index. The index was free: never used, or past its quarantine, or this host was its last.</summary>
public sealed record VipGranted(int Index, HostName Host) : VipEvent;

/// <summary>Why a lease ended.</summary>
public enum ReleaseReason
{
    /// <summary>No eligible declaration of the host is left.</summary>
    Withdrawn,

    /// <summary>An explicit address or CIDR took the index; the host moves to another.</summary>
    Evicted,
}

/// <summary>A lease ended; the index rests until <paramref name="Until"/> (an eviction by an explicit address is followed by <see cref="VipReserved"/>).</summary>
public sealed record VipReleased(int Index, HostName Host, long Until, ReleaseReason Reason) : VipEvent;

/// <summary>A host declares an explicit address inside the VIP ranges (canonical text).</summary>
public sealed record AddressClaimed(string Address, HostName Host) : VipEvent;

/// <summary>A host no longer declares an explicit address.</summary>
public sealed record AddressUnclaimed(string Address, HostName Host) : VipEvent;

/// <summary>The first explicit claim of an index took it out of the pool.</summary>
public sealed record VipReserved(int Index) : VipEvent;

/// <summary>The last explicit claim of an index went; it rests until <paramref name="Until"/>.</summary>
public sealed record VipUnreserved(int Index, long Until) : VipEvent;

/// <summary>A host declares a CIDR that covers part of the VIP ranges; what it covers is not granted.</summary>
public sealed record RangeExcluded(string Cidr, HostName Host) : VipEvent;

/// <summary>A host no longer declares a CIDR; when it was the last one to do so, what it covered rests until <paramref name="Until"/>.</summary>
public sealed record RangeIncluded(string Cidr, HostName Host, long Until) : VipEvent;

/// <summary>A VIP that nobody holds here rests until <paramref name="Until"/>, because it did so where a change came from (docs/adr/0023).</summary>
/// <param name="Index">The VIP.</param>
/// <param name="Host">Its last holder, when it did not rest here already; null for none.</param>
/// <param name="Until">When the rest ends.</param>
public sealed record VipRested(int Index, HostName? Host, long Until) : VipEvent;

/// <summary>What a CIDR covers rests until <paramref name="Until"/>, as if it had been declared here and withdrawn.</summary>
public sealed record RangeRested(string Cidr, long Until) : VipEvent;

/// <summary>The quarantine period changed; it holds for later releases only.</summary>
/// <param name="PeriodMs">How long an index rests that is released from now on.</param>
/// <param name="RestUntil">
/// Where the period was longer before: what is released from now on rests at least until then, since an edge that knows nothing of the change answers that long out of what it knows. Null for no such end.
/// </param>
public sealed record QuarantineChanged(long PeriodMs, long? RestUntil = null) : VipEvent;

/// <summary>A recovery found the clock behind the last event; every quarantine still running is longer by this.</summary>
public sealed record ClockSetBack(long ByMs) : VipEvent;

/// <summary>
/// A recovery found the database on another timeline than before (a failover), or without a past that a reader had seen. Every VIP that nobody holds rests
/// until <paramref name="RestUntil"/> then, since its last holder may be known to somebody still; 0 when nothing can have been lost.
/// </summary>
/// <param name="Timeline">The database's timeline from now on; empty where there is only one.</param>
/// <param name="RestUntil">When the rest ends; 0 for none.</param>
public sealed record TimelineSeen(string Timeline, long RestUntil) : VipEvent;
