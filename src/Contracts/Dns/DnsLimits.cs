namespace MeshDns.Contracts.Dns;

/// <summary>The bounds that every reader and writer here keeps to. Sizes are in bytes.</summary>
public static class DnsLimits
{
    /// <summary>The fixed header (RFC 1035 section 4.1.1).</summary>
    public const int HeaderSize = 12;

    /// <summary>A name on the wire, its length bytes and the root's zero byte included (RFC 1035 section 2.3.4).</summary>
    public const int MaxNameSize = 255;

    /// <summary>The bytes of one label (RFC 1035 section 2.3.4).</summary>
    public const int MaxLabelSize = 63;

    /// <summary>Labels in a name, the root not counted: 127 labels of one byte fill 255 bytes.</summary>
    public const int MaxLabels = 127;

    /// <summary>
    /// Compression pointers followed for one name. Each useful pointer leads to a label, so more than there can be labels is an attack on our time.
    /// </summary>
    public const int MaxPointers = MaxLabels;

    /// <summary>The characters of a name as text: every byte of every label written as \DDD, and the dots.</summary>
    public const int MaxNameTextSize = 4 * MaxNameSize;

    /// <summary>A message over TCP, whose length prefix has 16 bits.</summary>
    public const int MaxMessageSize = 65535;

    /// <summary>A UDP message for a client that sent no OPT record (RFC 1035 section 4.2.1).</summary>
    public const int MinUdpSize = 512;

    /// <summary>The largest UDP message that we send or ask for: it crosses every usual path unfragmented (DNS flag day 2020).</summary>
    public const int MaxUdpSize = 1232;
}
