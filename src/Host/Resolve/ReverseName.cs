using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Resolve;

/// <summary>Names of the reverse zones: <c>d.c.b.a.in-addr.arpa</c> (RFC 1035 section 3.5) and 32 nibbles below <c>ip6.arpa</c> (RFC 3596 section 2.5).</summary>
internal static class ReverseName
{
    private const int MaxOctet = byte.MaxValue;

    private static ReadOnlySpan<byte> V4Zone => "\u0007in-addr\u0004arpa\0"u8;
    private static ReadOnlySpan<byte> V6Zone => "\u0003ip6\u0004arpa\0"u8;

    /// <summary>False for nearly every name that is none.</summary>
    public static bool IsOne(ReadOnlySpan<byte> name) => name.EndsWith("\u0004arpa\0"u8);

    /// <summary>Reads the address, or the beginning of one, that a name stands for. False for every other name.</summary>
    /// <param name="foldedName">Lower case, wire form.</param>
    /// <param name="address">Takes it, 16 bytes; zero behind what the name says.</param>
    /// <param name="size">4 or 16.</param>
    /// <param name="bits">How many bits the name says: 32 or 128 for a whole address.</param>
    public static bool TryParse(ReadOnlySpan<byte> foldedName, Span<byte> address, out int size, out int bits)
    {
        address.Clear();
        (size, bits) = (0, 0);
        var isV4 = foldedName.EndsWith(V4Zone);
        if (!isV4 && !foldedName.EndsWith(V6Zone)) return false;
        size = isV4 ? 4 : 16;
        var labels = foldedName[..^(isV4 ? V4Zone : V6Zone).Length];
        var count = DnsName.CountLabels(foldedName) - 2;
        if (count == 0 || count > (isV4 ? 4 : 32)) return false;
        for (var i = count - 1; i >= 0; i--)
        {
            // A label that is no number, or a zone's name that does not begin at a label, ends the reading.
            if (labels.IsEmpty || labels[0] >= labels.Length) return false;
            var label = labels.Slice(1, labels[0]);
            labels = labels[(label.Length + 1)..];
            if (isV4 ? !TryReadOctet(label, ref address[i]) : !TryReadNibble(label, i, address)) return false;
        }
        bits = count * (isV4 ? 8 : 4);
        return labels.IsEmpty;
    }

    private static bool TryReadOctet(ReadOnlySpan<byte> label, ref byte octet)
    {
        if (label.Length > 3 || (label[0] == '0' && label.Length > 1)) return false;
        var value = 0;
        foreach (var digit in label)
        {
            if (digit is < (byte)'0' or > (byte)'9') return false;
            value = (value * 10) + digit - '0';
        }
        octet = (byte)value;
        return value <= MaxOctet;
    }

    private static bool TryReadNibble(ReadOnlySpan<byte> label, int index, Span<byte> address)
    {
        if (label.Length != 1) return false;
        var value = label[0] switch
        {
            >= (byte)'0' and <= (byte)'9' => label[0] - '0',
            >= (byte)'a' and <= (byte)'f' => label[0] - 'a' + 10,
            _ => -1,
        };
        if (value < 0) return false;
        address[index / 2] |= (byte)(index % 2 == 0 ? value << 4 : value);
        return true;
    }
}
