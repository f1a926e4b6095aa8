namespace MeshDns.Contracts.Dns;

/// <summary>Classes (RFC 1035 section 3.2.4, RFC 2136 for NONE). Any other number is possible on the wire.</summary>
#pragma warning disable CS1591 // The members are the registries' own mnemonics; a sentence for each would only repeat them.
public enum DnsClass : ushort
{
    Reserved = 0,
    IN = 1,
    CH = 3,
    HS = 4,
    NONE = 254,
    ANY = 255,
}

/// <summary>Kinds of request, four bits of the header (RFC 1035 section 4.1.1, RFC 6895 section 2.2).</summary>
public enum Opcode : byte
{
    Query = 0,
    IQuery = 1,
    Status = 2,
    Notify = 4,
    Update = 5,
    Dso = 6,
}

/// <summary>
/// Response codes. The lower four bits travel in the header, the upper eight in the OPT record (RFC 6891 section 6.1.3); codes of 16 and more
/// can therefore only be told to a client that sent an OPT record.
/// </summary>
public enum Rcode : ushort
{
    NoError = 0,
    FormErr = 1,
    ServFail = 2,
    NXDomain = 3,
    NotImp = 4,
    Refused = 5,
    YXDomain = 6,
    YXRRSet = 7,
    NXRRSet = 8,
    NotAuth = 9,
    NotZone = 10,
    DsoTypeNI = 11,
    BadVers = 16,
    BadKey = 17,
    BadTime = 18,
    BadMode = 19,
    BadName = 20,
    BadAlg = 21,
    BadTrunc = 22,
    BadCookie = 23,
}

/// <summary>Extended DNS errors (RFC 8914 section 5.2, and the registry since).</summary>
public enum EdeCode : ushort
{
    Other = 0,
    UnsupportedDnskeyAlgorithm = 1,
    UnsupportedDsDigestType = 2,
    StaleAnswer = 3,
    ForgedAnswer = 4,
    DnssecIndeterminate = 5,
    DnssecBogus = 6,
    SignatureExpired = 7,
    SignatureNotYetValid = 8,
    DnskeyMissing = 9,
    RrsigsMissing = 10,
    NoZoneKeyBitSet = 11,
    NsecMissing = 12,
    CachedError = 13,
    NotReady = 14,
    Blocked = 15,
    Censored = 16,
    Filtered = 17,
    Prohibited = 18,
    StaleNXDomainAnswer = 19,
    NotAuthoritative = 20,
    NotSupported = 21,
    NoReachableAuthority = 22,
    NetworkError = 23,
    InvalidData = 24,
    SignatureExpiredBeforeValid = 25,
    TooEarly = 26,
    UnsupportedNsec3Iterations = 27,
    UnableToConformToPolicy = 28,
    Synthesized = 29,
}

/// <summary>Options inside an OPT record (IANA "DNS EDNS0 Option Codes").</summary>
public enum EdnsOptionCode : ushort
{
    Nsid = 3,
    ClientSubnet = 8,
    Expire = 9,
    Cookie = 10,
    TcpKeepalive = 11,
    Padding = 12,
    Chain = 13,
    ExtendedDnsError = 15,
}
#pragma warning restore CS1591
