using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>An OPT record to write (RFC 6891). The default value is a plain one of version 0 with our UDP size.</summary>
public readonly ref struct OptRecord
{
    private const int FixedSize = 11;
    private const int OptionHeaderSize = 4;

    /// <summary>A plain OPT record.</summary>
    public OptRecord()
    {
    }

    /// <summary>The largest UDP message that we take.</summary>
    public ushort UdpPayloadSize { get; init; } = DnsLimits.MaxUdpSize;

    /// <summary>The message's whole rcode; see <see cref="MessageWriter.TryWriteOpt"/>.</summary>
    public Rcode Rcode { get; init; }

    /// <summary>The EDNS version.</summary>
    public byte Version { get; init; }

    /// <summary>DO, copied from the query into a reply (RFC 3225 section 3).</summary>
    public bool DnssecOk { get; init; }

    /// <summary>The cookie option's data: 8, or 16 to 40 bytes; empty for none (RFC 7873).</summary>
    public ReadOnlySpan<byte> Cookie { get; init; }

    /// <summary>An extended error, or none (RFC 8914).</summary>
    public EdeCode? ExtendedError { get; init; }

    /// <summary>The extended error's text: UTF-8, short, without a final zero byte.</summary>
    public ReadOnlySpan<byte> ExtendedErrorText { get; init; }

    /// <summary>Further options as they go on the wire: code, length, data, and so on.</summary>
    public ReadOnlySpan<byte> OtherOptions { get; init; }

    /// <summary>Bytes that the record takes: what to keep free of <see cref="MessageWriter.Limit"/>.</summary>
    public int Size => FixedSize + OptionsSize;

    internal int OptionsSize => CookieSize + ErrorSize + OtherOptions.Length;

    private int CookieSize => Cookie.IsEmpty ? 0 : OptionHeaderSize + Cookie.Length;

    private int ErrorSize => ExtendedError is null ? 0 : OptionHeaderSize + sizeof(ushort) + ExtendedErrorText.Length;

    /// <summary>
    /// Writes the whole record: the root as its owner, the upper eight bits of the rcode, then cookie, error and other options. The lower four bits and the count
    /// are the header's.
    /// </summary>
    /// <param name="record">Takes <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> record)
    {
        uint fields = ((uint)Rcode >> 4 << 24) | ((uint)Version << 16) | (DnssecOk ? 0x8000u : 0);
        record[0] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(record[1..], (ushort)DnsType.OPT);
        BinaryPrimitives.WriteUInt16BigEndian(record[3..], UdpPayloadSize);
        BinaryPrimitives.WriteUInt32BigEndian(record[5..], fields);
        BinaryPrimitives.WriteUInt16BigEndian(record[9..], (ushort)OptionsSize);
        Span<byte> options = record[FixedSize..];
        if (!Cookie.IsEmpty)
        {
            WriteHead(options, EdnsOptionCode.Cookie, Cookie.Length);
            Cookie.CopyTo(options[OptionHeaderSize..]);
            options = options[CookieSize..];
        }
        if (ExtendedError is { } error)
        {
            WriteHead(options, EdnsOptionCode.ExtendedDnsError, sizeof(ushort) + ExtendedErrorText.Length);
            BinaryPrimitives.WriteUInt16BigEndian(options[OptionHeaderSize..], (ushort)error);
            ExtendedErrorText.CopyTo(options[(OptionHeaderSize + sizeof(ushort))..]);
            options = options[ErrorSize..];
        }
        OtherOptions.CopyTo(options);
    }

    private static void WriteHead(Span<byte> option, EdnsOptionCode code, int length)
    {
        BinaryPrimitives.WriteUInt16BigEndian(option, (ushort)code);
        BinaryPrimitives.WriteUInt16BigEndian(option[2..], (ushort)length);
    }
}

public ref partial struct MessageWriter
{
    /// <summary>
    /// Writes the OPT record into the additional section, and the whole of its rcode: the lower four bits into the header, the upper eight into
    /// the record. To be written once a message.
    /// </summary>
    public bool TryWriteOpt(scoped OptRecord opt)
    {
        if (opt.OptionsSize > ushort.MaxValue || !HasRoom(opt.Size))
            return false;
        opt.Write(_buffer[Length..]);
        Length += opt.Size;
        _section = DnsSection.Additional;
        AddToCount(_section);
        DnsHeader.SetRcode(_buffer, opt.Rcode);
        return true;
    }
}
