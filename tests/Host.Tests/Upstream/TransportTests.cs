using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Settings;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>behaviour.md, Forwarding, first paragraph: how a query travels, and which replies count.</summary>
public sealed class TransportTests
{
    private static FakeReply Good(FakeQuery query) => query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1"));

    [Fact]
    public async Task Every_query_has_a_random_id_and_a_random_one_of_many_ports()
    {
        using var upstream = new FakeUpstream(Good);
        using var bench = new Bench(upstream);
        for (int i = 0; i < 200; i++)
            Assert.Equal(Rcode.NoError, (await bench.AskAsync($"n{i}.example.")).Rcode);
        Assert.InRange(upstream.Queries.Select(each => each.Id).Distinct().Count(), 190, 200);
        Assert.InRange(upstream.Queries.Select(each => each.Client.Port).Distinct().Count(), 40, 64);
    }

    [Fact]
    public async Task A_socket_is_renewed_after_a_minute()
    {
        using var upstream = new FakeUpstream(Good);
        using var bench = new Bench(upstream);
        for (int i = 0; i < 300; i++)
            await bench.AskAsync($"a{i}.example.");
        HashSet<int> before = [.. upstream.Queries.Select(each => each.Client.Port)];
        bench.Clock.Advance(TimeSpan.FromSeconds(60));
        for (int i = 0; i < 300; i++)
            await bench.AskAsync($"b{i}.example.");
        int reused = upstream.Queries.Skip(300).Select(each => each.Client.Port).Distinct().Count(before.Contains);
        Assert.InRange(reused, 0, 5); // The system may hand out a port again by chance.
    }

    [Fact]
    public async Task Udp_comes_first_with_edns_1232_and_nothing_of_the_client_but_do_and_cd()
    {
        using var upstream = new FakeUpstream(Good);
        using var bench = new Bench(upstream);
        byte[] subnet = [0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100];
        await bench.AskAsync(new Ask("a.example.") { Options = subnet });
        await bench.AskAsync(new Ask("b.example.") { DnssecOk = true, Flags = DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled });
        FakeQuery plain = upstream.Queries[0];
        Assert.False(plain.IsTcp);
        Assert.Equal(1232, plain.Edns!.Value.UdpSize);
        Assert.False(plain.DnssecOk);
        Assert.DoesNotContain(OptionCodes(plain), code => code == EdnsOptionCode.ClientSubnet);
        Assert.Equal(DnsFlags.RecursionDesired, plain.Flags & (DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled));
        Assert.True(upstream.Queries[1].DnssecOk);
        Assert.True(upstream.Queries[1].Flags.HasFlag(DnsFlags.CheckingDisabled));
    }

    [Fact]
    public async Task A_wrong_id_a_wrong_question_and_a_query_are_ignored_and_counted_while_we_keep_listening()
    {
        using var upstream = new FakeUpstream(query =>
        {
            byte[] wrongId = query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.66"));
            wrongId[0] ^= 0xFF;
            byte[] wrongQuestion = query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.66"));
            wrongQuestion[13] ^= 0x01;
            byte[] notReply = (byte[])query.Packet.Clone();
            return new FakeReply(wrongId, wrongQuestion, notReply, query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.1")));
        });
        using var bench = new Bench(upstream);
        Reply reply = await bench.AskAsync("liar.example.");
        Assert.Equal(["liar.example. A 192.0.2.1"], reply.Answer);
        Assert.Equal(1, bench.Counts.IgnoredReplies["wrong_id"]);
        Assert.Equal(1, bench.Counts.IgnoredReplies["wrong_question"]);
        Assert.Equal(1, bench.Counts.IgnoredReplies["not_reply"]);
        Assert.False(upstream.Queries[^1].IsTcp);
    }

    [Fact]
    public async Task A_reply_from_another_address_never_counts()
    {
        using var upstream = new FakeUpstream(query => new FakeReply(query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.1")))
        {
            FromElsewhere = query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.66")),
        });
        using var bench = new Bench(upstream);
        Assert.Equal(["x.example. A 192.0.2.1"], (await bench.AskAsync("x.example.")).Answer);
    }

    [Fact]
    public async Task Truncation_is_retried_over_tcp()
    {
        using var upstream = new FakeUpstream(query => query.IsTcp ? Good(query) : query.Truncated());
        using var bench = new Bench(upstream);
        Assert.Equal(["big.example. A 192.0.2.1"], (await bench.AskAsync("big.example.")).Answer);
        Assert.Equal([false, true], upstream.Queries.Select(each => each.IsTcp));
        Assert.Equal(1, bench.Counts.TcpFallbacks);
    }

    [Fact]
    public async Task A_tcp_connection_serves_the_next_query_too_and_a_closed_one_is_replaced()
    {
        using var upstream = new FakeUpstream(query => query.IsTcp ? Good(query) : query.Truncated());
        using var bench = new Bench(upstream);
        await bench.AskAsync("a.example.");
        await bench.AskAsync("b.example.");
        List<FakeQuery> tcp = [.. upstream.Queries.Where(each => each.IsTcp)];
        Assert.Equal(tcp[0].Client.Port, tcp[1].Client.Port);
        bench.Clock.Advance(TimeSpan.FromSeconds(11));
        await bench.AskAsync("c.example.");
        Assert.NotEqual(tcp[0].Client.Port, upstream.Queries[^1].Client.Port);
    }

    [Fact]
    public async Task Several_false_replies_are_suspicious_and_the_query_goes_to_tcp()
    {
        using var upstream = new FakeUpstream(query =>
        {
            if (query.IsTcp)
                return Good(query);
            byte[][] lies = [.. Enumerable.Range(1, 4).Select(i =>
            {
                byte[] lie = query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.66"));
                DnsHeader.SetId(lie, (ushort)(query.Id + i));
                return lie;
            })];
            return new FakeReply(lies);
        });
        using var bench = new Bench(upstream);
        Assert.Equal(["spoofed.example. A 192.0.2.1"], (await bench.AskAsync("spoofed.example.")).Answer);
        Assert.True(upstream.Queries[^1].IsTcp);
    }

    [Theory]
    [InlineData(Rcode.FormErr)]
    [InlineData(Rcode.NotImp)]
    [InlineData(Rcode.BadVers)]
    public async Task A_server_that_refuses_edns_is_asked_without_it_and_that_is_remembered(Rcode rcode)
    {
        using var upstream = new FakeUpstream(query => query.HasEdns ? query.Fail(rcode) : Good(query));
        using var bench = new Bench(upstream);
        Assert.Equal(["old.example. A 192.0.2.1"], (await bench.AskAsync("old.example.")).Answer);
        await bench.AskAsync("next.example.");
        Assert.Equal([true, false, false], upstream.Queries.Select(each => each.HasEdns));
        bench.Clock.Advance(TimeSpan.FromMinutes(11));
        await bench.AskAsync("later.example.");
        Assert.True(upstream.Queries[3].HasEdns);
    }

    [Fact]
    public async Task A_formerr_without_a_question_counts_as_a_refusal_of_edns()
    {
        using var upstream = new FakeUpstream(query => query.HasEdns ? Bare(query, Rcode.FormErr) : Good(query));
        using var bench = new Bench(upstream);
        Assert.Equal(["old.example. A 192.0.2.1"], (await bench.AskAsync("old.example.")).Answer);
    }

    [Fact]
    public async Task A_server_that_never_answers_edns_is_tried_without_it()
    {
        using var upstream = new FakeUpstream(query => query.HasEdns ? FakeReply.Never : Good(query));
        using var bench = new Bench(upstream);
        Assert.Equal(Rcode.NoError, (await bench.RunUntilAsync(bench.AskAsync("first.example."))).Rcode);
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("next.example.")).Rcode);
    }

    [Fact]
    public async Task A_refused_port_is_a_server_that_is_down_and_costs_no_wait()
    {
        var gone = new FakeUpstream(Good);
        IPEndPoint deadAddress = gone.Address;
        gone.Dispose();
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(new UpstreamSettings([deadAddress, alive.Address], [], TimeSpan.FromSeconds(4), 1 << 20));
        // No time passes: the clock stands still.
        for (int i = 0; i < 5; i++)
            Assert.Equal(Rcode.NoError, (await bench.AskAsync($"n{i}.example.")).Rcode);
        Assert.True(bench.Counts.Servers.Single(each => each.Address.Equals(deadAddress)).IsResting);
    }

    [Fact]
    public async Task A_server_by_its_mapped_address_is_asked_by_its_own()
    {
        using var upstream = new FakeUpstream(Good);
        var mapped = new IPEndPoint(upstream.Address.Address.MapToIPv6(), upstream.Address.Port);
        using var bench = new Bench(new UpstreamSettings([mapped, upstream.Address], [new UpstreamRoute("corp.example", [mapped])], TimeSpan.FromSeconds(4), 1 << 20));
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("x.example.")).Rcode);
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("x.corp.example.")).Rcode);
        Assert.Equal([upstream.Address], bench.Counts.Servers.Select(each => each.Address));
    }

    private static FakeReply Bare(FakeQuery query, Rcode rcode) => new(query.Message(rcode)[..DnsLimits.HeaderSize]);

    private static List<EdnsOptionCode> OptionCodes(FakeQuery query)
    {
        var codes = new List<EdnsOptionCode>();
        var reader = new EdnsOptionReader(query.Edns!.Value.Options);
        while (reader.TryRead(out EdnsOptionCode code, out _))
            codes.Add(code);
        return codes;
    }
}
