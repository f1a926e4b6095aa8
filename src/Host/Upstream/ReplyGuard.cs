using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream;

/// <summary>Why a datagram or message from an upstream is taken, or ignored while we keep listening.</summary>
internal enum ReplyVerdict
{
    /// <summary>It answers the query.</summary>
    Accept,

    /// <summary>No whole header, QR clear, or another opcode.</summary>
    NotReply,

    /// <summary>The id of no query under way.</summary>
    WrongId,

    /// <summary>The question is not ours, byte for byte, or is missing.</summary>
    WrongQuestion,

    /// <summary>Its records do not have the framing of a message.</summary>
    Malformed,

    /// <summary>The id of a query that ended a moment ago: late or twice, not a lie.</summary>
    Late,
}

/// <summary>
/// Decides whether a message answers a query (RFC 5452 section 9.1). Pure. That it came from the asked address is the connected socket's doing:
/// the kernel delivers nothing else to it.
/// </summary>
internal static class ReplyGuard
{
    /// <summary>
    /// Compares a message with the query as sent: QR, opcode, id, and the question with its exact bytes, case included. A reply without any
    /// question is accepted only as FORMERR or NOTIMP, the form in which servers without EDNS refuse it: all it can cause is a plainer query.
    /// </summary>
    public static ReplyVerdict Check(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> query)
    {
        if (reply.Length < DnsLimits.HeaderSize || !DnsHeader.IsResponse(reply) || DnsHeader.GetOpcode(reply) != Opcode.Query)
            return ReplyVerdict.NotReply;
        if (DnsHeader.GetId(reply) != DnsHeader.GetId(query))
            return ReplyVerdict.WrongId;
        if (DnsHeader.GetCount(reply, DnsSection.Question) == 0 && DnsHeader.GetRcode(reply) is Rcode.FormErr or Rcode.NotImp)
            return ReplyVerdict.Accept;
        return EchoesQuestion(reply, query) ? CheckFraming(reply) : ReplyVerdict.WrongQuestion;
    }

    private static bool EchoesQuestion(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> query)
    {
        if (DnsHeader.GetCount(reply, DnsSection.Question) != 1 || !DnsName.TrySkipUncompressed(query, DnsLimits.HeaderSize, out int nameEnd))
            return false;
        ReadOnlySpan<byte> question = query[DnsLimits.HeaderSize..(nameEnd + 4)];
        return reply[DnsLimits.HeaderSize..].StartsWith(question);
    }

    private static ReplyVerdict CheckFraming(ReadOnlySpan<byte> reply)
    {
        // A truncated datagram may be cut anywhere (RFC 2181 section 9); it is only ever used as the reason to ask over TCP.
        if ((DnsHeader.GetFlags(reply) & DnsFlags.Truncated) != 0)
            return ReplyVerdict.Accept;
        var reader = new MessageReader(reply);
        while (reader.TryReadRecord(out _))
        {
        }
        return reader.IsMalformed ? ReplyVerdict.Malformed : ReplyVerdict.Accept;
    }
}
