namespace MeshDns.Actors.Journal;

/// <summary>What a member says of itself with every heartbeat.</summary>
/// <param name="Node">Its name and the random id of this start of it.</param>
/// <param name="Previous">The incarnation before, from the node's own locked data directory; empty for none.</param>
/// <param name="Address"><c>host:port</c> where other nodes reach it; empty for nowhere.</param>
/// <param name="Roles">Its roles, in lower case, separated by commas.</param>
/// <param name="Version">The program's version, for people.</param>
/// <param name="Protocol">The version of the node-to-node messages and of what it writes to the journal; see <see cref="Cluster.MeshProtocol"/>.</param>
/// <param name="Report">JSON that only other nodes read; at most 64 KiB.</param>
/// <param name="Lease">How long it counts as alive after this beat, by the journal's clock.</param>
public sealed record MemberBeat(NodeIdentity Node, string Previous, string Address, string Roles, string Version, int Protocol, string Report, TimeSpan Lease);

/// <summary>A member as the journal has it.</summary>
/// <param name="Node">Its name and incarnation.</param>
/// <param name="Address"><c>host:port</c> where other nodes reach it.</param>
/// <param name="Roles">Its roles, in lower case, separated by commas.</param>
/// <param name="Version">The program's version.</param>
/// <param name="Protocol">The version of its messages.</param>
/// <param name="Report">What it says of itself, JSON.</param>
/// <param name="ExpiresAt">When it counts as gone, by the journal's clock, milliseconds since the Unix epoch.</param>
public sealed record MemberRow(NodeIdentity Node, string Address, string Roles, string Version, int Protocol, string Report, long ExpiresAt)
{
    /// <summary>
    /// True when it counts as alive: its lease has not ended, and does not end later than any lease can. A row from before the journal's clock was set back would
    /// otherwise live for as long as the clock went back.
    /// </summary>
    /// <param name="now">The journal's clock, milliseconds since the Unix epoch.</param>
    /// <param name="lease">The lease that members have.</param>
    public bool IsAlive(long now, TimeSpan lease) => ExpiresAt > now && ExpiresAt <= now + (2 * (long)lease.TotalMilliseconds);
}

/// <summary>Members and owners at one moment. <see cref="MemberRow.IsAlive"/> says who is still there.</summary>
/// <param name="IsMember">True when the reader's own row is its own.</param>
/// <param name="Members">All rows, the expired ones of the last ten leases too.</param>
/// <param name="Ownership">All streams that ever had an owner.</param>
/// <param name="Now">The journal's clock, milliseconds since the Unix epoch.</param>
public sealed record ClusterRead(bool IsMember, IReadOnlyList<MemberRow> Members, IReadOnlyList<OwnershipRow> Ownership, long Now);

/// <summary>How an attempt to join ended.</summary>
public enum JoinOutcome
{
    /// <summary>The node is a member.</summary>
    Joined,

    /// <summary>A live node of the same name is a member; <see cref="JoinReply.Detail"/> says which. It may be tried again when that one's lease has ended.</summary>
    NameTaken,

    /// <summary>A live member speaks a protocol that this node does not understand, or does not understand this node's.</summary>
    ProtocolMismatch,
}

/// <summary>The answer to a join.</summary>
public sealed record JoinReply(JoinOutcome Outcome, string Detail = "");
