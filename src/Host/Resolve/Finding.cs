using MeshDns.Actors.Directory;

namespace MeshDns.Host.Resolve;

/// <summary>The step of the query path that decided; a label of the metrics.</summary>
public enum Stage
{
    /// <summary>A declared name.</summary>
    Exact,

    /// <summary>A declared wildcard.</summary>
    Wildcard,

    /// <summary>A mesh zone: apex, empty non-terminal or a name that does not exist.</summary>
    Zone,

    /// <summary>A name that RFC 6761 gives a local answer.</summary>
    Special,

    /// <summary>The cache of upstream answers.</summary>
    Cache,

    /// <summary>An upstream resolver.</summary>
    Forward,

    /// <summary>A query that gets an error by its form, or a fault of ours.</summary>
    Error,

    /// <summary>No reply: a packet that is no query.</summary>
    Drop,

    /// <summary>No reply: too many queries waited for an upstream.</summary>
    Overload,

    /// <summary>No reply: the stop's bound passed, or the client's connection ended, before the upstream answered.</summary>
    Abandoned,
}

/// <summary>What a name and type get.</summary>
public enum FindingKind
{
    /// <summary>Asked upstream. Where the name exists here, NXDOMAIN becomes NODATA (see <see cref="MeshResolver.Exists"/>).</summary>
    Forward,

    /// <summary>A mesh zone's name that is not known here, while what is known here is old: asked of its owner before it is denied.</summary>
    AskOwner,

    /// <summary>The chosen record's addresses, or NODATA when it has none of the family.</summary>
    Addresses,

    /// <summary>An ExternalName's CNAME, followed unless the CNAME itself was asked for.</summary>
    Cname,

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
/// <param name="Kind">What it gets.</param>
/// <param name="Stage">Which step decided.</param>
/// <param name="Entry">The declared host, where there is one.</param>
/// <param name="Choice">The record that answers.</param>
/// <param name="MaxTtl">For what is forwarded: no TTL above this, seconds.</param>
public readonly record struct Finding(FindingKind Kind, Stage Stage, HostEntry? Entry = null, RecordChoice Choice = default, uint MaxTtl = uint.MaxValue)
{
    /// <summary>Forwarded as it is.</summary>
    public static Finding Forward { get; } = new(FindingKind.Forward, Stage.Forward);

    /// <summary>True when the answer is made here.</summary>
    public bool IsLocal => Kind > FindingKind.AskOwner;
}
