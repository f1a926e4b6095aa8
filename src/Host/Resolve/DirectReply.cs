using System.Buffers.Binary;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve;

/// <summary>
/// Writes the replies that nearly every query gets, the addresses of the very name that was asked or a denial, byte for byte as
/// <see cref="MessageWriter"/> would: every name is a pointer into the question, so there is nothing to compress. A mutable struct: passed by reference.
/// </summary>
internal ref struct DirectReply
{
    /// <summary>The bytes of a pointer to a name.</summary>
    public const int PointerSize = 2;

    private const int FlagsOffset = 2;
    private const int CountsOffset = 4;
    private const int HeadSize = 12; // owner, type, class, TTL, data length
    private const int Pointer = 0xC000;
    private readonly Span<byte> _reply;
    private readonly int _room;

    // As in the header: questions, answers, authority, additional.
    private ulong _counts = 1UL << 48;

    /// <summary>Begins with the question.</summary>
    /// <param name="query">The client's query.</param>
    /// <param name="reply">Takes the reply.</param>
    /// <param name="room">Records may end here.</param>
    public DirectReply(in DnsQuery query, Span<byte> reply, int room)
    {
        var question = query.Question;
        question.CopyTo(reply[DnsLimits.HeaderSize..]);
        Length = DnsLimits.HeaderSize + question.Length;
        _reply = reply;
        _room = room;
    }

    /// <summary>Bytes so far, the header's among them.</summary>
    public int Length { get; private set; }

    /// <summary>True once a record had no room.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Writes a pointer to where a name begins in the question's.</summary>
    public static void WritePointer(Span<byte> data, int offset) => BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)(Pointer | (DnsLimits.HeaderSize + offset)));

    /// <summary>False when there is no room for a record with so much data; the reply is cut then.</summary>
    public bool HasRoom(int dataSize)
    {
        IsCut = Length + HeadSize + dataSize > _room;
        return !IsCut;
    }

    /// <summary>Adds a record that has room. Returns where its data go.</summary>
    /// <param name="section">Answer or authority.</param>
    /// <param name="type">Its type.</param>
    /// <param name="ttl">Seconds.</param>
    /// <param name="dataSize">The bytes of its data.</param>
    /// <param name="owner">Where its owner begins in the question's name.</param>
    public Span<byte> Add(DnsSection section, DnsType type, uint ttl, int dataSize, int owner = 0)
    {
        var record = _reply.Slice(Length, HeadSize + dataSize);
        var pointer = (ulong)(Pointer | (DnsLimits.HeaderSize + owner));
        BinaryPrimitives.WriteUInt64BigEndian(record, (pointer << 48) | ((ulong)type << 32) | ((ulong)DnsClass.IN << 16) | (ttl >> 16));
        BinaryPrimitives.WriteUInt32BigEndian(record[8..], (ttl << 16) | (uint)dataSize);
        Length += HeadSize + dataSize;
        _counts += section == DnsSection.Answer ? 1UL << 32 : 1UL << 16;
        return record[HeadSize..];
    }

    /// <summary>Writes the header, and OPT where the query has it.</summary>
    public void End(in DnsQuery query, Rcode rcode, in OptRecord opt)
    {
        var flags = DnsFlags.Response | DnsFlags.Authoritative | DnsFlags.RecursionAvailable | (query.Flags & (DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled));
        if (IsCut) flags |= DnsFlags.Truncated;
        if (query.HasEdns)
        {
            opt.Write(_reply[Length..]);
            Length += opt.Size;
            _counts++;
        }
        BinaryPrimitives.WriteUInt16BigEndian(_reply, query.Id);
        BinaryPrimitives.WriteUInt16BigEndian(_reply[FlagsOffset..], (ushort)((ushort)flags | (ushort)rcode));
        BinaryPrimitives.WriteUInt64BigEndian(_reply[CountsOffset..], _counts);
    }
}
