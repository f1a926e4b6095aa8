using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;
using MeshDns.Host.Upstream.Replies;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>What came of a flight: an answer, or why there is none; neither is a fault of ours that could not even be told.</summary>
internal readonly record struct FlightOutcome(CachedAnswer? Answer, ForwardFailure? Failure)
{
    /// <summary>No way to any server.</summary>
    public static readonly ForwardFailure Unreachable = new(EdeCode.NetworkError, [.. "no upstream is reachable"u8]);

    /// <summary>Nobody answered in time.</summary>
    public static readonly ForwardFailure Silent = new(EdeCode.NoReachableAuthority, [.. "no upstream answered in time"u8]);

    /// <summary>SERVFAIL, REFUSED and the like from all.</summary>
    public static readonly ForwardFailure Refused = new(EdeCode.NoReachableAuthority, [.. "every upstream failed or refused"u8]);

    /// <summary>What came is no answer.</summary>
    public static readonly ForwardFailure Broken = new(EdeCode.InvalidData, [.. "upstream sent a referral or a broken message"u8]);

    /// <summary>More CNAMEs than are followed.</summary>
    public static readonly ForwardFailure TooLong = new(EdeCode.InvalidData, [.. "CNAME chain too long"u8]);

    /// <summary>Ours.</summary>
    public static readonly ForwardFailure Fault = new(EdeCode.Other, [.. "internal error"u8]);
}
