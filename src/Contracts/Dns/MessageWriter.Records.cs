using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>The data of an SOA record (RFC 1035 section 3.3.13). Names are in wire form, times in seconds.</summary>
public readonly ref struct SoaData
{
    /// <summary>MNAME: the primary server's name.</summary>
    public ReadOnlySpan<byte> PrimaryName { get; init; }

    /// <summary>RNAME: the responsible person's mailbox as a name.</summary>
    public ReadOnlySpan<byte> Mailbox { get; init; }

    /// <summary>SERIAL.</summary>
    public uint Serial { get; init; }

    /// <summary>REFRESH in seconds.</summary>
    public uint Refresh { get; init; }

    /// <summary>RETRY in seconds.</summary>
    public uint Retry { get; init; }

    /// <summary>EXPIRE in seconds.</summary>
    public uint Expire { get; init; }

    /// <summary>MINIMUM in seconds: the negative TTL (RFC 2308 section 4).</summary>
    public uint Minimum { get; init; }

    /// <summary>The bytes of the numbers, which follow the two names.</summary>
    public const int NumbersSize = 20;

    /// <summary>Writes the numbers.</summary>
    /// <param name="data">Takes <see cref="NumbersSize"/> bytes.</param>
    public void WriteNumbers(Span<byte> data)
    {
        BinaryPrimitives.WriteUInt32BigEndian(data, Serial);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], Refresh);
        BinaryPrimitives.WriteUInt32BigEndian(data[8..], Retry);
        BinaryPrimitives.WriteUInt32BigEndian(data[12..], Expire);
        BinaryPrimitives.WriteUInt32BigEndian(data[16..], Minimum);
    }
}

public ref partial struct MessageWriter
{
    private const int MaxStringSize = 255;

    /// <summary>An A record of class IN; the address has four bytes in network order.</summary>
    public bool TryWriteA(scoped ReadOnlySpan<byte> owner, uint ttl, scoped ReadOnlySpan<byte> address) =>
        address.Length == 4 && TryWriteRecord(owner, DnsType.A, DnsClass.IN, ttl, address);

    /// <summary>An AAAA record of class IN; the address has 16 bytes in network order.</summary>
    public bool TryWriteAaaa(scoped ReadOnlySpan<byte> owner, uint ttl, scoped ReadOnlySpan<byte> address) =>
        address.Length == 16 && TryWriteRecord(owner, DnsType.AAAA, DnsClass.IN, ttl, address);

    /// <summary>A CNAME record of class IN.</summary>
    public bool TryWriteCname(scoped ReadOnlySpan<byte> owner, uint ttl, scoped ReadOnlySpan<byte> target) => TryWriteTarget(owner, DnsType.CNAME, ttl, target);

    /// <summary>A PTR record of class IN.</summary>
    public bool TryWritePtr(scoped ReadOnlySpan<byte> owner, uint ttl, scoped ReadOnlySpan<byte> target) => TryWriteTarget(owner, DnsType.PTR, ttl, target);

    /// <summary>An NS record of class IN.</summary>
    public bool TryWriteNs(scoped ReadOnlySpan<byte> owner, uint ttl, scoped ReadOnlySpan<byte> target) => TryWriteTarget(owner, DnsType.NS, ttl, target);

    /// <summary>An SRV record of class IN. Its target is not compressed (RFC 2782).</summary>
    public bool TryWriteSrv(scoped ReadOnlySpan<byte> owner, uint ttl, ushort priority, ushort weight, ushort port, scoped ReadOnlySpan<byte> target)
    {
        Mark mark = Here();
        if (!TryStart(owner, DnsType.SRV, DnsClass.IN, ttl, ref mark) || !HasRoom(6))
            return Undo(mark);
        PutUInt16(priority);
        PutUInt16(weight);
        PutUInt16(port);
        return TryPutName(target, compress: false) ? Done(mark) : Undo(mark);
    }

    /// <summary>An SOA record of class IN.</summary>
    public bool TryWriteSoa(scoped ReadOnlySpan<byte> owner, uint ttl, scoped SoaData soa)
    {
        Span<byte> numbers = stackalloc byte[SoaData.NumbersSize];
        soa.WriteNumbers(numbers);
        Mark mark = Here();
        bool isWritten = TryStart(owner, DnsType.SOA, DnsClass.IN, ttl, ref mark)
            && TryPutName(soa.PrimaryName, compress: true)
            && TryPutName(soa.Mailbox, compress: true)
            && TryPut(numbers);
        return isWritten ? Done(mark) : Undo(mark);
    }

    /// <summary>A HINFO record of class IN, such as the one that answers ANY (RFC 8482 section 4.2: CPU "RFC8482", empty OS). Strings have up to 255 bytes.</summary>
    public bool TryWriteHinfo(scoped ReadOnlySpan<byte> owner, uint ttl, scoped ReadOnlySpan<byte> cpu, scoped ReadOnlySpan<byte> os)
    {
        Mark mark = Here();
        return TryStart(owner, DnsType.HINFO, DnsClass.IN, ttl, ref mark) && TryPutString(cpu) && TryPutString(os) ? Done(mark) : Undo(mark);
    }

    /// <summary>A TXT record of class IN with one string of up to 255 bytes.</summary>
    public bool TryWriteTxt(scoped ReadOnlySpan<byte> owner, uint ttl, scoped ReadOnlySpan<byte> text)
    {
        Mark mark = Here();
        return TryStart(owner, DnsType.TXT, DnsClass.IN, ttl, ref mark) && TryPutString(text) ? Done(mark) : Undo(mark);
    }

    private bool TryWriteTarget(scoped ReadOnlySpan<byte> owner, DnsType type, uint ttl, scoped ReadOnlySpan<byte> target)
    {
        Mark mark = Here();
        return TryStart(owner, type, DnsClass.IN, ttl, ref mark) && TryPutName(target, compress: true) ? Done(mark) : Undo(mark);
    }

    private bool TryPutString(scoped ReadOnlySpan<byte> text)
    {
        if (text.Length > MaxStringSize || !HasRoom(1))
            return false;
        _buffer[Length++] = (byte)text.Length;
        return TryPut(text);
    }
}
