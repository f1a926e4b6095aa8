using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>What each kind of bad input gets, and what a good query says.</summary>
public class QueryTests
{
    private const string Question = "0161 00 0001 0001";
    private const string OptHex = "00 0029 1000 00000000 0000";

    [Fact]
    public void A_query_is_read_in_place()
    {
        byte[] packet = Wire.Query("Www.Example.com", DnsType.AAAA, Wire.Opt(flags: 0x8000));
        DnsHeader.SetFlags(packet, DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled | DnsFlags.AuthenticData);
        Assert.Equal(QueryParse.Ok, DnsQuery.TryParse(packet, out DnsQuery query));
        Assert.Equal("Www.Example.com.", DnsName.ToText(query.QuestionName));
        Assert.Equal((0x1234, DnsType.AAAA, DnsClass.IN), (query.Id, query.Type, query.Class));
        Assert.True(query.RecursionDesired && query.CheckingDisabled && query.AuthenticData && query.HasEdns && query.DnssecOk);
        Assert.Equal((4096, DnsLimits.MaxUdpSize, 12 + 17 + 4), (query.UdpPayloadSize, query.MaxUdpReplySize, query.QuestionEnd));
    }

    [Theory]
    [InlineData("1 0000 1 0 0 0", Question, QueryParse.Ok, "plain")]
    [InlineData("1 0000 1 0 0 0", Question + "FFFF", QueryParse.Ok, "trailing bytes, as BIND and unbound")]
    [InlineData("1 8000 1 0 0 0", Question, QueryParse.Drop, "a response")]
    [InlineData("1 1000 1 0 0 0", Question, QueryParse.NotImp, "STATUS")]
    [InlineData("1 7800 9 9 9 9", "FF", QueryParse.NotImp, "unknown opcode of unknown shape")]
    [InlineData("1 0000 0 0 0 0", "", QueryParse.FormErr, "no question")]
    [InlineData("1 0000 0 0 0 1", OptHex, QueryParse.FormErr, "no question, OPT without cookie")]
    [InlineData("1 0000 2 0 0 0", Question + Question, QueryParse.FormErr, "two questions")]
    [InlineData("1 0000 1 0 0 0", "0161 00 0001 00", QueryParse.FormErr, "cut question")]
    [InlineData("1 0000 1 0 0 0", "C00C 0001 0001", QueryParse.FormErr, "pointer to itself")]
    [InlineData("1 0000 1 0 0 1", "0161C000 0001 0001", QueryParse.FormErr, "pointer in the question")]
    [InlineData("1 0000 1 0 0 0", "0161 00 0001 0003", QueryParse.Refused, "class CH")]
    [InlineData("1 0000 1 0 0 0", "0161 00 0001 00FF", QueryParse.Refused, "class ANY")]
    [InlineData("1 0000 1 1 0 0", Question + "00 0001 0001 00000000 0000", QueryParse.FormErr, "an answer in a query")]
    [InlineData("1 0000 1 0 0 1", Question, QueryParse.FormErr, "missing additional record")]
    [InlineData("1 0000 1 0 0 1", Question + OptHex, QueryParse.Ok, "OPT")]
    [InlineData("1 0000 1 0 0 2", Question + OptHex + OptHex, QueryParse.FormErr, "two OPT records")]
    [InlineData("1 0000 1 0 0 1", Question + "0162" + OptHex, QueryParse.FormErr, "OPT owned by a name")]
    [InlineData("1 0000 1 0 1 0", Question + OptHex, QueryParse.FormErr, "OPT in the authority section")]
    [InlineData("1 0000 1 0 0 1", Question + "00 0029 1000 00010000 0000", QueryParse.BadVers, "EDNS version 1")]
    [InlineData("1 0000 1 0 0 1", Question + "00 0029 1000 00000000 0004 00030001", QueryParse.FormErr, "option cut off")]
    [InlineData("1 0000 1 0 0 1", Question + "00 0029 1000 00000000 0002 0003", QueryParse.FormErr, "option header cut off")]
    [InlineData("1 0000 1 0 0 1", Question + "00 0029 1000 00000000 0006 FDE9 0002 0102", QueryParse.Ok, "unknown option")]
    [InlineData("1 0000 1 0 0 2", Question + OptHex + "00 00FA 00FF 00000000 0000", QueryParse.Ok, "TSIG is stepped over")]
    public void Each_packet_gets_its_verdict(string header, string body, QueryParse expected, string why)
    {
        byte[] packet = [.. Wire.Header(header), .. Wire.Hex(body)];
        Assert.True(expected == DnsQuery.TryParse(packet, out _), why);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    public void Less_than_a_header_is_dropped(int size)
    {
        Assert.Equal(QueryParse.Drop, DnsQuery.TryParse(new byte[size], out _));
        Assert.False(ErrorReply.TryWrite(new byte[size], Rcode.FormErr, new byte[512], out _));
    }

    [Theory]
    [InlineData(DnsType.A, false)]
    [InlineData(DnsType.ANY, false)]
    [InlineData(DnsType.CAA, false)]
    [InlineData((DnsType)127, false)]
    [InlineData(DnsType.None, true)]
    [InlineData(DnsType.OPT, true)]
    [InlineData((DnsType)128, true)]
    [InlineData(DnsType.AXFR, true)]
    [InlineData(DnsType.IXFR, true)]
    [InlineData(DnsType.TSIG, true)]
    [InlineData(DnsType.MAILA, true)]
    public void Rfc_6895_meta_types_are_known(DnsType type, bool isMeta) => Assert.Equal(isMeta, type.IsMeta());

    [Fact]
    public void A_reply_can_be_written_over_its_query()
    {
        byte[] packet = Wire.Query("Www.Example.com", DnsType.A, Wire.Opt());
        DnsHeader.SetFlags(packet, DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled | DnsFlags.AuthenticData);
        var buffer = new byte[512];
        packet.CopyTo(buffer, 0);
        DnsQuery.TryParse(buffer.AsSpan(0, packet.Length), out DnsQuery query);
        MessageWriter writer = MessageWriter.StartReply(buffer, query, DnsFlags.Authoritative);
        Assert.True(writer.TryWriteA(query.QuestionName, 30, [240, 240, 0, 1]));
        Assert.True(writer.TryWriteOpt(new OptRecord { DnssecOk = query.DnssecOk }));
        Assert.Equal(packet[12..query.QuestionEnd], buffer[12..query.QuestionEnd]);
        Assert.Equal(Wire.Header("1234 8590 1 1 0 1"), buffer[..12]);
        Assert.Equal(query.QuestionEnd + 16 + 11, writer.Length);
    }

    [Fact]
    public void An_error_reply_echoes_the_question_and_answers_edns()
    {
        byte[] packet = Wire.Query("Www.Example.com", DnsType.A, Wire.Opt(version: 1, flags: 0x8000));
        var reply = new byte[512];
        Assert.True(ErrorReply.TryWrite(packet, Rcode.BadVers, reply, out int length));
        Assert.Equal(Wire.Header("1234 8180 1 0 0 1"), reply[..12]);
        Assert.Equal(Wire.Hex("00 0029 04D0 01008000 0000"), reply[(length - 11)..length]);
        Assert.Equal("Www.Example.com.", Wire.NameAt(reply, 12));
    }

    [Fact]
    public void An_error_reply_to_rubbish_is_a_bare_header()
    {
        byte[] packet = [.. Wire.Header("beef 0100 3 2 1 9"), 0xFF, 0xFF];
        Assert.True(ErrorReply.TryWrite(packet, Rcode.FormErr, packet, out int length));
        Assert.Equal(Wire.Header("beef 8181 0 0 0 0"), packet[..length]);
    }

    [Fact]
    public void An_error_above_15_becomes_servfail_without_edns()
    {
        var reply = new byte[512];
        Assert.True(ErrorReply.TryWrite(Wire.Query("a", DnsType.A), Rcode.BadCookie, reply, out _));
        Assert.Equal(Rcode.ServFail, DnsHeader.GetRcode(reply));
    }
}
