namespace MeshDns.Host.Upstream.Servers;

/// <summary>What came of asking one server.</summary>
internal enum AttemptEnd
{
    /// <summary>NOERROR, NXDOMAIN or YXDOMAIN.</summary>
    Answer,

    /// <summary>SERVFAIL.</summary>
    ServFail,

    /// <summary>REFUSED, or another rcode that is no answer.</summary>
    Refused,

    /// <summary>No reply in time.</summary>
    TimedOut,

    /// <summary>Nobody there.</summary>
    Unreachable,

    /// <summary>Too many queries under way to this server.</summary>
    Overloaded,
}
