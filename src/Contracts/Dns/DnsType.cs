namespace MeshDns.Contracts.Dns;

/// <summary>Resource record types and query types (IANA "DNS Parameters"). A type without a name here is still valid: cast its number.</summary>
#pragma warning disable CS1591 // The members are the registry's own mnemonics; a sentence for each would only repeat them.
public enum DnsType : ushort
{
    None = 0,
    A = 1,
    NS = 2,
    MD = 3,
    MF = 4,
    CNAME = 5,
    SOA = 6,
    MB = 7,
    MG = 8,
    MR = 9,
    NULL = 10,
    WKS = 11,
    PTR = 12,
    HINFO = 13,
    MINFO = 14,
    MX = 15,
    TXT = 16,
    RP = 17,
    AFSDB = 18,
    RT = 21,
    SIG = 24,
    KEY = 25,
    PX = 26,
    AAAA = 28,
    LOC = 29,
    NXT = 30,
    SRV = 33,
    NAPTR = 35,
    KX = 36,
    CERT = 37,
    DNAME = 39,
    OPT = 41,
    DS = 43,
    SSHFP = 44,
    RRSIG = 46,
    NSEC = 47,
    DNSKEY = 48,
    NSEC3 = 50,
    NSEC3PARAM = 51,
    TLSA = 52,
    CDS = 59,
    CDNSKEY = 60,
    OPENPGPKEY = 61,
    CSYNC = 62,
    ZONEMD = 63,
    SVCB = 64,
    HTTPS = 65,
    SPF = 99,
    TKEY = 249,
    TSIG = 250,
    IXFR = 251,
    AXFR = 252,
    MAILB = 253,
    MAILA = 254,
    ANY = 255,
    URI = 256,
    CAA = 257,
}
#pragma warning restore CS1591

/// <summary>What kind a type is.</summary>
public static class DnsTypes
{
    /// <summary>
    /// True for types that only mean something inside a transaction and can never be asked as data (RFC 6895 section 3.1): 0, OPT and
    /// 128 to 254, which holds AXFR, IXFR, MAILA, MAILB, TSIG and TKEY. ANY (255) is not among them, since RFC 8482 gives it an answer.
    /// </summary>
    public static bool IsMeta(this DnsType type) => type is DnsType.None or DnsType.OPT or (>= (DnsType)128 and <= DnsType.MAILA);
}
