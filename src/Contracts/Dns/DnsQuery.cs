using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>
/// A client's query, parsed in place. Numbers are copied out of the packet; spans are slices of it and change when a reply is written over it:
/// the question stays where it is (see <see cref="MessageWriter.StartReply"/>), the cookie does not.
/// </summary>
public ref struct DnsQuery
{
    private const int QuestionTailSize = 4;
    private const int MaxCookieSize = 40;
    private const int MinFullCookieSize = 16;

    private ReadOnlySpan<byte> _packet;
    private int _cookieOffset;
    private int _cookieLength;

    /// <summary>The transaction id.</summary>
    public ushort Id { get; private set; }

    /// <summary>The opcode.</summary>
    public Opcode Opcode { get; private set; }

    /// <summary>The header's flags.</summary>
    public DnsFlags Flags { get; private set; }

    /// <summary>RD, to be copied into the reply.</summary>
    public readonly bool RecursionDesired => (Flags & DnsFlags.RecursionDesired) != 0;

    /// <summary>CD, to be copied into the reply.</summary>
    public readonly bool CheckingDisabled => (Flags & DnsFlags.CheckingDisabled) != 0;

    /// <summary>AD: the client understands the AD bit of a reply (RFC 6840 section 5.7).</summary>
    public readonly bool AuthenticData => (Flags & DnsFlags.AuthenticData) != 0;

    /// <summary>True when the one question was read, also if something after it was wrong.</summary>
    public readonly bool HasQuestion => QuestionEnd != 0;

    /// <summary>The question's name in wire form, spelt as sent; it begins right behind the header. Empty when there is none.</summary>
    public readonly ReadOnlySpan<byte> QuestionName => HasQuestion ? _packet[DnsLimits.HeaderSize..(QuestionEnd - 4)] : default;

    /// <summary>The question as sent: name, type and class. Empty when there is none.</summary>
    public readonly ReadOnlySpan<byte> Question => HasQuestion ? _packet[DnsLimits.HeaderSize..QuestionEnd] : default;

    /// <summary>The type asked for.</summary>
    public DnsType Type { get; private set; }

    /// <summary>The class asked for.</summary>
    public DnsClass Class { get; private set; }

    /// <summary>The first byte after the question; 0 when there is none.</summary>
    public int QuestionEnd { get; private set; }

    /// <summary>True when the query has a well-formed OPT record, so that the reply must have one (RFC 6891 section 7).</summary>
    public bool HasEdns { get; private set; }

    /// <summary>The client's UDP size as sent, without EDNS 512.</summary>
    public ushort UdpPayloadSize { get; private set; }

    /// <summary>The client's EDNS version.</summary>
    public byte EdnsVersion { get; private set; }

    /// <summary>DO, to be copied into the reply.</summary>
    public bool DnssecOk { get; private set; }

    /// <summary>The largest UDP reply to send, in bytes: the client's size, at least 512 and at most ours.</summary>
    public readonly int MaxUdpReplySize => Math.Clamp((int)UdpPayloadSize, DnsLimits.MinUdpSize, DnsLimits.MaxUdpSize);

    /// <summary>True when the query has a cookie of valid length.</summary>
    public readonly bool HasCookie => _cookieLength != 0;

    /// <summary>The client's part of the cookie: 8 bytes, or none.</summary>
    public readonly ReadOnlySpan<byte> ClientCookie => HasCookie ? _packet.Slice(_cookieOffset, ServerCookie.ClientSize) : default;

    /// <summary>The server's part as the client knows it: 8 to 32 bytes, or none.</summary>
    public readonly ReadOnlySpan<byte> ServerCookiePart =>
        HasCookie ? _packet[(_cookieOffset + ServerCookie.ClientSize)..(_cookieOffset + _cookieLength)] : default;

    /// <summary>
    /// Parses what a client sent. The first rule that a packet breaks decides: no header or QR set; opcode; question count; framing, the question
    /// name (compression is refused: there is nothing to point at), OPT (two, a foreign owner, outside the additional section, bad options or
    /// cookie length); EDNS version; class. A question-less packet with a cookie is <see cref="QueryParse.CookieOnly"/>.
    /// Records other than OPT are stepped over; an answer section is FORMERR as in unbound; bytes after the last record are ignored as in BIND
    /// and unbound. Whatever was read before a fault is in <paramref name="query"/>, for the error reply.
    /// </summary>
    public static QueryParse TryParse(ReadOnlySpan<byte> packet, out DnsQuery query)
    {
        query = new DnsQuery { _packet = packet, UdpPayloadSize = DnsLimits.MinUdpSize };
        if (packet.Length is < DnsLimits.HeaderSize or > DnsLimits.MaxMessageSize || DnsHeader.IsResponse(packet))
            return QueryParse.Drop;
        query.Id = DnsHeader.GetId(packet);
        query.Opcode = DnsHeader.GetOpcode(packet);
        query.Flags = DnsHeader.GetFlags(packet);
        ushort questions = DnsHeader.GetCount(packet, DnsSection.Question);
        bool isWellFormed = questions <= 1 && query.TryTakeSections();
        if (query.Opcode != Opcode.Query)
            return QueryParse.NotImp;
        if (!isWellFormed || DnsHeader.GetCount(packet, DnsSection.Answer) != 0)
            return QueryParse.FormErr;
        if (query.EdnsVersion != 0)
            return QueryParse.BadVers;
        if (questions == 0)
            return query.HasCookie ? QueryParse.CookieOnly : QueryParse.FormErr;
        return query.Class == DnsClass.IN ? QueryParse.Ok : QueryParse.Refused;
    }

    private bool TryTakeSections()
    {
        int at = DnsLimits.HeaderSize;
        if (DnsHeader.GetCount(_packet, DnsSection.Question) != 0)
        {
            if (!DnsName.TrySkipUncompressed(_packet, at, out int tail) || tail + QuestionTailSize > _packet.Length)
                return false;
            at = tail + QuestionTailSize;
            Type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(_packet[tail..]);
            Class = (DnsClass)BinaryPrimitives.ReadUInt16BigEndian(_packet[(tail + 2)..]);
            QuestionEnd = at;
        }
        var reader = MessageReader.OfRecords(_packet, at);
        while (reader.TryReadRecord(out RecordView record))
        {
            if (record.Type == DnsType.OPT && (HasEdns || !TryTakeOpt(record)))
                return false;
        }
        return !reader.IsMalformed;
    }

    private bool TryTakeOpt(in RecordView record)
    {
        if (!OptView.TryRead(_packet, record, out OptView opt))
            return false;
        HasEdns = true;
        UdpPayloadSize = opt.UdpPayloadSize;
        EdnsVersion = opt.Version;
        DnssecOk = opt.DnssecOk;
        if (opt.Version != 0)
            return true; // Another version's options may mean anything; its reply is BADVERS, whatever they hold.
        int at = record.RdataOffset;
        var options = new EdnsOptionReader(opt.Options);
        while (options.TryRead(out EdnsOptionCode code, out ReadOnlySpan<byte> data))
        {
            at += 4;
            if (code == EdnsOptionCode.Cookie && !HasCookie && !TryTakeCookie(at, data.Length))
                return false;
            at += data.Length;
        }
        return true;
    }

    // RFC 7873 section 5.2.2: any other length is FORMERR; of several cookies the first counts (section 5.2).
    private bool TryTakeCookie(int offset, int length)
    {
        if (length != ServerCookie.ClientSize && length is < MinFullCookieSize or > MaxCookieSize)
            return false;
        _cookieOffset = offset;
        _cookieLength = length;
        return true;
    }
}
