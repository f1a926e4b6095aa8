using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>What became of asking the mesh for the target of a CNAME that an upstream answer led to.</summary>
public enum LocalRecords
{
    /// <summary>The name is not ours (or not this type of it): go on with what the upstream said. Nothing was written.</summary>
    NotOurs,

    /// <summary>The records are written; the chain ends here.</summary>
    Written,

    /// <summary>Ours, but without a record of this type: NOERROR. The SOA is in the authority section (RFC 2308), where it fits.</summary>
    NoData,

    /// <summary>In a mesh zone and not there: NXDOMAIN, which speaks of the chain's last name (RFC 6604). The SOA likewise.</summary>
    NXDomain,

    /// <summary>Ours, and some records did not fit: set TC.</summary>
    Truncated,

    /// <summary>Ours, but what is known is too old or not loaded yet: SERVFAIL. Nothing was written.</summary>
    Unavailable,
}

/// <summary>The mesh's own records, for the forwarder: a CNAME target that is ours is answered locally (behaviour.md, Forwarding).</summary>
public interface ILocalRecords
{
    /// <summary>
    /// Appends the records of a name to the answer section, owned by that name. Does not allocate or wait. Written for every answer, not cached:
    /// what the mesh says may change at any time.
    /// </summary>
    /// <param name="foldedName">The CNAME's target in lower case, wire form.</param>
    /// <param name="type">The type that the client asked for.</param>
    /// <param name="view">What the client may see; nothing is ours for one without capture.</param>
    /// <param name="writer">The reply being written, its limit already reduced by the OPT record's size.</param>
    LocalRecords TryAppend(ReadOnlySpan<byte> foldedName, DnsType type, in ClientView view, ref MessageWriter writer);
}
