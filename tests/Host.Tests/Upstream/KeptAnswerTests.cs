using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>Limits of what is kept and shared, at their edges.</summary>
public sealed class KeptAnswerTests
{
    [Fact]
    public async Task The_least_ttl_of_a_chain_is_the_lifetime_of_all_of_it()
    {
        using var upstream = new FakeUpstream(query => query.Answer(FakeRecord.Cname("x.example.", 300, "y.example."), FakeRecord.A("y.example.", 7, "192.0.2.1")));
        using var bench = new Bench(upstream);
        Assert.Equal([300u, 7u], (await bench.AskAsync("x.example.")).Ttls);
        bench.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal([294u, 1u], bench.Cached(new Ask("x.example."))!.Ttls);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(bench.Cached(new Ask("x.example.")));
    }

    // RFC 2308 section 5: a denial holds for its own type and class; NXDOMAIN would hold for all types, which we do not make use of.
    [Fact]
    public async Task A_denial_of_one_type_says_nothing_of_another()
    {
        using var upstream = new FakeUpstream(query => query.Type == DnsType.A ? query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1")) : query.Fail(Rcode.NoError, FakeRecord.Soa("example.", 60, 60)));
        using var bench = new Bench(upstream);
        Assert.Empty((await bench.AskAsync(new Ask("x.example.", DnsType.AAAA))).Answer);
        Assert.Single((await bench.AskAsync("x.example.")).Answer);
        Assert.Empty(bench.Cached(new Ask("x.example.", DnsType.AAAA))!.Answer);
    }

    [Fact]
    public async Task An_soa_of_a_zone_that_is_not_above_the_name_makes_no_denial_that_is_kept()
    {
        using var upstream = new FakeUpstream(query => query.Fail(Rcode.NXDomain, FakeRecord.Soa("other.test.", 600, 600)));
        using var bench = new Bench(upstream);
        Reply reply = await bench.AskAsync("no.example.");
        Assert.Equal((Rcode.NXDomain, 0), (reply.Rcode, reply.Authority.Count));
        Assert.Null(bench.Cached(new Ask("no.example.")));
    }

    [Fact]
    public async Task A_refresh_that_fails_leaves_the_answer_to_its_end_and_is_not_begun_again()
    {
        using var upstream = new FakeUpstream(query => query.Number == 1 ? query.Answer(FakeRecord.A(query.Name, 100, "192.0.2.1")) : query.Fail(Rcode.ServFail));
        using var bench = new Bench(upstream);
        for (int i = 0; i < 5; i++)
            await bench.AskAsync("hot.example.");
        bench.Clock.Advance(TimeSpan.FromSeconds(95));
        await bench.AskAsync("hot.example.");
        await upstream.WaitForCountAsync(2);
        await Bench.SeesAsync(() => bench.Counts.InFlight == 0);
        for (int i = 0; i < 5; i++)
            Assert.Equal((1, null), ((await bench.AskAsync("hot.example.")).Answer.Count, (await bench.AskAsync("hot.example.")).Error));
        Assert.Equal((2, 1L), (upstream.Count, bench.Counts.Prefetches));
    }

    [Fact]
    public async Task Each_who_joins_a_question_late_gets_its_stale_answer_after_its_own_wait()
    {
        using var upstream = new FakeUpstream(query => query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1")));
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        upstream.Script = _ => FakeReply.Never;
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Task<Reply> first = bench.AskAsync("x.example.");
        await upstream.WaitForCountAsync(2);
        await bench.TurnedAsync();
        bench.Clock.Advance(TimeSpan.FromMilliseconds(1000));
        Task<Reply> second = bench.AskAsync("x.example.");
        await Bench.SeesAsync(() => bench.Counts.Coalesced == 1);
        await bench.TurnedAsync();
        bench.Clock.Advance(TimeSpan.FromMilliseconds(800));
        Assert.Equal(EdeCode.StaleAnswer, (await first.WaitAsync(TimeSpan.FromSeconds(30))).Error);
        await bench.TurnedAsync();
        Assert.False(second.IsCompleted);
        bench.Clock.Advance(TimeSpan.FromMilliseconds(999));
        await bench.TurnedAsync();
        Assert.False(second.IsCompleted);
        bench.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(EdeCode.StaleAnswer, (await second.WaitAsync(TimeSpan.FromSeconds(30))).Error);
    }

    [Fact]
    public async Task A_reply_is_taken_once_and_its_copy_is_late_and_no_lie()
    {
        using var upstream = new FakeUpstream(query =>
        {
            byte[] good = query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.1"));
            return new FakeReply(good, good, good);
        });
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        await Bench.SeesAsync(() => bench.Counts.IgnoredReplies["late"] == 2);
        Assert.Equal((0L, 0L, 1L), (bench.Counts.IgnoredReplies["wrong_id"], bench.Counts.TcpFallbacks, bench.Counts.Servers[0].Outcomes["answer"]));
    }
}
