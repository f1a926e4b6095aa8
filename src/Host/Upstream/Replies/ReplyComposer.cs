using System.Buffers.Binary;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>Makes the reply to one client from answers that many may share. Does not allocate; runs on the edge loops.</summary>
internal static class ReplyComposer
{
    /// <summary>
    /// Writes the reply: id, RD, CD, DO and the question's spelling from the client's query, TTLs counted down, AD only for a client that showed
    /// it understands it (RFC 6840 section 5.8), AA where the first record's owner is ours (RFC 6604 section 2.1). What the mesh says is written anew each time.
    /// </summary>
    /// <param name="query">The client's query.</param>
    /// <param name="foldedName">Its name in lower case, wire form.</param>
    /// <param name="reply">Where to write.</param>
    /// <param name="serving">How.</param>
    /// <param name="parts">What the upstreams say.</param>
    /// <param name="local">What the mesh says; null without one.</param>
    /// <param name="length">The reply's length.</param>
    /// <param name="missing">The name that an upstream has to be asked for; null for the question's own.</param>
    public static Composition Write<TParts>(
        scoped in DnsQuery query, scoped ReadOnlySpan<byte> foldedName, Span<byte> reply, in Serving serving, ref TParts parts, AnswerWriter? local, out int length, out byte[]? missing)
        where TParts : struct, IAnswerParts
    {
        length = 0;
        missing = null;
        int limit = Math.Min(serving.Limit, reply.Length);
        int optSize = query.HasEdns ? OptSize(default) : 0;
        if (query.QuestionEnd + optSize > limit)
            return Composition.TooSmall;
        ServedAnswer first = default;
        if (!serving.Finding.IsLocal && !parts.TryFind(query, foldedName, out first))
            return Composition.Incomplete;
        Trouble trouble = first.Answer is null ? default : AnswerRules.TroubleOf(first);
        if (first.Answer is { } answer && IsWhole(answer, query, limit - (query.HasEdns ? OptSize(trouble) : 0), local))
        {
            length = WriteWhole(first, query, reply, serving);
            if (answer.Rcode == Rcode.NXDomain && local is not null && local.Exists(foldedName, serving.View))
                AnswerRules.Undeny(reply, ref trouble);
        }
        else
        {
            var chain = new ChainWriter(reply[..(limit - optSize)], query, serving, local);
            Composition made = first.Answer is null ? chain.WriteFromMesh(ref parts, out missing) : chain.WriteFrom(first, ref parts, out missing);
            if (made != Composition.Written)
                return made;
            (length, trouble) = (chain.Length, chain.Trouble);
        }
        if (query.HasEdns)
            length += WriteOpt(query, trouble, reply[length..limit], reply);
        return Composition.Written;
    }

    /// <summary>Writes SERVFAIL and why. False when it does not fit.</summary>
    public static bool TryWriteFailure(scoped in DnsQuery query, in ForwardFailure failure, Span<byte> reply, int limit, out int length)
    {
        limit = Math.Min(limit, reply.Length);
        length = 0;
        if (query.QuestionEnd + (query.HasEdns ? OptSize(default) : 0) > limit)
            return false;
        length = MessageWriter.StartReply(reply, query, rcode: Rcode.ServFail).Length;
        if (query.HasEdns)
            length += WriteOpt(query, new Trouble(failure.Code, failure.Text), reply[length..limit], reply);
        return true;
    }

    // No name of the mesh can be in it, and all of it fits.
    private static bool IsWhole(CachedAnswer answer, scoped in DnsQuery query, int limit, AnswerWriter? local) =>
        answer.QuestionEnd == query.QuestionEnd && answer.Message.Length <= limit && (answer.Targets.Length == 0 || local is null);

    // The ordinary case. The reply's buffer may be the packet's: the name is copied first, and then lies where it already was.
    private static int WriteWhole(in ServedAnswer part, scoped in DnsQuery query, Span<byte> reply, in Serving serving)
    {
        CachedAnswer answer = part.Answer;
        ReadOnlySpan<byte> message = answer.Message;
        query.QuestionName.CopyTo(reply[DnsLimits.HeaderSize..]);
        message[..DnsLimits.HeaderSize].CopyTo(reply);
        int afterName = answer.QuestionEnd - 4;
        message[afterName..].CopyTo(reply[afterName..]);
        DnsHeader.SetId(reply, query.Id);
        DnsFlags copied = query.Flags & (DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled);
        DnsHeader.SetFlags(reply, DnsFlags.Response | DnsFlags.RecursionAvailable | copied | AnswerRules.FlagsOf(part, query));
        uint age = answer.AgeSeconds(serving.NowMs);
        foreach (ushort offset in answer.TtlOffsets)
        {
            Span<byte> ttl = reply.Slice(offset, sizeof(uint));
            BinaryPrimitives.WriteUInt32BigEndian(ttl, AnswerRules.ServedTtl(BinaryPrimitives.ReadUInt32BigEndian(ttl), age, part.IsStale, serving.Finding.MaxTtl));
        }
        return message.Length;
    }

    // With room for a code at any time: why a chain fails is known only at its end.
    private static int OptSize(in Trouble trouble) =>
        new OptRecord { ExtendedError = trouble.Code ?? EdeCode.Other, ExtendedErrorText = trouble.Code is null ? default : trouble.Text }.Size;

    // A MessageWriter cannot go on where a copied message ends. Room was kept for the record; a text that does not fit is left out.
    private static int WriteOpt(scoped in DnsQuery query, in Trouble trouble, Span<byte> opt, Span<byte> message)
    {
        ReadOnlySpan<byte> text = OptSize(trouble) <= opt.Length ? trouble.Text : default;
        var record = new OptRecord { DnssecOk = query.DnssecOk, ExtendedError = trouble.Code, ExtendedErrorText = text };
        record.Write(opt);
        DnsHeader.SetCount(message, DnsSection.Additional, 1);
        return record.Size;
    }
}
