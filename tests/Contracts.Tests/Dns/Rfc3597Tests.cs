using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>RFC 3597: unknown types, and which embedded names may be compressed.</summary>
public class Rfc3597Tests
{
    // Every message has example.com as its question, at 12; com is at 20.
    private const string Question = "07657861 6D706C65 03636F6D 00 0001 0001";
    private const string Expanded = "0161 07657861 6D706C65 03636F6D 00";
    private const string Compressed = "0161 C00C";

    [Theory]
    [InlineData(DnsType.NS, Compressed, Compressed)]
    [InlineData(DnsType.CNAME, Compressed, Compressed)]
    [InlineData(DnsType.PTR, Compressed, Compressed)]
    [InlineData(DnsType.MX, "000A" + Compressed, "000A" + Compressed)]
    [InlineData(DnsType.MINFO, Compressed + "C00C", Compressed + "C00C")]
    [InlineData(DnsType.SOA, Compressed + "C00C 0000000100000002000000030000000400000005", Compressed + "C00C 0000000100000002000000030000000400000005")]
    [InlineData(DnsType.SRV, "0001 0002 0003" + Compressed, "0001 0002 0003" + Expanded)]
    [InlineData(DnsType.DNAME, Compressed, Expanded)]
    [InlineData(DnsType.RP, Compressed + Compressed, Expanded + Expanded)]
    [InlineData(DnsType.AFSDB, "0001" + Compressed, "0001" + Expanded)]
    [InlineData(DnsType.NAPTR, "0001 0002 0173 00 0278 79" + Compressed, "0001 0002 0173 00 0278 79" + Expanded)]
    [InlineData(DnsType.RRSIG, "0001 08 02 00000001 00000002 00000003 1234" + Compressed + "AABB", "0001 08 02 00000001 00000002 00000003 1234" + Expanded + "AABB")]
    [InlineData(DnsType.NSEC, Compressed + "000140", Expanded + "000140")]
    [InlineData(DnsType.TXT, "0461C00C00", "0461C00C00")]
    [InlineData((DnsType)65280, "C00C", "C00C")]
    public void Section_4_a_copy_expands_embedded_names_and_compresses_only_the_old_types(DnsType type, string received, string copied)
    {
        byte[] source = Message(type, received);
        RecordView record = Wire.Records(source)[0];
        Assert.True(Rdata.IsWellFormed(source, record));
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        writer.TryWriteQuestion(Wire.Name("example.com"), DnsType.A);
        Assert.True(writer.TryCopyRecord(source, record, 7));
        RecordView copy = Wire.Records(writer.Message)[0];
        Assert.Equal(Wire.Hex(copied), copy.Rdata(writer.Message).ToArray());
        Assert.Equal((type, 7u, "example.com."), (copy.Type, copy.Ttl, Wire.NameAt(writer.Message, copy.NameOffset)));
    }

    [Theory]
    [InlineData(DnsType.A, "010203")]
    [InlineData(DnsType.AAAA, "01020304")]
    [InlineData(DnsType.CNAME, "")]
    [InlineData(DnsType.CNAME, "0161C00C00")]
    [InlineData(DnsType.CNAME, "0561")]
    [InlineData(DnsType.CNAME, "C0FF")]
    [InlineData(DnsType.MX, "00")]
    [InlineData(DnsType.SOA, "C00CC00C 00000001")]
    [InlineData(DnsType.NAPTR, "0001 0002 FF73")]
    [InlineData(DnsType.RRSIG, "0001 08")]
    public void Malformed_data_is_not_copied(DnsType type, string received)
    {
        byte[] source = Message(type, received);
        RecordView record = Wire.Records(source)[0];
        Assert.False(Rdata.IsWellFormed(source, record));
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        Assert.False(writer.TryCopyRecord(source, record, 7));
        Assert.Equal(DnsLimits.HeaderSize, writer.Length);
    }

    private static byte[] Message(DnsType type, string rdata)
    {
        byte[] data = Wire.Hex(rdata);
        byte[] fields = [0xC0, 12, (byte)((int)type >> 8), (byte)type, 0, 1, 0, 0, 0, 60, 0, (byte)data.Length];
        return [.. Wire.Header("1 8000 1 1 0 0"), .. Wire.Hex(Question), .. fields, .. data];
    }
}
