using System.Buffers.Binary;

namespace MeshDns.Contracts.Dns;

/// <summary>The OPT record of a message (RFC 6891 section 6.1), decoded in place.</summary>
public readonly ref struct OptView
{
    private readonly uint _fields;

    private OptView(ushort udpPayloadSize, uint fields, ReadOnlySpan<byte> options)
    {
        UdpPayloadSize = udpPayloadSize;
        _fields = fields;
        Options = options;
    }

    /// <summary>The largest UDP message that the sender takes, as sent: values below 512 mean 512.</summary>
    public ushort UdpPayloadSize { get; }

    /// <summary>The upper eight bits of the rcode, see <see cref="FullRcode"/>.</summary>
    public byte ExtendedRcode => (byte)(_fields >> 24);

    /// <summary>The EDNS version; only 0 is defined.</summary>
    public byte Version => (byte)(_fields >> 16);

    /// <summary>DO: the sender wants DNSSEC records (RFC 3225).</summary>
    public bool DnssecOk => (_fields & 0x8000) != 0;

    /// <summary>The options as sent; step through them with an <see cref="EdnsOptionReader"/>.</summary>
    public ReadOnlySpan<byte> Options { get; }

    /// <summary>The whole rcode of the message that this record is in.</summary>
    public Rcode FullRcode(ReadOnlySpan<byte> message) => (Rcode)((ExtendedRcode << 4) | (int)DnsHeader.GetRcode(message));

    /// <summary>
    /// Decodes a record as OPT. False when it is another type, stands outside the additional section, has another owner than the root, or its
    /// options do not fill its data exactly.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> message, in RecordView record, out OptView opt)
    {
        opt = default;
        if (record.Type != DnsType.OPT || record.Section != DnsSection.Additional || message[record.NameOffset] != 0)
            return false;
        ReadOnlySpan<byte> options = record.Rdata(message);
        var reader = new EdnsOptionReader(options);
        while (reader.TryRead(out _, out _))
        {
        }
        if (reader.IsMalformed)
            return false;
        opt = new OptView((ushort)record.Class, record.RawTtl, options);
        return true;
    }
}

/// <summary>Steps through the options of an OPT record. Each step consumes at least four bytes.</summary>
public ref struct EdnsOptionReader(ReadOnlySpan<byte> options)
{
    private const int OptionHeaderSize = 4;
    private ReadOnlySpan<byte> _rest = options;

    /// <summary>True once an option was cut off.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The next option; false after the last one, or at one that is cut off.</summary>
    public bool TryRead(out EdnsOptionCode code, out ReadOnlySpan<byte> data)
    {
        code = default;
        data = default;
        if (_rest.IsEmpty || IsMalformed)
            return false;
        int length = _rest.Length < OptionHeaderSize ? int.MaxValue : BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]);
        if (length > _rest.Length - OptionHeaderSize)
        {
            IsMalformed = true;
            return false;
        }
        code = (EdnsOptionCode)BinaryPrimitives.ReadUInt16BigEndian(_rest);
        data = _rest.Slice(OptionHeaderSize, length);
        _rest = _rest[(OptionHeaderSize + length)..];
        return true;
    }
}
