using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>
/// Writes a message into a buffer of the caller's, sections in order, names compressed. Every Try method returns false and leaves the message as
/// it was when the entry would go beyond <see cref="Limit"/> or an argument is not what it must be (a malformed name, an address of the wrong
/// length). The header's counts are always those of the entries written, so the message is complete after every call.
/// A mutable struct: pass it by reference, never copy it.
/// </summary>
public ref partial struct MessageWriter
{
    private const int RecordTailSize = 10;

    private readonly Span<byte> _buffer;
    private NameCompressor _names;
    private int _limit;
    private DnsSection _section;

    /// <summary>Begins an empty message with a zeroed header. In a buffer without room for a header every write fails and the length is 0.</summary>
    public MessageWriter(Span<byte> buffer)
    {
        _buffer = buffer;
        _limit = Math.Min(buffer.Length, DnsLimits.MaxMessageSize);
        if (_limit < DnsLimits.HeaderSize)
            return;
        buffer[..DnsLimits.HeaderSize].Clear();
        Length = DnsLimits.HeaderSize;
    }

    /// <summary>
    /// Begins the reply to a query: its id, opcode, RD and CD, QR and RA set, and its question, whose suffixes later names can point to.
    /// The buffer may be the one that holds the packet, since the question is the first thing in both: no bytes move then.
    /// </summary>
    /// <param name="buffer">Where to write; at least <see cref="DnsQuery.QuestionEnd"/> bytes, or the question is left out.</param>
    /// <param name="query">The parsed query. Its cookie must be copied out first if the buffer is its packet.</param>
    /// <param name="flags">More flags, such as AA.</param>
    /// <param name="rcode">The rcode; of one above 15 the rest is written with the OPT record.</param>
    public static MessageWriter StartReply(Span<byte> buffer, scoped DnsQuery query, DnsFlags flags = DnsFlags.None, Rcode rcode = Rcode.NoError)
    {
        var writer = new MessageWriter(buffer);
        DnsFlags copied = query.Flags & (DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled);
        DnsHeader.SetId(buffer, query.Id);
        DnsHeader.SetOpcode(buffer, query.Opcode);
        DnsHeader.SetFlags(buffer, DnsFlags.Response | DnsFlags.RecursionAvailable | copied | flags);
        DnsHeader.SetRcode(buffer, rcode);
        if (query.HasQuestion)
            writer.Echo(query.Question);
        return writer;
    }

    /// <summary>Bytes written so far: the message is the buffer's first <c>Length</c> bytes.</summary>
    public int Length { get; private set; }

    /// <summary>
    /// No write goes beyond this many bytes. At first the buffer's length; lower it to keep room for an OPT record and raise it again for that.
    /// Values outside what is written and what the buffer holds are clamped.
    /// </summary>
    public int Limit
    {
        readonly get => _limit;
        set => _limit = Math.Max(Length, Math.Min(value, Math.Min(_buffer.Length, DnsLimits.MaxMessageSize)));
    }

    /// <summary>The header and everything written, for setting the id, flags and rcode through <see cref="DnsHeader"/>.</summary>
    public readonly Span<byte> Message => _buffer[..Length];

    /// <summary>The section that the next record goes to.</summary>
    public readonly DnsSection Section => _section == DnsSection.Question ? DnsSection.Answer : _section;

    /// <summary>How many entries a section has.</summary>
    public readonly int Count(DnsSection section) => DnsHeader.GetCount(_buffer, section);

    /// <summary>Sends the records that follow to a section. Records go to the answer section until told otherwise.</summary>
    /// <exception cref="InvalidOperationException">The section lies before one that was begun: a fault of the caller, never of a message.</exception>
    public void StartSection(DnsSection section)
    {
        if (section < _section)
            throw new InvalidOperationException($"The {section} section cannot follow {_section}.");
        _section = section;
    }

    /// <summary>Writes an entry of the question section; false also once a record was written.</summary>
    public bool TryWriteQuestion(scoped ReadOnlySpan<byte> name, DnsType type, DnsClass dnsClass = DnsClass.IN)
    {
        Mark mark = Here();
        if (_section != DnsSection.Question || !TryPutName(name, compress: true) || !HasRoom(4))
            return Undo(mark);
        PutUInt16((ushort)type);
        PutUInt16((ushort)dnsClass);
        AddToCount(DnsSection.Question);
        return true;
    }

    // The parser has checked it, and no suffix of a name equals another of the same name, so nothing is looked up.
    private void Echo(scoped ReadOnlySpan<byte> question)
    {
        int start = Length;
        if (!TryPut(question))
            return;
        for (int at = 0; question[at] != 0; at += question[at] + 1)
            _names.Remember(start + at, question.Length - 4 - at);
        AddToCount(DnsSection.Question);
    }

    /// <summary>Writes a record whose data is given as bytes. Names inside must not be compressed.</summary>
    public bool TryWriteRecord(scoped ReadOnlySpan<byte> owner, DnsType type, DnsClass dnsClass, uint ttl, scoped ReadOnlySpan<byte> rdata)
    {
        Mark mark = Here();
        return TryStart(owner, type, dnsClass, ttl, ref mark) && TryPut(rdata) ? Done(mark) : Undo(mark);
    }

    /// <summary>
    /// Copies a record of another message, with its own owner and another TTL. Names in the data of the types that may carry compressed ones are
    /// expanded, and compressed again only where RFC 3597 section 4 allows. False also when the record is malformed; to tell that from want of
    /// room, ask <see cref="Rdata.IsWellFormed"/>. OPT and TSIG belong to one hop and must not be copied.
    /// </summary>
    public bool TryCopyRecord(scoped ReadOnlySpan<byte> sourceMessage, in RecordView record, uint ttl)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        Mark mark = Here();
        bool isCopied = DnsName.TryRead(sourceMessage, record.NameOffset, name, out int size, out _)
            && Rdata.IsWellFormed(sourceMessage, record)
            && TryStart(name[..size], record.Type, record.Class, ttl, ref mark)
            && TryCopyRdata(sourceMessage, record);
        return isCopied ? Done(mark) : Undo(mark);
    }

    private bool TryCopyRdata(scoped ReadOnlySpan<byte> source, in RecordView record)
    {
        RdataLayout layout = RdataLayout.Of(record.Type);
        int end = record.EndOffset;
        if (layout.Names == 0)
            return TryPut(record.Rdata(source));
        if (!layout.TryFindNames(source, record.RdataOffset, end, out int offset) || !TryPut(source[record.RdataOffset..offset]))
            return false;
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        for (int i = 0; i < layout.Names; i++)
        {
            if (!DnsName.TryRead(source, offset, name, out int size, out offset) || !TryPutName(name[..size], layout.MayCompress))
                return false;
        }
        return TryPut(source[offset..end]);
    }

    private bool TryStart(scoped ReadOnlySpan<byte> owner, DnsType type, DnsClass dnsClass, uint ttl, ref Mark mark)
    {
        if (!TryPutName(owner, compress: true) || !HasRoom(RecordTailSize))
            return false;
        PutUInt16((ushort)type);
        PutUInt16((ushort)dnsClass);
        BinaryPrimitives.WriteUInt32BigEndian(_buffer[Length..], ttl);
        Length += sizeof(uint);
        PutUInt16(0);
        mark = mark with { RdataStart = Length };
        return true;
    }

    private bool Done(in Mark mark)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[(mark.RdataStart - 2)..], (ushort)(Length - mark.RdataStart));
        _section = Section;
        AddToCount(_section);
        return true;
    }

    private readonly Mark Here() => new(Length, _names.Count, 0);

    private bool Undo(in Mark mark)
    {
        Length = mark.Length;
        _names.Count = mark.NameCount;
        return false;
    }

    // A message of 65535 bytes cannot hold 65536 entries, so the count cannot wrap.
    private readonly void AddToCount(DnsSection section) =>
        DnsHeader.SetCount(_buffer, section, (ushort)(DnsHeader.GetCount(_buffer, section) + 1));

    private readonly bool HasRoom(int size) => Length != 0 && size <= _limit - Length;

    private bool TryPutName(scoped ReadOnlySpan<byte> name, bool compress)
    {
        if (!DnsName.IsWellFormed(name))
            return false;
        ReadOnlySpan<byte> rest = name;
        for (; rest.Length > 1; rest = rest[(rest[0] + 1)..])
        {
            int target = compress ? _names.Find(_buffer[..Length], rest) : -1;
            if (target >= 0)
            {
                if (!HasRoom(2))
                    return false;
                PutUInt16((ushort)(0xC000 | target));
                return true;
            }
            if (!HasRoom(rest[0] + 1))
                return false;
            _names.Remember(Length, rest.Length);
            rest[..(rest[0] + 1)].CopyTo(_buffer[Length..]);
            Length += rest[0] + 1;
        }
        return TryPut(DnsName.Root);
    }

    private bool TryPut(scoped ReadOnlySpan<byte> bytes)
    {
        if (!HasRoom(bytes.Length))
            return false;
        bytes.CopyTo(_buffer[Length..]);
        Length += bytes.Length;
        return true;
    }

    private void PutUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[Length..], value);
        Length += sizeof(ushort);
    }

    private readonly record struct Mark(int Length, int NameCount, int RdataStart);
}
