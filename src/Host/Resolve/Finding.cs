using MeshDns.Actors.Directory;

namespace MeshDns.Host.Resolve;

/// <summary>Where an answer comes from.</summary>
public enum Origin : byte
{
    /// <summary>It is made here.</summary>
    Local,

    /// <summary>A mesh zone's name that is not known here, while what is known here is old: its owner is asked before it is denied.</summary>
    Owner,

    /// <summary>Not the mesh's. Where the name exists here, NXDOMAIN becomes NODATA (see <see cref="MeshResolver.Exists"/>).</summary>
    Upstream,
}

/// <summary>What an answer of our own says.</summary>
public enum FindingKind : byte
{
    /// <summary>Nothing: it comes from somebody else.</summary>
    None,

    /// <summary>The chosen record's addresses, or NODATA when it has none of the family.</summary>
    Addresses,

    /// <summary>An ExternalName's CNAME, followed unless the CNAME itself was asked for.</summary>
    Cname,

    /// <summary>A service of the entry (RFC 2782).</summary>
    Srv,

    /// <summary>The HTTPS record of the entry (RFC 9460).</summary>
    Https,

    /// <summary>The hosts of an address.</summary>
    Ptr,

    /// <summary>127.0.0.1 or ::1.</summary>
    Loopback,

    /// <summary>SOA or NS at the apex of a mesh zone.</summary>
    Apex,

    /// <summary>The minimal answer to ANY (RFC 8482).</summary>
    AnyMinimal,

    /// <summary>NOERROR without a record.</summary>
    NoData,

    /// <summary>The name does not exist.</summary>
    NXDomain,

    /// <summary>SERVFAIL: nothing is loaded yet.</summary>
    NotReady,

    /// <summary>SERVFAIL: what is known is too old to name a VIP.</summary>
    Stale,
}

/// <summary>What was found for a query, before anything is written.</summary>
/// <param name="Origin">Where the answer comes from.</param>
/// <param name="Kind">What it says, where it is ours.</param>
/// <param name="Stage">Which step decided.</param>
/// <param name="Entry">The declared host, where there is one.</param>
/// <param name="Choice">The record that answers.</param>
/// <param name="MaxTtl">For what is asked upstream: no TTL above this, seconds.</param>
/// <param name="IsSpecial">True where RFC 6761 has it: a denial is the special zone's.</param>
public readonly record struct Finding(
    Origin Origin, FindingKind Kind, Stage Stage, HostEntry? Entry = null, RecordChoice Choice = default, uint MaxTtl = uint.MaxValue, bool IsSpecial = false)
{
    /// <summary>Asked upstream as it is.</summary>
    public static Finding Forward { get; } = new(Origin.Upstream, FindingKind.None, Stage.Forward);

    /// <summary>Asked of its owner.</summary>
    public static Finding AskOwner { get; } = new(Origin.Owner, FindingKind.None, Stage.Zone);

    /// <summary>True when the answer is made here.</summary>
    public bool IsLocal => Origin == Origin.Local;
}
