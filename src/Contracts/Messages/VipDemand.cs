using MeshDns.Contracts.Names;

namespace MeshDns.Contracts.Messages;

/// <summary>
/// What a host wants of the VIP pool, whole: the allocator compares it with what the host has and does the difference.
/// Saying it twice changes nothing.
/// </summary>
/// <param name="Host">The host.</param>
/// <param name="Lease">True when it should hold an automatic VIP.</param>
/// <param name="Claims">Explicit addresses inside the VIP ranges, canonical text, ordered, without duplicates.</param>
/// <param name="Exclusions">CIDRs that cover part of the VIP ranges, canonical text, ordered, without duplicates.</param>
/// <param name="Wish">The index that the host had elsewhere; it counts only when the host gets a VIP now (docs/adr/0023).</param>
public sealed record VipDemand(HostName Host, bool Lease, IReadOnlyList<string> Claims, IReadOnlyList<string> Exclusions, int? Wish = null);

/// <summary>A VIP that nobody holds and that is given to no other host before an end.</summary>
/// <param name="Vip">Its IPv4 address; a CIDR for what a withdrawn CIDR covered, where the last holders may not have theirs back either.</param>
/// <param name="Host">Its last holder, who may have it back; null for none.</param>
/// <param name="Until">When the rest ends, milliseconds since the Unix epoch.</param>
public sealed record RestingVip(string Vip, HostName? Host, long Until)
{
    /// <summary>The longest rest that is believed: as long as <c>vips.quarantine</c> may be.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(365);
}

/// <summary>The demands of one change; granted whole or not at all.</summary>
/// <param name="Demands">At most one a host, in the order in which new VIPs are to be given out.</param>
/// <param name="At">Now, by the journal's clock, milliseconds since the Unix epoch.</param>
/// <param name="Rests">What rested in the mesh that the change comes from, and is to rest here as well; null for nothing.</param>
public sealed record VipCommand(IReadOnlyList<VipDemand> Demands, long At, IReadOnlyList<RestingVip>? Rests = null);

/// <summary>A host that had to give its VIP to an explicit address and got another.</summary>
public sealed record VipMove(HostName Host, int From, int To, string Cause);

/// <summary>What the allocator did for a change.</summary>
/// <param name="Moves">Hosts that moved.</param>
/// <param name="Warnings">What the caller should know (shared claims, wishes not granted, CIDRs that exclude nothing, the pool above 80 %), with the host each is about.</param>
/// <param name="Notes">What the caller should know of the command's rests; null for nothing.</param>
public sealed record VipReply(IReadOnlyList<VipMove> Moves, IReadOnlyList<VipWarning> Warnings, IReadOnlyList<string>? Notes = null);

/// <summary>A warning about a host's demand.</summary>
public sealed record VipWarning(HostName Host, string Text)
{
    /// <summary>How the warning begins that the pool is nearly full; it is about the pool, not about its host.</summary>
    public const string PoolPrefix = "the VIP pool is ";
}

/// <summary>How full the pool is. The five parts sum to the capacity.</summary>
/// <param name="Capacity">Usable indexes.</param>
/// <param name="Leased">Held by hosts.</param>
/// <param name="Quarantined">Resting.</param>
/// <param name="Reserved">Taken by explicit addresses.</param>
/// <param name="Excluded">Covered by an excluding CIDR and none of the above.</param>
/// <param name="Free">Can be granted now.</param>
public sealed record VipUsage(int Capacity, int Leased, int Quarantined, int Reserved, int Excluded, int Free);
