using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>One entry of the question section, by its place in the message.</summary>
/// <param name="NameOffset">Where the name begins; read it with <see cref="DnsName.TryRead"/>.</param>
/// <param name="Type">What is asked.</param>
/// <param name="Class">In which class.</param>
/// <param name="EndOffset">The first byte after the question.</param>
public readonly record struct QuestionView(int NameOffset, DnsType Type, DnsClass Class, int EndOffset);

/// <summary>One record, by its place in the message: offsets from the message's first byte, nothing copied.</summary>
/// <param name="Section">The section that holds it.</param>
/// <param name="NameOffset">Where the owner name begins; read it with <see cref="DnsName.TryRead"/>.</param>
/// <param name="Type">The record's type.</param>
/// <param name="Class">The record's class; an OPT record's UDP size.</param>
/// <param name="RawTtl">The TTL field as sent; an OPT record's extended rcode, version and flags.</param>
/// <param name="TtlOffset">Where the four TTL bytes are, for counting them down in a cached message.</param>
/// <param name="RdataOffset">Where the data begins.</param>
/// <param name="RdataLength">The data's length, 0 to 65535; it lies inside the message.</param>
public readonly record struct RecordView(
    DnsSection Section, int NameOffset, DnsType Type, DnsClass Class, uint RawTtl, int TtlOffset, int RdataOffset, int RdataLength)
{
    /// <summary>The time to live in seconds. A value with its top bit set counts as zero (RFC 2181 section 8).</summary>
    public uint Ttl => RawTtl > int.MaxValue ? 0 : RawTtl;

    /// <summary>The first byte after the record.</summary>
    public int EndOffset => RdataOffset + RdataLength;

    /// <summary>The data, as a slice of the message that this view came from.</summary>
    public ReadOnlySpan<byte> Rdata(ReadOnlySpan<byte> message) => message.Slice(RdataOffset, RdataLength);
}

/// <summary>
/// Steps through any message, questions first, then records of all sections in order, as many as the header says. Every step consumes at least
/// five bytes, so a reader ends after at most a message's length whatever the counts claim. Bytes after the last record are ignored, as BIND
/// and unbound do. It checks the framing of each entry; names behind pointers and the insides of data are checked when they are read.
/// </summary>
public ref struct MessageReader
{
    private const int QuestionTailSize = 4;
    private const int RecordTailSize = 10;

    private readonly ReadOnlySpan<byte> _message;
    private int _offset;
    private int _questionsLeft;
    private int _recordsLeft;
    private DnsSection _section;

    /// <summary>Begins behind the header. A message without a whole header is malformed at once.</summary>
    public MessageReader(ReadOnlySpan<byte> message)
    {
        _message = message;
        _offset = DnsLimits.HeaderSize;
        _questionsLeft = DnsHeader.GetCount(message, DnsSection.Question);
        _section = DnsSection.Question;
        IsMalformed = message.Length is < DnsLimits.HeaderSize or > DnsLimits.MaxMessageSize;
    }

    /// <summary>Begins at the records of a message, whose questions were read already and end at an offset.</summary>
    internal static MessageReader OfRecords(ReadOnlySpan<byte> message, int offset) => new(message) { _questionsLeft = 0, _offset = offset };

    /// <summary>True once an entry was cut off or had a bad name; reading stops there for good.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The first byte that was not read yet.</summary>
    public readonly int Offset => _offset;

    /// <summary>The next question; false after the last one, or at a malformed one.</summary>
    public bool TryReadQuestion(out QuestionView question)
    {
        question = default;
        if (IsMalformed || _questionsLeft == 0)
            return false;
        if (!DnsName.TrySkip(_message, _offset, out int tail) || tail + QuestionTailSize > _message.Length)
            return Fail();
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(_message[tail..]);
        var dnsClass = (DnsClass)BinaryPrimitives.ReadUInt16BigEndian(_message[(tail + 2)..]);
        question = new QuestionView(_offset, type, dnsClass, tail + QuestionTailSize);
        _offset = question.EndOffset;
        _questionsLeft--;
        return true;
    }

    /// <summary>The next record, after stepping over questions not read yet; false after the last one, or at a malformed one.</summary>
    public bool TryReadRecord(out RecordView record)
    {
        record = default;
        while (_questionsLeft > 0)
        {
            if (!TryReadQuestion(out _))
                return false;
        }
        while (_recordsLeft == 0)
        {
            if (IsMalformed || _section == DnsSection.Additional)
                return false;
            _section++;
            _recordsLeft = DnsHeader.GetCount(_message, _section);
        }
        if (IsMalformed)
            return false;
        if (!DnsName.TrySkip(_message, _offset, out int tail) || tail + RecordTailSize > _message.Length)
            return Fail();
        ReadOnlySpan<byte> fields = _message.Slice(tail, RecordTailSize);
        int rdataLength = BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
        if (tail + RecordTailSize + rdataLength > _message.Length)
            return Fail();
        record = new RecordView(
            _section,
            _offset,
            (DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields),
            (DnsClass)BinaryPrimitives.ReadUInt16BigEndian(fields[2..]),
            BinaryPrimitives.ReadUInt32BigEndian(fields[4..]),
            tail + 4,
            tail + RecordTailSize,
            rdataLength);
        _offset = record.EndOffset;
        _recordsLeft--;
        return true;
    }

    private bool Fail()
    {
        IsMalformed = true;
        return false;
    }
}
