using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>The section <c>dns</c>.</summary>
/// <param name="Listen">1 to 64 distinct addresses, UDP and TCP each; port 0 lets the system choose.</param>
/// <param name="Ttl">TTL of A and AAAA answers, whole seconds, 1 second to 1 day.</param>
/// <param name="NegativeTtl">SOA TTL and MINIMUM of negative answers (RFC 2308 section 5), whole seconds, 0 to 1 hour.</param>
/// <param name="NotReady">What names outside the mesh zones get before the first directory load.</param>
/// <param name="Capture">False: every query is forwarded as if there were no mesh, unless a client's own switch says otherwise.</param>
public sealed record DnsSettings(
    IReadOnlyList<IPEndPoint> Listen,
    TimeSpan Ttl,
    TimeSpan NegativeTtl,
    NotReadyAnswer NotReady,
    bool Capture);

/// <summary>The answer to names outside the mesh zones before the first directory load (<c>dns.not-ready</c>).</summary>
public enum NotReadyAnswer
{
    /// <summary>Forwarded, with TTLs capped at 5 seconds so that a declared name's public address is not cached past the start.</summary>
    Forward,

    /// <summary>SERVFAIL with EDE 14 (not ready, RFC 8914).</summary>
    ServFail,
}
