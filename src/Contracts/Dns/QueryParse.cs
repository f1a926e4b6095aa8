namespace MeshDns.Contracts.Dns;

/// <summary>What a packet from a client is, and so what it gets.</summary>
public enum QueryParse
{
    /// <summary>A query to answer.</summary>
    Ok,

    /// <summary>Shorter than a header, or a response: no reply at all, or two servers could talk to each other for ever.</summary>
    Drop,

    /// <summary>No question, but a cookie: reply with a cookie alone (RFC 7873 section 5.4).</summary>
    CookieOnly,

    /// <summary>FORMERR.</summary>
    FormErr,

    /// <summary>NOTIMP: an opcode other than QUERY.</summary>
    NotImp,

    /// <summary>REFUSED: a class other than IN.</summary>
    Refused,

    /// <summary>BADVERS: an EDNS version other than 0 (RFC 6891 section 6.1.3).</summary>
    BadVers,
}

/// <summary>The rcode that belongs to what was found.</summary>
public static class QueryParses
{
    /// <summary>The rcode of the reply; NOERROR for those that are answered, and for <see cref="QueryParse.Drop"/>, which gets none.</summary>
    public static Rcode ToRcode(this QueryParse parse) => parse switch
    {
        QueryParse.FormErr => Rcode.FormErr,
        QueryParse.NotImp => Rcode.NotImp,
        QueryParse.Refused => Rcode.Refused,
        QueryParse.BadVers => Rcode.BadVers,
        _ => Rcode.NoError,
    };
}
