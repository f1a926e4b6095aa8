namespace MeshDns.Contracts.Dns;

/// <summary>Replies that say only what went wrong.</summary>
public static class ErrorReply
{
    /// <summary>
    /// Builds the error reply to any packet with a header: its id, opcode, RD and CD, QR and RA set, the question as far as it could be read, and
    /// an OPT record when the query had one (RFC 6891 section 7). False, and nothing is to be sent, for a packet without a header or with QR set
    /// (it would answer an answer), or when the reply does not fit.
    /// </summary>
    /// <param name="packet">What the client sent; need not be well formed.</param>
    /// <param name="rcode">The error. One above 15 becomes SERVFAIL for a client without EDNS, who could not be told.</param>
    /// <param name="reply">Where to write; its length is the limit. May be the packet's own buffer.</param>
    /// <param name="length">The reply's length in bytes.</param>
    /// <param name="extendedError">Says more to a client with EDNS (RFC 8914).</param>
    /// <param name="cookie">The cookie option's data for a client with EDNS: both parts (RFC 7873); not a slice of the reply's buffer.</param>
    public static bool TryWrite(
        ReadOnlySpan<byte> packet, Rcode rcode, Span<byte> reply, out int length, EdeCode? extendedError = null, ReadOnlySpan<byte> cookie = default)
    {
        length = 0;
        if (DnsQuery.TryParse(packet, out DnsQuery query) == QueryParse.Drop || reply.Length < DnsLimits.HeaderSize)
            return false;
        bool hasQuestion = query.HasQuestion;
        bool hasEdns = query.HasEdns;
        var opt = new OptRecord { Rcode = rcode, DnssecOk = query.DnssecOk, ExtendedError = extendedError, Cookie = cookie };
        var writer = MessageWriter.StartReply(reply, query, rcode: rcode > (Rcode)15 && !hasEdns ? Rcode.ServFail : rcode);
        if (hasQuestion && writer.Count(DnsSection.Question) == 0)
            return false;
        if (hasEdns && !writer.TryWriteOpt(opt))
            return false;
        length = writer.Length;
        return true;
    }
}
