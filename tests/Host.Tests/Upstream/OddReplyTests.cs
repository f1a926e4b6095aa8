using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>Replies that are the asked server's and are not as they should be: none costs a wait. The clock stands still, so that a wait would have no end.</summary>
public sealed class OddReplyTests
{
    private static byte[] True(FakeQuery query) => query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.1"));

    private static FakeReply Good(FakeQuery query) => new(True(query));

    // Cut off without TC; and a count without its record.
    private static byte[] Unreadable(FakeQuery query, bool isCut)
    {
        byte[] message = query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.66"));
        if (isCut)
            return message[..^12];
        DnsHeader.SetCount(message, DnsSection.Additional, 2);
        return message;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_cannot_be_read_is_asked_over_tcp_at_once(bool isCut)
    {
        using var upstream = new FakeUpstream(query => query.IsTcp ? Good(query) : new FakeReply(Unreadable(query, isCut)));
        using var bench = new Bench(upstream);
        Assert.Equal(["x.example. A 192.0.2.1"], (await bench.AskAsync("x.example.")).Answer);
        Assert.Equal([false, true], upstream.Queries.Select(each => each.IsTcp));
        Assert.Equal((1L, 1L), (bench.Counts.IgnoredReplies["malformed"], bench.Counts.TcpFallbacks));
    }

    [Fact]
    public async Task What_cannot_be_read_over_tcp_either_is_asked_of_the_next_server()
    {
        using var broken = new FakeUpstream(query => new FakeReply(Unreadable(query, isCut: true)));
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(broken, alive);
        Assert.Equal(["x.example. A 192.0.2.1"], (await bench.AskAsync("x.example.")).Answer);
        Assert.Equal([false, true], broken.Queries.Select(each => each.IsTcp));
    }

    [Fact]
    public async Task A_server_alone_that_nothing_can_be_read_of_fails_at_once()
    {
        using var broken = new FakeUpstream(query => new FakeReply(Unreadable(query, isCut: true)));
        using var bench = new Bench(broken);
        Assert.Equal(Rcode.ServFail, (await bench.AskAsync("x.example.")).Rcode);
        Assert.Equal(4, broken.Count);
    }

    [Fact]
    public async Task A_server_that_counts_our_opt_record_and_leaves_it_out_is_asked_without_edns()
    {
        using var upstream = new FakeUpstream(query => query.HasEdns ? new FakeReply(True(query)[..^11]) : Good(query));
        using var bench = new Bench(upstream);
        Assert.Equal(["x.example. A 192.0.2.1"], (await bench.AskAsync("x.example.")).Answer);
        Assert.Equal([(true, false), (true, true), (false, false)], upstream.Queries.Select(each => (each.HasEdns, each.IsTcp)));
        await bench.AskAsync("y.example.");
        Assert.Equal((4, false), (upstream.Count, upstream.Queries[^1].HasEdns));
    }

    [Fact]
    public async Task A_formerr_that_counts_our_opt_record_and_leaves_it_out_is_a_refusal_of_edns()
    {
        using var upstream = new FakeUpstream(query => query.HasEdns ? new FakeReply(query.Message(Rcode.FormErr)[..^11]) : Good(query));
        using var bench = new Bench(upstream);
        Assert.Equal(["x.example. A 192.0.2.1"], (await bench.AskAsync("x.example.")).Answer);
        Assert.Equal([true, false], upstream.Queries.Select(each => each.HasEdns));
    }

    [Fact]
    public async Task A_question_echoed_in_another_case_is_ours()
    {
        using var upstream = new FakeUpstream(query =>
        {
            byte[] message = True(query);
            for (int at = DnsLimits.HeaderSize; message[at] != 0; at++)
                message[at] = (byte)char.ToUpperInvariant((char)message[at]);
            return new FakeReply(message);
        });
        using var bench = new Bench(upstream);
        Assert.Equal(["wWw.example. A 192.0.2.1"], (await bench.AskAsync("wWw.example.")).Answer);
        Assert.Equal(0, bench.Counts.IgnoredReplies["wrong_question"]);
    }

    [Theory]
    [InlineData(Rcode.ServFail, 0)]
    [InlineData(Rcode.Refused, 0)]
    [InlineData(Rcode.ServFail, 1)]
    public async Task An_error_without_a_question_is_that_servers_failure_at_once(Rcode rcode, ushort countedQuestions)
    {
        FakeReply Bare(FakeQuery query)
        {
            byte[] header = query.Message(rcode)[..DnsLimits.HeaderSize];
            DnsHeader.SetCount(header, DnsSection.Question, countedQuestions);
            DnsHeader.SetCount(header, DnsSection.Additional, 0);
            return new FakeReply(header);
        }

        using var broken = new FakeUpstream(Bare);
        using var alive = new FakeUpstream(Good);
        using var pair = new Bench(broken, alive);
        Assert.Equal(["x.example. A 192.0.2.1"], (await pair.AskAsync("x.example.")).Answer);
        Assert.Equal(1, broken.Count);
        using var alone = new Bench(broken);
        Reply reply = await alone.AskAsync("x.example.");
        Assert.Equal((Rcode.ServFail, EdeCode.NoReachableAuthority), (reply.Rcode, reply.Error!.Value));
        Assert.Equal(2, broken.Count);
    }
}
