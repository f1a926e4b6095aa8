using MeshDns.Contracts.Dns;
using MeshDns.Host.Query;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>behaviour.md, "Queries", rules 7, 8 and 9, and the RFCs behind them.</summary>
public sealed class MessageRuleTests
{
    private static readonly byte[] _clientCookie = [1, 2, 3, 4, 5, 6, 7, 8];

    [Fact]
    public void Rule_7_local_answers_carry_QR_AA_RA_and_copy_RD_and_CD()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]));
        var all = bench.Ask(QueryPacket.Of("a.example", flags: DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled | DnsFlags.AuthenticData));
        Assert.Equal(DnsFlags.Response | DnsFlags.Authoritative | DnsFlags.RecursionAvailable | DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled, all.Flags);
        var none = bench.Ask(QueryPacket.Of("a.example", flags: DnsFlags.None));
        Assert.Equal(DnsFlags.Response | DnsFlags.Authoritative | DnsFlags.RecursionAvailable, none.Flags);
    }

    [Fact]
    public void Rule_7_the_question_is_echoed_with_its_case_RFC_1035_and_0x20()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]));
        var reply = bench.Ask(QueryPacket.Of("A.eXaMpLe", id: 0xBEEF));
        Assert.Equal((0xBEEF, "A.eXaMpLe. A", "A.eXaMpLe."), (reply.Id, reply.Question, Assert.Single(reply.Answers).Owner));
    }

    [Fact]
    public void Rule_7_EDNS_is_answered_exactly_when_asked_RFC_6891_section_7()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]));
        Assert.False(bench.Ask("a.example").HasOpt);
        var reply = bench.Ask(QueryPacket.Of("a.example", edns: 4096, dnssecOk: true));
        Assert.Equal((true, 1232, true), (reply.HasOpt, reply.UdpSize, reply.DnssecOk));
        Assert.False(bench.Ask(QueryPacket.Of("a.example", edns: 4096)).DnssecOk);
    }

    [Fact]
    public void Rule_7_another_EDNS_version_is_BADVERS_RFC_6891_section_6_1_3()
    {
        var reply = QueryBench.Loaded().Ask(QueryPacket.Of("a.example", edns: 4096, version: 1));
        Assert.Equal((Rcode.BadVers, true), (reply.Rcode, reply.HasOpt));
    }

    [Fact]
    public void Rule_7_ANY_is_minimal_RFC_8482()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]), Declare("a.mesh.internal", ["10.0.0.1"]));
        foreach (var name in new[] { "a.example", "a.mesh.internal" })
            Assert.Equal((DnsType.HINFO, "075246433834383200"), Assert.Single(bench.Ask(name, DnsType.ANY).Answers) is var any ? (any.Type, any.Data) : default);
        Assert.Equal(Rcode.NXDomain, bench.Ask("b.mesh.internal", DnsType.ANY).Rcode);
    }

    [Theory]
    [InlineData(DnsType.AXFR)]
    [InlineData(DnsType.IXFR)]
    [InlineData(DnsType.MAILA)]
    [InlineData(DnsType.TKEY)]
    [InlineData(DnsType.None)]
    [InlineData(DnsType.OPT)]
    public void Rule_7_transfers_and_meta_types_are_REFUSED(DnsType type)
    {
        Assert.Equal(Rcode.Refused, QueryBench.Loaded(Declare("a.example", ["10.0.0.1"])).Ask("a.example", type).Rcode);
    }

    [Theory]
    [InlineData("localhost", DnsType.A, "127.0.0.1")]
    [InlineData("foo.LocalHost", DnsType.A, "127.0.0.1")]
    [InlineData("localhost", DnsType.AAAA, "::1")]
    public void Rule_7_localhost_is_the_loopback_RFC_6761_section_6_3(string name, DnsType type, string address)
    {
        Assert.Equal([address], QueryBench.Loaded().Ask(name, type).AnswerData);
    }

    [Fact]
    public void Rule_7_no_declaration_takes_localhost_or_invalid_over()
    {
        var bench = QueryBench.Loaded(Declare("localhost", ["10.0.0.1"]), Declare("db.invalid", ["10.0.0.1"]));
        Assert.Equal(["127.0.0.1"], bench.Ask("localhost").AnswerData);
        Assert.Equal(Rcode.NXDomain, bench.Ask("db.invalid").Rcode);
    }

    [Fact]
    public void Rule_7_localhost_has_no_other_data_and_invalid_does_not_exist_RFC_6761()
    {
        var bench = QueryBench.Loaded();
        Assert.Equal((Rcode.NoError, "localhost."), bench.Ask("x.localhost", DnsType.MX) is var mx ? (mx.Rcode, mx.Soa.Owner) : default);
        Assert.Equal((Rcode.NXDomain, "invalid."), bench.Ask("a.b.invalid") is var nx ? (nx.Rcode, nx.Soa.Owner) : default);
        bench.AssertForwarded("notlocalhost");
        bench.AssertForwarded("invalid.example");
    }

    [Theory]
    [InlineData(null, 512)]
    [InlineData(100, 512)]
    [InlineData(700, 700)]
    [InlineData(1232, 1232)]
    [InlineData(4096, 1232)]
    public void Rule_8_a_UDP_reply_keeps_to_the_size_and_holds_what_fits_with_TC(int? edns, int limit)
    {
        var bench = QueryBench.Loaded(Declare("many.example", [.. Enumerable.Range(0, 200).Select(i => $"10.0.1.{i}")]));
        var reply = bench.Ask(QueryPacket.Of("many.example", edns: edns));
        Assert.InRange(reply.Length, limit - 15, limit);
        Assert.True(reply.Flags.HasFlag(DnsFlags.Truncated));
        Assert.Equal((limit - 12 - 18 - (edns is null ? 0 : 11)) / 16, reply.Answers.Count());
        Assert.Equal(edns is not null, reply.HasOpt);
    }

    [Fact]
    public void Rule_8_over_TCP_everything_fits_RFC_7766()
    {
        var bench = QueryBench.Loaded(Declare("many.example", [.. Enumerable.Range(0, 2000).Select(i => $"10.0.{i >> 8}.{i & 255}")]));
        var reply = bench.Ask(QueryPacket.Of("many.example"), isTcp: true);
        Assert.Equal((2000, false), (reply.AnswerData.Distinct().Count(), reply.Flags.HasFlag(DnsFlags.Truncated)));
    }

    [Fact]
    public void Rule_8_over_TCP_the_message_ends_at_65535_bytes()
    {
        var bench = QueryBench.Loaded(Declare("many.example", [.. Enumerable.Range(0, 5000).Select(i => $"10.0.{i >> 8}.{i & 255}")]));
        var reply = bench.Ask(QueryPacket.Of("many.example"), isTcp: true);
        Assert.InRange(reply.Length, 65520, 65535);
        Assert.True(reply.Flags.HasFlag(DnsFlags.Truncated));
    }

    [Fact]
    public void Rule_9_less_than_a_header_or_a_response_is_dropped()
    {
        var bench = QueryBench.Loaded();
        var response = QueryPacket.Of("a.example", flags: DnsFlags.Response);
        foreach (var packet in new[] { [], new byte[11], response }) Assert.Equal(PipelineOutcome.Drop, bench.Handle(packet, out _, out _));
    }

    [Fact]
    public void Rule_9_form_decides_the_error()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]));
        Assert.Equal(Rcode.FormErr, bench.Ask(QueryPacket.WithoutQuestion(null)).Rcode);
        Assert.Equal(Rcode.NotImp, bench.Ask(QueryPacket.Of("a.example", opcode: Opcode.Update)).Rcode);
        Assert.Equal(Rcode.NotImp, bench.Ask(QueryPacket.Of("a.example", opcode: (Opcode)15)).Rcode);
        Assert.Equal(Rcode.Refused, bench.Ask(QueryPacket.Of("a.example", dnsClass: DnsClass.CH)).Rcode);
        var two = QueryPacket.Of("a.example");
        DnsHeader.SetCount(two, DnsSection.Question, 2);
        Assert.Equal(Rcode.FormErr, bench.Ask(two).Rcode);
        var cut = QueryPacket.Of("a.example")[..20];
        Assert.Equal(Rcode.FormErr, bench.Ask(cut).Rcode);
    }

    [Fact]
    public void Rule_9_no_question_with_a_cookie_is_answered_with_a_cookie_RFC_7873_section_5_4()
    {
        var reply = QueryBench.Loaded().Ask(QueryPacket.WithoutQuestion(_clientCookie));
        Assert.Equal((Rcode.NoError, 24), (reply.Rcode, reply.Cookie!.Length));
        Assert.Null(reply.Question);
    }

    [Fact]
    public void A_cookie_is_answered_and_stays_the_same_while_fresh_RFC_9018()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]));
        var first = bench.Ask(QueryPacket.Of("a.example", edns: 1232, cookie: _clientCookie)).Cookie!;
        Assert.Equal(_clientCookie, first[..8]);
        bench.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(first, bench.Ask(QueryPacket.Of("a.example", edns: 1232, cookie: first)).Cookie);
        bench.Time.Advance(TimeSpan.FromMinutes(25));
        var renewed = bench.Ask(QueryPacket.Of("a.example", edns: 1232, cookie: first)).Cookie!;
        Assert.NotEqual(first, renewed);
        Assert.Null(bench.Ask(QueryPacket.Of("a.example", edns: 1232)).Cookie);
    }

    [Fact]
    public async Task A_cookie_is_answered_in_forwarded_and_cached_replies_too()
    {
        var bench = QueryBench.Loaded();
        Assert.Equal(24, (await bench.AskAsync(QueryPacket.Of("x.org", edns: 1232, cookie: _clientCookie))).Cookie!.Length);
        bench.Upstream.Cached.Add("x.org.");
        Assert.Equal(24, bench.Ask(QueryPacket.Of("x.org", edns: 1232, cookie: _clientCookie)).Cookie!.Length);
        bench.Upstream.Addresses = 500;
        Assert.InRange(bench.Ask(QueryPacket.Of("x.org", edns: 700, cookie: _clientCookie)).Length, 600, 700);
    }

    [Fact]
    public void Rule_9_a_fault_in_a_handler_is_SERVFAIL_and_a_count()
    {
        var bench = QueryBench.Loaded();
        bench.Upstream.CacheFault = new InvalidOperationException("a bug");
        Assert.Equal(Rcode.ServFail, bench.Ask("www.example.org").Rcode);
        Assert.Equal(1, bench.Faults.Total);
        bench.Upstream.CacheFault = null;
        bench.AssertForwarded("www.example.org");
    }

    [Fact]
    public void A_hit_allocates_nothing()
    {
        var bench = QueryBench.Loaded(
            Declare("a.example", ["10.0.0.1", "10.0.0.2"]), Declare("v.example", eligible: true), Grant(1, "v.example"), Declare("*.w.example", ["10.0.0.1"]),
            Declare("two.example", ["10.0.0.1"], name: "one"), Declare("two.example", ["10.0.0.2"], name: "two"));
        bench.Upstream.Cached.Add("none.");
        byte[][] packets =
        [
            QueryPacket.Of("a.example"), QueryPacket.Of("v.example", DnsType.AAAA, edns: 1232), QueryPacket.Of("x.w.example"), QueryPacket.Of("b.mesh.internal"),
            QueryPacket.Of("localhost"), QueryPacket.Of("two.example", edns: 1232, cookie: _clientCookie), QueryPacket.Of("a.example", DnsType.ANY), QueryPacket.WithoutQuestion(null),
        ];
        byte[] client = [127, 0, 0, 1];
        var reply = new byte[1232];
        HandleAll();
        var before = GC.GetAllocatedBytesForCurrentThread();
        HandleAll();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void HandleAll()
        {
            for (var i = 0; i < 200; i++)
            {
                foreach (var packet in packets)
                {
                    var context = new QueryContext(packet, bench.Pipeline.HashOf(packet), client, Transport.Udp, reply);
                    bench.Pipeline.Handle(ref context);
                }
            }
        }
    }
}
