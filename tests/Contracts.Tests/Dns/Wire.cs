using System.Globalization;
using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>Short ways for tests to say names and messages.</summary>
internal static class Wire
{
    public static byte[] Name(string text)
    {
        var wire = new byte[DnsLimits.MaxNameSize];
        Assert.True(DnsName.TryParse(text, wire, out int length), text);
        return wire[..length];
    }

    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>A header from its six words, each in hexadecimal: id flags qd an ns ar.</summary>
    public static byte[] Header(string words) => [.. words.Split(' ').SelectMany(Word)];

    public static byte[] Query(string name, DnsType type, params byte[][] additional)
    {
        byte[] header = Header($"1234 0100 1 0 0 {additional.Length:x}");
        return [.. header, .. Name(name), (byte)((int)type >> 8), (byte)type, 0, 1, .. additional.SelectMany(bytes => bytes)];
    }

    /// <summary>An OPT record of UDP size 4096 with the given version, flags and options.</summary>
    public static byte[] Opt(byte version = 0, ushort flags = 0, params byte[] options) =>
        [0, 0, 41, 0x10, 0, 0, version, (byte)(flags >> 8), (byte)flags, (byte)(options.Length >> 8), (byte)options.Length, .. options];

    public static byte[] Option(EdnsOptionCode code, params byte[] data) =>
        [(byte)((int)code >> 8), (byte)code, (byte)(data.Length >> 8), (byte)data.Length, .. data];

    public static string NameAt(ReadOnlySpan<byte> message, int offset)
    {
        Span<byte> name = stackalloc byte[DnsLimits.MaxNameSize];
        Assert.True(DnsName.TryRead(message, offset, name, out int length, out _));
        return DnsName.ToText(name[..length]);
    }

    public static List<RecordView> Records(ReadOnlySpan<byte> message)
    {
        var records = new List<RecordView>();
        var reader = new MessageReader(message);
        while (reader.TryReadRecord(out RecordView record))
            records.Add(record);
        Assert.False(reader.IsMalformed);
        return records;
    }

    private static byte[] Word(string hex)
    {
        ushort word = ushort.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return [(byte)(word >> 8), (byte)word];
    }
}
