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
        uint fields = ((uint)opt.Rcode >> 4 << 24) | ((uint)opt.Version << 16) | (opt.DnssecOk ? 0x8000u : 0);
        Mark mark = Here();
        if (!TryStart(DnsName.Root, DnsType.OPT, (DnsClass)opt.UdpPayloadSize, fields, ref mark))
            return Undo(mark);
        if (!opt.Cookie.IsEmpty)
        {
            PutOptionHeader(EdnsOptionCode.Cookie, opt.Cookie.Length);
            TryPut(opt.Cookie);
        }
        if (opt.ExtendedError is { } error)
        {
            PutOptionHeader(EdnsOptionCode.ExtendedDnsError, sizeof(ushort) + opt.ExtendedErrorText.Length);
            PutUInt16((ushort)error);
            TryPut(opt.ExtendedErrorText);
        }
        TryPut(opt.OtherOptions);
        _section = DnsSection.Additional;
        DnsHeader.SetRcode(_buffer, opt.Rcode);
        return Done(mark);
    }

    private void PutOptionHeader(EdnsOptionCode code, int length)
    {
        PutUInt16((ushort)code);
        PutUInt16((ushort)length);
    }
}
