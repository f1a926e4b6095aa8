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
public sealed record VipDemand(HostName Host, bool Lease, IReadOnlyList<string> Claims, IReadOnlyList<string> Exclusions);

/// <summary>The demands of one change; granted whole or not at all.</summary>
/// <param name="Demands">At most one a host, in the order in which new VIPs are to be given out.</param>
/// <param name="At">Now, by the journal's clock, milliseconds since the Unix epoch.</param>
public sealed record VipCommand(IReadOnlyList<VipDemand> Demands, long At);

/// <summary>A host that had to give its VIP to an explicit address and got another.</summary>
public sealed record VipMove(HostName Host, int From, int To, string Cause);

/// <summary>What the allocator did for a change.</summary>
/// <param name="Moves">Hosts that moved.</param>
/// <param name="Warnings">What the caller should know (shared claims, CIDRs that exclude nothing, the pool above 80 %), with the host each is about.</param>
public sealed record VipReply(IReadOnlyList<VipMove> Moves, IReadOnlyList<VipWarning> Warnings);

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
