namespace MeshDns.Host.Resolve;

/// <summary>How writing the mesh's part of an answer went.</summary>
public enum LocalRecords
{
    /// <summary>The name, or the last one of the chain of CNAMEs that was written, is not ours: go on with what the upstream says of it.</summary>
    NotOurs,

    /// <summary>The records are written; the chain ends here.</summary>
    Written,

    /// <summary>Ours, but without a record of this type: NOERROR. The SOA is in the authority section (RFC 2308), where it fits.</summary>
    NoData,

    /// <summary>In a mesh zone and not there: NXDOMAIN, which speaks of the chain's last name (RFC 6604). The SOA likewise.</summary>
    NXDomain,

    /// <summary>Ours, and some records did not fit: set TC.</summary>
    Truncated,

    /// <summary>Ours, but what is known is too old or not loaded yet, or the chain is too long: SERVFAIL. What was written does not count.</summary>
    Unavailable,
}
