using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>RFC 1035: names, compression, header, sections.</summary>
public class Rfc1035Tests
{
    private static readonly byte[] _address = [192, 0, 2, 1];

    [Fact]
    public void Section_4_1_4_the_example_of_compression_is_read()
    {
        // F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
        var message = new byte[93];
        Wire.Hex("0146 03495349 0441525041 00").CopyTo(message, 20);
        Wire.Hex("03464F4F C014").CopyTo(message, 40);
        Wire.Hex("C01A").CopyTo(message, 64);
        Assert.Equal("F.ISI.ARPA.", Wire.NameAt(message, 20));
        Assert.Equal("FOO.F.ISI.ARPA.", Wire.NameAt(message, 40));
        Assert.Equal("ARPA.", Wire.NameAt(message, 64));
        Assert.Equal(".", Wire.NameAt(message, 92));
        Assert.True(DnsName.TryRead(message, 40, new byte[255], out int length, out int next));
        Assert.Equal((16, 46), (length, next));
    }

    [Theory]
    [InlineData("C00C", "points at itself")]
    [InlineData("C00E", "points forward")]
    [InlineData("C002 00", "points into the header")]
    [InlineData("0161 C00C", "points at its own labels")]
    [InlineData("C0", "half a pointer")]
    [InlineData("0161", "no end")]
    [InlineData("0561", "label cut off")]
    [InlineData("4161 00", "label type 01")]
    [InlineData("8161 00", "label type 10")]
    [InlineData("", "nothing")]
    public void Section_4_1_4_a_malformed_name_is_refused(string hex, string why)
    {
        byte[] message = [.. new byte[12], .. Wire.Hex(hex)];
        Assert.False(DnsName.TryRead(message, 12, new byte[255], out _, out _), why);
    }

    [Fact]
    public void Section_4_1_4_two_pointers_cannot_make_a_loop()
    {
        byte[] message = [.. new byte[12], .. Wire.Hex("C00E C00C")];
        Assert.False(DnsName.TryRead(message, 14, new byte[255], out _, out _));
    }

    [Fact]
    public void Section_4_1_4_a_chain_of_pointers_is_bounded()
    {
        // 1000 pointers, each to the one before it, the first to a root.
        var message = new List<byte>([.. new byte[12], 0]);
        int target = 12;
        var starts = new List<int>();
        for (int i = 0; i < 1000; i++)
        {
            starts.Add(message.Count);
            message.AddRange([(byte)(0xC0 | (target >> 8)), (byte)target]);
            target = starts[^1];
        }
        byte[] bytes = [.. message];
        Assert.True(DnsName.TryRead(bytes, starts[DnsLimits.MaxPointers - 1], new byte[255], out int length, out _));
        Assert.Equal(1, length);
        Assert.False(DnsName.TryRead(bytes, starts[DnsLimits.MaxPointers], new byte[255], out _, out _));
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public void Section_2_3_4_a_label_has_at_most_63_bytes(int size, bool isGood) =>
        Assert.Equal(isGood, DnsName.TryParse(new string('a', size), new byte[255], out _));

    [Theory]
    [InlineData(253, true)]
    [InlineData(254, false)]
    public void Section_2_3_4_a_name_has_at_most_255_bytes(int textSize, bool isGood)
    {
        string label = new string('a', 49) + '.';
        string text = string.Concat(Enumerable.Repeat(label, 5)) + new string('b', textSize - 250);
        Assert.Equal(isGood, DnsName.TryParse(text, new byte[400], out int length));
        Assert.Equal(isGood ? 255 : 0, length);
        byte[] message = [.. new byte[12], .. string.Concat(Enumerable.Repeat(label, 5)).Split('.', StringSplitOptions.RemoveEmptyEntries)
            .Append(new string('b', textSize - 250)).SelectMany(part => (byte[])[(byte)part.Length, .. part.Select(c => (byte)c)]), 0];
        Assert.Equal(isGood, DnsName.TryRead(message, 12, new byte[400], out _, out _));
        Assert.Equal(isGood, DnsName.TrySkip(message, 12, out _));
        Assert.Equal(isGood, DnsName.TrySkipUncompressed(message, 12, out _));
    }

    [Theory]
    [InlineData(".", "00")]
    [InlineData("a.", "016100")]
    [InlineData(@"a\.b.c.", "03612E62016300")]
    [InlineData(@"\000\255\032\\.", "0400FF205C00")]
    [InlineData(@"x\@y\;.", "0478407 93B00")]
    public void Section_5_1_text_and_wire_correspond(string text, string hex)
    {
        byte[] wire = Wire.Hex(hex);
        Assert.Equal(text, DnsName.ToText(wire));
        Assert.Equal(wire, Wire.Name(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData(@"a\")]
    [InlineData(@"\256")]
    [InlineData(@"\25")]
    [InlineData("ä.example")]
    public void Section_5_1_bad_text_is_refused(string text)
    {
        Assert.False(DnsName.TryParse(text, new byte[255], out int length));
        Assert.Equal(0, length);
    }

    [Fact]
    public void Section_5_1_a_name_without_its_final_dot_is_the_same_name() => Assert.Equal(Wire.Name("a.example."), Wire.Name("a.example"));

    [Fact]
    public void Section_4_1_1_each_header_field_is_set_alone()
    {
        var message = new byte[12];
        DnsHeader.SetId(message, 0xABCD);
        DnsHeader.SetOpcode(message, Opcode.Update);
        DnsHeader.SetRcode(message, Rcode.Refused);
        DnsHeader.SetFlags(message, DnsFlags.Response | DnsFlags.Truncated | DnsFlags.CheckingDisabled);
        DnsHeader.SetCount(message, DnsSection.Additional, 7);
        Assert.Equal(Wire.Header("abcd aa15 0 0 0 7"), message);
        Assert.Equal(Opcode.Update, DnsHeader.GetOpcode(message));
        Assert.Equal(Rcode.Refused, DnsHeader.GetRcode(message));
        Assert.Equal(DnsFlags.Response | DnsFlags.Truncated | DnsFlags.CheckingDisabled, DnsHeader.GetFlags(message));
        Assert.Equal(0, DnsHeader.GetId(message.AsSpan(1)));
    }

    [Fact]
    public void Section_4_1_4_a_writer_points_to_what_it_wrote()
    {
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        Assert.True(writer.TryWriteQuestion(Wire.Name("www.Example.com"), DnsType.A));
        Assert.True(writer.TryWriteCname(Wire.Name("WWW.example.com"), 60, Wire.Name("a.example.COM")));
        Assert.True(writer.TryWriteA(Wire.Name("a.example.com"), 60, _address));
        Assert.Equal(
            Wire.Hex("0377777707 4578616D706C6503636F6D00 0001 0001" + "C00C 0005 0001 0000003C 0004 0161C010" + "C02D 0001 0001 0000003C 0004 C0000201"),
            writer.Message[12..].ToArray());
        Assert.Equal((1, 2), (writer.Count(DnsSection.Question), writer.Count(DnsSection.Answer)));
    }

    [Fact]
    public void Section_4_1_4_a_name_beyond_a_pointers_reach_is_written_again()
    {
        var writer = new MessageWriter(new byte[DnsLimits.MaxMessageSize]);
        Assert.True(writer.TryWriteRecord(DnsName.Root, DnsType.NULL, DnsClass.IN, 0, new byte[0x4000]));
        Assert.True(writer.TryWriteA(Wire.Name("a.b"), 1, _address) && writer.TryWriteA(Wire.Name("a.b"), 1, _address));
        Assert.Equal(["a.b.", "a.b."], Names(writer.Message));
        Assert.True(writer.TryWriteRecord(DnsName.Root, DnsType.NULL, DnsClass.IN, 0, new byte[0x4000]));
    }

    [Fact]
    public void More_names_than_are_remembered_are_still_written_right()
    {
        var writer = new MessageWriter(new byte[DnsLimits.MaxMessageSize]);
        string[] names = [.. Enumerable.Range(0, 500).Select(i => $"h{i}.example{i % 7}.com.")];
        foreach (string name in names)
            Assert.True(writer.TryWriteA(Wire.Name(name), 1, _address));
        Assert.Equal(names, Names(writer.Message));
    }

    [Fact]
    public void A_write_that_does_not_fit_leaves_the_message_as_it_was()
    {
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        writer.TryWriteQuestion(Wire.Name("example.com"), DnsType.MX);
        byte[] before = writer.Message.ToArray();
        const int Size = 9 + 10 + 2; // Owner of one label and a pointer, fixed fields, a pointer.
        for (int room = 0; room < Size; room++)
        {
            writer.Limit = before.Length + room;
            Assert.False(writer.TryWriteCname(Wire.Name("longer.example.com"), 1, Wire.Name("example.com")));
            Assert.Equal(before, writer.Message.ToArray());
        }
        writer.Limit = before.Length + Size;
        Assert.True(writer.TryWriteCname(Wire.Name("longer.example.com"), 1, Wire.Name("example.com")));
    }

    [Fact]
    public void A_rolled_back_name_is_not_pointed_to()
    {
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer) { Limit = 40 };
        Assert.False(writer.TryWriteCname(Wire.Name("aaaa.bbbb.cccc"), 1, Wire.Name("dddd.eeee.ffff.gggg")));
        writer.Limit = 512;
        Assert.True(writer.TryWriteA(Wire.Name("x.bbbb.cccc"), 1, _address));
        Assert.Equal("x.bbbb.cccc.", Wire.NameAt(writer.Message, 12));
        Assert.Equal(DnsLimits.HeaderSize + 13 + 10 + 4, writer.Length);
    }

    [Fact]
    public void Sections_come_in_order()
    {
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        var soa = new SoaData { PrimaryName = Wire.Name("ns.a"), Mailbox = Wire.Name("h.a"), Serial = 1, Refresh = 2, Retry = 3, Expire = 4, Minimum = 5 };
        writer.StartSection(DnsSection.Authority);
        Assert.True(writer.TryWriteSoa(Wire.Name("a"), 9, soa));
        Assert.False(writer.TryWriteQuestion(Wire.Name("a"), DnsType.A));
        writer.StartSection(DnsSection.Additional);
        Assert.True(writer.TryWriteTxt(Wire.Name("t.a"), 9, "hello"u8));
        bool isRefused = false;
        try
        {
            writer.StartSection(DnsSection.Answer);
        }
        catch (InvalidOperationException)
        {
            isRefused = true;
        }
        Assert.True(isRefused);
        List<RecordView> records = Wire.Records(writer.Message);
        Assert.Equal([DnsSection.Authority, DnsSection.Additional], records.Select(record => record.Section));
        Assert.True(Rdata.TryReadSoaMinimum(writer.Message, records[0], out uint minimum));
        Assert.Equal(5u, minimum);
    }

    [Fact]
    public void A_buffer_without_room_for_a_header_takes_nothing()
    {
        var writer = new MessageWriter(new byte[11]);
        Assert.False(writer.TryWriteQuestion(DnsName.Root, DnsType.A));
        Assert.False(writer.TryWriteOpt(new OptRecord()));
        Assert.Equal(0, writer.Length);
    }

    [Theory]
    [InlineData("1234 8000 1 0 0 0", "cut question", "0161")]
    [InlineData("1234 8000 0 1 0 0", "missing record", "")]
    [InlineData("1234 8000 0 0 0 1", "rdata longer than the message", "00 0001 0001 00000000 0004 0102")]
    public void A_count_that_promises_too_much_is_malformed(string header, string why, string body)
    {
        byte[] message = [.. Wire.Header(header), .. Wire.Hex(body)];
        var reader = new MessageReader(message);
        Assert.False(reader.TryReadRecord(out _), why);
        Assert.True(reader.IsMalformed, why);
    }

    private static string[] Names(ReadOnlySpan<byte> message)
    {
        byte[] bytes = message.ToArray();
        return [.. Wire.Records(bytes).Where(record => record.Type == DnsType.A).Select(record => Wire.NameAt(bytes, record.NameOffset))];
    }
}
