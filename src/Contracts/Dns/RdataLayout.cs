namespace MeshDns.Contracts.Dns;

/// <summary>
/// Where the names are inside a type's data. A name there may have been compressed by the sender, so the data cannot be copied to another message
/// as bytes. Only the types of RFC 1035 may be compressed when written; those of RFC 3597 section 4 are only expanded; any other is opaque.
/// </summary>
/// <param name="Prefix">Fixed bytes before the first name.</param>
/// <param name="Strings">Character strings (a length byte and as many bytes) after the prefix.</param>
/// <param name="Names">How many names follow; 0 for opaque data.</param>
/// <param name="Suffix">Fixed bytes after the last name, or <see cref="AnySuffix"/>.</param>
/// <param name="MayCompress">True when a writer may compress the names.</param>
internal readonly record struct RdataLayout(int Prefix, int Strings, int Names, int Suffix, bool MayCompress)
{
    public const int AnySuffix = -1;

    public static RdataLayout Of(DnsType type) => type switch
    {
        DnsType.NS or DnsType.CNAME or DnsType.PTR or DnsType.MB or DnsType.MD or DnsType.MF or DnsType.MG or DnsType.MR => new(0, 0, 1, 0, true),
        DnsType.SOA => new(0, 0, 2, 20, true),
        DnsType.MX => new(2, 0, 1, 0, true),
        DnsType.MINFO => new(0, 0, 2, 0, true),
        DnsType.DNAME => new(0, 0, 1, 0, false),
        DnsType.SRV => new(6, 0, 1, 0, false),
        DnsType.NAPTR => new(4, 3, 1, 0, false),
        DnsType.AFSDB or DnsType.RT or DnsType.KX => new(2, 0, 1, 0, false),
        DnsType.RP => new(0, 0, 2, 0, false),
        DnsType.PX => new(2, 0, 2, 0, false),
        DnsType.RRSIG or DnsType.SIG => new(18, 0, 1, AnySuffix, false),
        DnsType.NSEC or DnsType.NXT => new(0, 0, 1, AnySuffix, false),
        _ => default,
    };

    /// <summary>The first name's offset in the message, after the prefix and the strings; false when they do not fit before <paramref name="end"/>.</summary>
    public bool TryFindNames(ReadOnlySpan<byte> message, int start, int end, out int offset)
    {
        offset = start + Prefix;
        for (int i = 0; i < Strings && offset < end; i++)
            offset += 1 + message[offset];
        return offset <= end;
    }
}

/// <summary>Checks and reads the data of a record in place.</summary>
public static class Rdata
{
    private const int SoaNumbersSize = 20;

    /// <summary>
    /// True when the data has the shape of its type: whole, readable names that end inside it, and for A and AAAA of class IN 4 and 16 bytes.
    /// Data of a type without embedded names is always well formed. What this accepts, a copy refuses only for want of room.
    /// </summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> message, in RecordView record)
    {
        if (record.Class == DnsClass.IN && record.Type is DnsType.A or DnsType.AAAA)
            return record.RdataLength == (record.Type == DnsType.A ? 4 : 16);
        RdataLayout layout = RdataLayout.Of(record.Type);
        if (layout.Names == 0)
            return true;
        int end = record.EndOffset;
        if (!layout.TryFindNames(message, record.RdataOffset, end, out int offset))
            return false;
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        for (int i = 0; i < layout.Names; i++)
        {
            if (!DnsName.TryRead(message, offset, name, out _, out offset) || offset > end)
                return false;
        }
        return layout.Suffix == RdataLayout.AnySuffix || end - offset == layout.Suffix;
    }

    /// <summary>The MINIMUM of an SOA record in seconds, which bounds the negative TTL (RFC 2308 section 5). False for other or malformed records.</summary>
    public static bool TryReadSoaMinimum(ReadOnlySpan<byte> message, in RecordView record, out uint minimum)
    {
        minimum = 0;
        if (record.Type != DnsType.SOA || record.RdataLength < SoaNumbersSize || !IsWellFormed(message, record))
            return false;
        minimum = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(message[(record.EndOffset - 4)..]);
        return true;
    }
}
