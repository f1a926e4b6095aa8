using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>What a shared answer says to one client.</summary>
internal static class AnswerRules
{
    /// <summary>The TTL that a client gets.</summary>
    public static uint ServedTtl(uint stored, uint age, bool isStale, uint maxTtl)
    {
        uint left = isStale ? CachedAnswer.StaleTtl : stored - Math.Min(stored, age);
        return Math.Min(left, maxTtl);
    }

    /// <summary>What a part has to say of itself in the reply's OPT record.</summary>
    public static Trouble TroubleOf(in ServedAnswer part)
    {
        if (!part.IsStale)
            return new Trouble(part.Answer.ExtendedError, part.Answer.ExtendedErrorText);
        return new Trouble(part.Answer.Rcode == Rcode.NXDomain ? EdeCode.StaleNXDomainAnswer : EdeCode.StaleAnswer, null);
    }

    /// <summary>AD, for an answer that is the whole reply.</summary>
    public static DnsFlags FlagsOf(in ServedAnswer part, scoped in DnsQuery query)
    {
        bool isAuthentic = part.Answer.AuthenticData && !part.IsStale && (query.AuthenticData || query.DnssecOk);
        return isAuthentic ? DnsFlags.AuthenticData : DnsFlags.None;
    }

    /// <summary>The name that was denied exists here: NXDOMAIN becomes NODATA, which nobody has validated (RFC 4035 section 3.2.3).</summary>
    public static void Undeny(Span<byte> reply, ref Trouble trouble)
    {
        DnsHeader.SetRcode(reply, Rcode.NoError);
        DnsHeader.SetFlags(reply, DnsHeader.GetFlags(reply) & ~DnsFlags.AuthenticData);
        if (trouble.Code == EdeCode.StaleNXDomainAnswer)
            trouble = trouble with { Code = EdeCode.StaleAnswer };
    }
}

/// <summary>What the reply's OPT record says went wrong (RFC 8914); no code for nothing.</summary>
internal readonly record struct Trouble(EdeCode? Code, byte[]? Text);
