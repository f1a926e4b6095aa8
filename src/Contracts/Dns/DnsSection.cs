namespace MeshDns.Contracts.Dns;

/// <summary>The four sections of a message in their order on the wire (RFC 1035 section 4.1).</summary>
public enum DnsSection
{
    /// <summary>What is asked.</summary>
    Question = 0,

    /// <summary>Records that answer the question.</summary>
    Answer = 1,

    /// <summary>Records of the authority, such as the SOA of a negative answer (RFC 2308).</summary>
    Authority = 2,

    /// <summary>Everything else, and the OPT record.</summary>
    Additional = 3,
}
