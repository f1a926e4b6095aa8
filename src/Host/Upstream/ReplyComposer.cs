using System.Buffers.Binary;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream;

/// <summary>How an answer is served.</summary>
/// <param name="NowMs">The time on the <see cref="UpstreamClock"/>.</param>
/// <param name="Limit">The most bytes of the reply.</param>
/// <param name="MaxTtl">No TTL above this, in seconds.</param>
/// <param name="IsStale">Past its lifetime: all TTLs are <see cref="CachedAnswer.StaleTtl"/>, and EDE says so (RFC 8767, RFC 8914).</param>
/// <param name="View">What the client sees: which CNAME targets are ours for it.</param>
internal readonly record struct Serving(long NowMs, int Limit, uint MaxTtl, bool IsStale, ClientView View);

/// <summary>Makes the reply to one client from an answer that many may share. Does not allocate; runs on the edge loops.</summary>
internal static class ReplyComposer
{
    private const int OptFixedSize = 11;
    private const int OptionHeaderSize = 4;
    private const ushort DnssecOkFlag = 0x8000;

    /// <summary>
    /// Writes the reply: id, RD, CD, DO and the question's spelling from the client's query, TTLs counted down, AD only for a client that showed
    /// it understands it (RFC 6840 section 5.8). False when not even the question fits.
    /// </summary>
    public static bool TryWrite(
        CachedAnswer answer, scoped in DnsQuery query, Span<byte> reply, in Serving serving, ILocalRecords? local, out int length)
    {
        length = 0;
        int limit = Math.Min(serving.Limit, reply.Length);
        EdeCode? error = ErrorOf(answer, serving);
        int optSize = query.HasEdns ? OptSize(answer, error) : 0;
        if (answer.QuestionEnd != query.QuestionEnd || query.QuestionEnd + optSize > limit)
            return false;
        bool isWhole = answer.Message.Length + optSize <= limit && (answer.Targets.Length == 0 || local is null);
        length = isWhole ? WriteWhole(answer, query, reply, serving) : WriteByRecord(answer, query, reply[..(limit - optSize)], serving, local, ref error);
        if (query.HasEdns)
            length += WriteOpt(answer, query, error, reply[length..limit], reply);
        return true;
    }

    private static EdeCode? ErrorOf(CachedAnswer answer, in Serving serving)
    {
        if (!serving.IsStale)
            return answer.ExtendedError;
        return answer.Rcode == Rcode.NXDomain ? EdeCode.StaleNXDomainAnswer : EdeCode.StaleAnswer;
    }

    private static DnsFlags FlagsOf(CachedAnswer answer, scoped in DnsQuery query, in Serving serving)
    {
        bool isAuthentic = answer.AuthenticData && !serving.IsStale && (query.AuthenticData || query.DnssecOk);
        return isAuthentic ? DnsFlags.AuthenticData : DnsFlags.None;
    }

    private static uint ServedTtl(uint stored, uint age, in Serving serving)
    {
        uint left = serving.IsStale ? CachedAnswer.StaleTtl : stored - Math.Min(stored, age);
        return Math.Min(left, serving.MaxTtl);
    }

    // The ordinary case. The reply's buffer may be the packet's: the name is copied first, and then lies where it already was.
    private static int WriteWhole(CachedAnswer answer, scoped in DnsQuery query, Span<byte> reply, in Serving serving)
    {
        ReadOnlySpan<byte> message = answer.Message;
        query.QuestionName.CopyTo(reply[DnsLimits.HeaderSize..]);
        message[..DnsLimits.HeaderSize].CopyTo(reply);
        int afterName = answer.QuestionEnd - 4;
        message[afterName..].CopyTo(reply[afterName..]);
        DnsHeader.SetId(reply, query.Id);
        DnsFlags copied = query.Flags & (DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled);
        DnsHeader.SetFlags(reply, DnsFlags.Response | DnsFlags.RecursionAvailable | copied | FlagsOf(answer, query, serving));
        uint age = answer.AgeSeconds(serving.NowMs);
        foreach (ushort offset in answer.TtlOffsets)
        {
            Span<byte> ttl = reply.Slice(offset, sizeof(uint));
            BinaryPrimitives.WriteUInt32BigEndian(ttl, ServedTtl(BinaryPrimitives.ReadUInt32BigEndian(ttl), age, serving));
        }
        return message.Length;
    }

    // When something does not fit, or the chain may end at a name of ours: record by record.
    private static int WriteByRecord(
        CachedAnswer answer, scoped in DnsQuery query, Span<byte> reply, in Serving serving, ILocalRecords? local, ref EdeCode? error)
    {
        DnsFlags flags = FlagsOf(answer, query, serving);
        var writer = MessageWriter.StartReply(reply, query, flags, answer.Rcode);
        uint age = answer.AgeSeconds(serving.NowMs);
        int cnames = 0;
        var reader = new MessageReader(answer.Message);
        while (reader.TryReadRecord(out RecordView record))
        {
            if (record.Section == DnsSection.Authority && writer.Section != DnsSection.Authority)
                writer.StartSection(DnsSection.Authority);
            if (!writer.TryCopyRecord(answer.Message, record, ServedTtl(record.Ttl, age, serving)))
            {
                DnsHeader.SetFlags(reply, DnsHeader.GetFlags(reply) | DnsFlags.Truncated);
                break;
            }
            if (record.Section != DnsSection.Answer || record.Type != DnsType.CNAME || cnames >= answer.Targets.Length)
                continue;
            LocalRecords ours = local?.TryAppend(answer.Targets[cnames++], query.Type, serving.View, ref writer) ?? LocalRecords.NotOurs;
            if (ours == LocalRecords.NotOurs)
                continue;
            EndAtOurs(ours, reply, ref error);
            return ours == LocalRecords.Unavailable ? query.QuestionEnd : writer.Length;
        }
        return writer.Length;
    }

    private static void EndAtOurs(LocalRecords ours, Span<byte> reply, ref EdeCode? error)
    {
        DnsFlags flags = DnsHeader.GetFlags(reply) & ~DnsFlags.AuthenticData;
        DnsHeader.SetFlags(reply, ours == LocalRecords.Truncated ? flags | DnsFlags.Truncated : flags);
        DnsHeader.SetRcode(reply, ours switch
        {
            LocalRecords.NXDomain => Rcode.NXDomain,
            LocalRecords.Unavailable => Rcode.ServFail,
            _ => Rcode.NoError,
        });
        if (ours != LocalRecords.Unavailable)
            return;
        error = EdeCode.NotReady;
        DnsHeader.SetCount(reply, DnsSection.Answer, 0);
    }

    private static int OptSize(CachedAnswer answer, EdeCode? error) =>
        OptFixedSize + OptionHeaderSize + sizeof(ushort) + (error is null ? 0 : answer.ExtendedErrorText.Length);

    // By hand, since a MessageWriter cannot go on where a copied message ends. Room was kept for it.
    private static int WriteOpt(CachedAnswer answer, scoped in DnsQuery query, EdeCode? error, Span<byte> opt, Span<byte> message)
    {
        ReadOnlySpan<byte> text = error == answer.ExtendedError ? answer.ExtendedErrorText : default;
        int optionsSize = error is null ? 0 : OptionHeaderSize + sizeof(ushort) + text.Length;
        opt[..OptFixedSize].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(opt[1..], (ushort)DnsType.OPT);
        BinaryPrimitives.WriteUInt16BigEndian(opt[3..], DnsLimits.MaxUdpSize);
        BinaryPrimitives.WriteUInt16BigEndian(opt[7..], query.DnssecOk ? DnssecOkFlag : (ushort)0);
        BinaryPrimitives.WriteUInt16BigEndian(opt[9..], (ushort)optionsSize);
        DnsHeader.SetCount(message, DnsSection.Additional, 1);
        if (error is not { } code)
            return OptFixedSize;
        Span<byte> option = opt[OptFixedSize..];
        BinaryPrimitives.WriteUInt16BigEndian(option, (ushort)EdnsOptionCode.ExtendedDnsError);
        BinaryPrimitives.WriteUInt16BigEndian(option[2..], (ushort)(sizeof(ushort) + text.Length));
        BinaryPrimitives.WriteUInt16BigEndian(option[4..], (ushort)code);
        text.CopyTo(option[6..]);
        return OptFixedSize + optionsSize;
    }
}
