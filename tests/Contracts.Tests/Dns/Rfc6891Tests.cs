using MeshDns.Contracts.Dns;

namespace MeshDns.Contracts.Tests.Dns;

/// <summary>RFC 6891 (EDNS), RFC 8914 (extended errors) and the cookie option of RFC 7873.</summary>
public class Rfc6891Tests
{
    private static readonly byte[] _client = [1, 2, 3, 4, 5, 6, 7, 8];

    [Fact]
    public void Section_6_1_2_an_opt_record_is_written_with_its_options()
    {
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        var opt = new OptRecord
        {
            Rcode = Rcode.BadCookie,
            DnssecOk = true,
            Cookie = _client,
            ExtendedError = EdeCode.NotReady,
            ExtendedErrorText = "not loaded"u8,
        };
        Assert.True(writer.TryWriteOpt(opt));
        Assert.Equal(
            Wire.Hex("00 0029 04D0 01008000 001C 000A0008 0102030405060708 000F000C 000E 6E6F74206C6F61646564"), writer.Message[12..].ToArray());
        Assert.Equal(DnsLimits.HeaderSize + opt.Size, writer.Length);
        Assert.True(OptView.TryRead(writer.Message, Wire.Records(writer.Message)[0], out OptView view));
        Assert.Equal(Rcode.BadCookie, view.FullRcode(writer.Message));
        Assert.True(view is { DnssecOk: true, Version: 0, UdpPayloadSize: DnsLimits.MaxUdpSize });
    }

    [Fact]
    public void Section_7_an_opt_record_fits_into_the_room_kept_for_it()
    {
        var buffer = new byte[100];
        var opt = new OptRecord { ExtendedError = EdeCode.NetworkError };
        var writer = new MessageWriter(buffer);
        writer.Limit -= opt.Size;
        while (writer.TryWriteA(Wire.Name("a.b"), 1, [1, 2, 3, 4]))
        {
        }
        Assert.False(writer.TryWriteOpt(opt));
        writer.Limit = buffer.Length;
        Assert.True(writer.TryWriteOpt(opt));
        Assert.Equal(1, writer.Count(DnsSection.Additional));
    }

    [Theory]
    [InlineData(0, DnsLimits.MinUdpSize)]
    [InlineData(511, DnsLimits.MinUdpSize)]
    [InlineData(1000, 1000)]
    [InlineData(65535, DnsLimits.MaxUdpSize)]
    public void Section_6_2_3_the_reply_size_is_between_512_and_ours(int asked, int expected)
    {
        byte[] opt = Wire.Opt();
        opt[3] = (byte)(asked >> 8);
        opt[4] = (byte)asked;
        DnsQuery.TryParse(Wire.Query("a", DnsType.A, opt), out DnsQuery query);
        Assert.Equal(expected, query.MaxUdpReplySize);
    }

    [Theory]
    [InlineData(8, QueryParse.Ok)]
    [InlineData(16, QueryParse.Ok)]
    [InlineData(40, QueryParse.Ok)]
    [InlineData(0, QueryParse.FormErr)]
    [InlineData(7, QueryParse.FormErr)]
    [InlineData(9, QueryParse.FormErr)]
    [InlineData(15, QueryParse.FormErr)]
    [InlineData(41, QueryParse.FormErr)]
    public void Rfc_7873_section_5_2_2_a_cookie_of_another_length_is_a_format_error(int size, QueryParse expected)
    {
        byte[] data = [.. Enumerable.Range(1, size).Select(value => (byte)value)];
        byte[] padded = [.. Wire.Option(EdnsOptionCode.Padding, 0, 0), .. Wire.Option(EdnsOptionCode.Cookie, data)];
        Assert.Equal(expected, DnsQuery.TryParse(Wire.Query("a", DnsType.A, Wire.Opt(0, 0, padded)), out DnsQuery query));
        if (expected != QueryParse.Ok)
            return;
        Assert.Equal(_client, query.ClientCookie.ToArray());
        Assert.Equal(data[8..], query.ServerCookiePart.ToArray());
    }

    [Fact]
    public void Rfc_7873_section_5_2_of_two_cookies_the_first_counts()
    {
        byte[] options = [.. Wire.Option(EdnsOptionCode.Cookie, _client), .. Wire.Option(EdnsOptionCode.Cookie, new byte[8])];
        Assert.Equal(QueryParse.Ok, DnsQuery.TryParse(Wire.Query("a", DnsType.A, Wire.Opt(0, 0, options)), out DnsQuery query));
        Assert.Equal(_client, query.ClientCookie.ToArray());
    }

    [Fact]
    public void Rfc_7873_section_5_4_a_cookie_without_a_question_is_a_query_of_its_own()
    {
        byte[] packet = [.. Wire.Header("1 0 0 0 0 1"), .. Wire.Opt(0, 0, Wire.Option(EdnsOptionCode.Cookie, _client))];
        Assert.Equal(QueryParse.CookieOnly, DnsQuery.TryParse(packet, out DnsQuery query));
        Assert.False(query.HasQuestion);
        Assert.True(query.QuestionName.IsEmpty);
        var reply = new byte[512];
        Assert.True(ErrorReply.TryWrite(packet, Rcode.NoError, reply, out int length, cookie: _client));
        Assert.Equal(Wire.Header("1 8080 0 0 0 1"), reply[..12]);
        Assert.Equal(12 + 11 + 12, length);
    }
}
