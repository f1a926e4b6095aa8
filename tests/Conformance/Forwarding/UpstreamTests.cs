using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Forwarding;

/// <summary>Forwarding: upstreams that lie (RFC 5452), truncate, fail or say nothing.</summary>
public sealed class UpstreamTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    private const string Lie = "203.0.113.66";

    [Fact]
    public async Task Rfc5452_Section9_1_a_reply_with_a_wrong_id_is_ignored_and_the_true_one_is_taken()
    {
        Upstream.On("id.up.test", query =>
        {
            var lie = query.Message(records: FakeRecord.A(query.Name, 60, Lie));
            DnsHeader.SetId(lie, (ushort)(query.Id ^ 1));
            return new FakeReply(query.IsTcp ? [True(query)] : [lie, True(query)]);
        });
        await AnswersTrulyAsync("id.up.test");
    }

    [Fact]
    public async Task Rfc5452_Section9_1_a_reply_to_another_question_is_ignored()
    {
        Upstream.On("question.up.test", query =>
        {
            var lie = query.Message(records: FakeRecord.A(query.Name, 60, Lie));
            lie[DnsLimits.HeaderSize + 1] = (byte)'x';
            return new FakeReply(query.IsTcp ? [True(query)] : [lie, True(query)]);
        });
        await AnswersTrulyAsync("question.up.test");
    }

    [Fact]
    public async Task Rfc5452_Section9_1_a_reply_from_another_address_is_ignored()
    {
        Upstream.On("address.up.test", query => new FakeReply(True(query)) { FromElsewhere = query.Message(records: FakeRecord.A(query.Name, 60, Lie)) });
        await AnswersTrulyAsync("address.up.test");
    }

    [Fact]
    public async Task Rfc5452_Section9_2_ids_and_ports_vary()
    {
        for (var i = 0; i < 20; i++)
        {
            Upstream.Address4($"port-{i}.up.test", "198.51.100.20");
            await Node.AddressesAsync($"port-{i}.up.test");
        }
        var queries = Enumerable.Range(0, 20).SelectMany(i => Upstream.QueriesFor($"port-{i}.up.test")).ToList();
        Assert.True(queries.Select(query => query.Id).Distinct().Count() > 15);
        Assert.True(queries.Select(query => query.Client.Port).Distinct().Count() > 5);
    }

    [Fact]
    public async Task Rfc4343_Section3_a_question_echoed_in_another_case_is_the_same_question()
    {
        Upstream.On("case.up.test", query =>
        {
            var reply = True(query);
            for (var at = DnsLimits.HeaderSize; reply[at] != 0; at++) reply[at] = (byte)char.ToUpperInvariant((char)reply[at]);
            return new FakeReply(reply);
        });
        await AnswersTrulyAsync("case.up.test");
    }

    [Theory]
    [InlineData("cut.up.test")]
    [InlineData("miscounted.up.test")]
    public async Task A_reply_that_cannot_be_read_is_asked_over_TCP(string name)
    {
        Upstream.On(name, query =>
        {
            if (query.IsTcp) return new FakeReply(True(query));
            var reply = True(query);
            if (name == "cut.up.test") return new FakeReply(reply[..^12]);
            DnsHeader.SetCount(reply, DnsSection.Additional, 2);
            return new FakeReply(reply);
        });
        await AnswersTrulyAsync(name);
    }

    [Theory]
    [InlineData(Rcode.ServFail)]
    [InlineData(Rcode.Refused)]
    public async Task An_error_of_a_header_alone_is_an_answer_and_not_silence(Rcode rcode)
    {
        var name = $"{rcode}.header.up.test".ToLowerInvariant();
        Upstream.On(name, query =>
        {
            var reply = query.Message(rcode)[..DnsLimits.HeaderSize];
            DnsHeader.SetCount(reply, DnsSection.Question, 0);
            DnsHeader.SetCount(reply, DnsSection.Additional, 0);
            return new FakeReply(reply);
        });
        var reply = await Node.DigAsync($"{name} A");
        Assert.Equal(("SERVFAIL", 22), (reply.Status, reply.ExtendedError));
        Assert.Contains("failed or refused", reply.Edns);
        Assert.Single(Upstream.QueriesFor(name));
    }

    [Fact]
    public async Task A_single_server_whose_packets_are_lost_is_asked_while_there_is_time()
    {
        Upstream.On("lossy.up.test", query => Upstream.QueriesFor("lossy.up.test").Count < 3 ? FakeReply.Never : new FakeReply(True(query)));
        await AnswersTrulyAsync("lossy.up.test");
    }

    [Fact]
    public async Task A_server_may_be_named_by_its_IPv4_mapped_address()
    {
        Upstream.Address4("name.mapped.test", "198.51.100.19");
        await AnswersTrulyAsync("name.mapped.test");
    }

    [Fact]
    public async Task Records_that_the_question_does_not_lead_to_are_dropped()
    {
        Upstream.On("stuffed.up.test", query => query.Answer(FakeRecord.A(query.Name, 60, "198.51.100.21"), FakeRecord.A("bank.up.test", 60, Lie)));
        Assert.Equal(["stuffed.up.test. A 198.51.100.21"], (await Node.DigAsync("stuffed.up.test A")).Records);
    }

    [Fact]
    public async Task Rfc7766_Section5_a_truncated_reply_is_asked_over_TCP()
    {
        var records = Enumerable.Range(1, 100).Select(i => FakeRecord.A("big.up.test", 60, $"198.18.1.{i}")).ToArray();
        Upstream.On("big.up.test", query => query.IsTcp ? query.Answer(records) : query.Truncated());
        var reply = await Node.DigAsync("big.up.test A");
        Assert.Equal(100, reply.Answer.Count);
        Assert.True(reply.IsTcp);
        Assert.Contains(Upstream.QueriesFor("big.up.test"), query => query.IsTcp);
    }

    [Theory]
    [InlineData(Rcode.ServFail)]
    [InlineData(Rcode.Refused)]
    public async Task A_server_that_fails_or_refuses_is_followed_by_the_next(Rcode rcode)
    {
        for (var good = 0; good < 2; good++)
        {
            var name = $"{rcode}-{good}.two.test".ToLowerInvariant();
            Pair[good].Address4(name, "198.51.100.22");
            Pair[1 - good].On(name, query => query.Fail(rcode));
            Assert.Equal(["198.51.100.22"], await Node.AddressesAsync(name));
        }
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_followed_by_the_next()
    {
        for (var good = 0; good < 2; good++)
        {
            var name = $"silent-{good}.two.test";
            Pair[good].Address4(name, "198.51.100.23");
            Pair[1 - good].On(name, _ => FakeReply.Never);
            Assert.Equal(["198.51.100.23"], await Node.AddressesAsync(name));
        }
    }

    [Fact]
    public async Task Rfc8914_when_all_are_dead_SERVFAIL_says_why_and_local_answers_do_not_wait()
    {
        var dead = Node.DigAsync("gone.dead.test A");
        // One run of dig, so that all of these are asked while the other waits.
        var local = DigReply.ReadAll((await Node.RunDigAsync(string.Concat(Enumerable.Repeat("vip.example.com A ", 50)))).Output);
        Assert.Equal(50, local.Count);
        Assert.All(local, reply => Assert.Single(reply.Answer));
        var reply = await dead;
        Assert.Equal("SERVFAIL", reply.Status);
        Assert.Contains(reply.ExtendedError, (int?[])[22, 23]); // No Reachable Authority, Network Error
        Assert.Contains("ra", reply.Flags);
    }

    [Fact]
    public async Task A_route_sends_a_suffix_to_its_own_servers_only()
    {
        Upstream.Address4("routed.two.test", Lie);
        foreach (var server in Pair) server.Address4("routed.two.test", "198.51.100.24");
        Assert.Equal(["198.51.100.24"], await Node.AddressesAsync("routed.two.test"));
        Assert.Empty(Upstream.QueriesFor("routed.two.test"));
    }

    [Theory]
    [InlineData(Rcode.FormErr)]
    [InlineData(Rcode.NotImp)]
    public async Task Rfc6891_Section6_2_2_a_server_that_cannot_do_EDNS_is_asked_without(Rcode rcode)
    {
        var name = $"{rcode}.old.test".ToLowerInvariant();
        Old.On(name, query => query.HasEdns ? query.Fail(rcode) : query.Answer(FakeRecord.A(query.Name, 60, "198.51.100.25")));
        Assert.Equal(["198.51.100.25"], await Node.AddressesAsync(name));
    }

    [Fact]
    public async Task A_CNAME_into_the_mesh_is_answered_by_the_mesh()
    {
        Upstream.On("alias.up.test", query => query.Answer(FakeRecord.Cname(query.Name, 60, "vip.example.com"), FakeRecord.A("vip.example.com", 60, Lie)));
        var vip = await Node.AddressesAsync("vip.example.com");
        for (var i = 0; i < 2; i++)
        {
            var reply = await Node.DigAsync("alias.up.test A");
            Assert.Equal(["alias.up.test. CNAME vip.example.com.", $"vip.example.com. A {vip[0]}"], reply.Records);
        }
    }

    [Fact]
    public async Task Addresses_of_our_VIP_ranges_are_stripped()
    {
        Upstream.On("thief.up.test", query => query.Type == DnsType.A
            ? query.Answer(FakeRecord.A(query.Name, 60, "240.240.0.1"), FakeRecord.A(query.Name, 60, "198.51.100.26"))
            : query.Answer(FakeRecord.Aaaa(query.Name, 60, "2001:2::1"), FakeRecord.Aaaa(query.Name, 60, "2001:db8::26"),
                // By NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), and IPv4-compatible (RFC 4291 section 2.5.5.1).
                FakeRecord.Aaaa(query.Name, 60, "64:ff9b::240.240.0.1"), FakeRecord.Aaaa(query.Name, 60, "64:ff9b:1::240.240.0.1"),
                FakeRecord.Aaaa(query.Name, 60, "2002:f0f0:1::1"), FakeRecord.Aaaa(query.Name, 60, "::240.240.0.1")));
        Assert.Equal(["198.51.100.26"], await Node.AddressesAsync("thief.up.test"));
        Assert.Equal(["2001:db8::26"], await Node.AddressesAsync("thief.up.test", "AAAA"));
    }

    [Fact]
    public async Task A_CNAME_chain_is_followed_up_to_eleven_links()
    {
        FakeReply Chain(FakeQuery query, int links) => query.Answer([
            .. Enumerable.Range(0, links).Select(i => FakeRecord.Cname(i == 0 ? query.Name : $"link-{i}.up.test", 60, $"link-{i + 1}.up.test")),
            FakeRecord.A($"link-{links}.up.test", 60, "198.51.100.27")]);
        Upstream.On("eleven.up.test", query => Chain(query, 11));
        Upstream.On("twelve.up.test", query => Chain(query, 12));
        Assert.Equal(12, (await Node.DigAsync("eleven.up.test A")).Answer.Count);
        Assert.Equal("SERVFAIL", (await Node.DigAsync("twelve.up.test A")).Status);
    }

    private static byte[] True(FakeQuery query) => query.Message(records: FakeRecord.A(query.Name, 60, "198.51.100.19"));

    private async Task AnswersTrulyAsync(string name) => Assert.Equal(["198.51.100.19"], await Node.AddressesAsync(name));
}
