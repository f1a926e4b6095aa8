using System.Buffers.Binary;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>Why a datagram or message from an upstream is taken, or ignored while we keep listening.</summary>
internal enum ReplyVerdict
{
    /// <summary>It answers the query.</summary>
    Accept,

    /// <summary>No whole header, QR clear, or another opcode.</summary>
    NotReply,

    /// <summary>The id of no query under way.</summary>
    WrongId,

    /// <summary>The question is not ours, or is missing.</summary>
    WrongQuestion,

    /// <summary>It answers the query, but its records do not have the framing of a message: over UDP a reason to ask over TCP, over TCP none at all.</summary>
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
    /// Compares a message with the query as sent: QR, opcode, id, and the question, its name without regard to case (RFC 4343): queries go out folded, so
    /// case protects nothing. A reply without any question is accepted only as an error, the form in which some servers refuse EDNS or fail: all it can
    /// cause is a plainer query, or one to the next server.
    /// </summary>
    public static ReplyVerdict Check(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> query)
    {
        if (!DnsName.TrySkipUncompressed(query, DnsLimits.HeaderSize, out int nameEnd))
            return ReplyVerdict.WrongQuestion;
        return Check(reply, DnsHeader.GetId(query), query[DnsLimits.HeaderSize..nameEnd], query[nameEnd..(nameEnd + 4)], isCut: false);
    }

    /// <summary>The same, for a query that is known by its id and question.</summary>
    /// <param name="reply">The message.</param>
    /// <param name="id">The id as sent.</param>
    /// <param name="question">What was asked.</param>
    /// <param name="isCut">The message was longer than what is here of it, which is only ever used as a reason to ask over TCP.</param>
    public static ReplyVerdict Check(ReadOnlySpan<byte> reply, ushort id, UpstreamQuestion question, bool isCut)
    {
        Span<byte> typeAndClass = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(typeAndClass, (ushort)question.Type);
        BinaryPrimitives.WriteUInt16BigEndian(typeAndClass[2..], (ushort)question.Class);
        return Check(reply, id, question.Name, typeAndClass, isCut);
    }

    private static ReplyVerdict Check(ReadOnlySpan<byte> reply, ushort id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> typeAndClass, bool isCut)
    {
        if (reply.Length < DnsLimits.HeaderSize || !DnsHeader.IsResponse(reply) || DnsHeader.GetOpcode(reply) != Opcode.Query)
            return ReplyVerdict.NotReply;
        if (DnsHeader.GetId(reply) != id)
            return ReplyVerdict.WrongId;
        // Some leave out the question and let the header count it all the same.
        int questions = reply.Length == DnsLimits.HeaderSize ? 0 : DnsHeader.GetCount(reply, DnsSection.Question);
        if (questions == 0 && !UpstreamReply.IsAnswer(UpstreamReply.FullRcode(reply)))
            return ReplyVerdict.Accept;
        ReadOnlySpan<byte> question = reply[DnsLimits.HeaderSize..];
        bool isEcho = questions == 1 && question.Length >= name.Length
            && DnsName.EqualsIgnoreCase(question[..name.Length], name) && question[name.Length..].StartsWith(typeAndClass);
        if (!isEcho)
            return ReplyVerdict.WrongQuestion;
        // What fails says so in its header; whatever follows is of no use.
        bool isError = !UpstreamReply.IsAnswer(DnsHeader.GetRcode(reply));
        return isCut || isError ? ReplyVerdict.Accept : CheckFraming(reply);
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
