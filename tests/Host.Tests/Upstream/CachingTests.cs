using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>behaviour.md, Forwarding, third paragraph: what is shared, kept, for how long, and what is served past its time.</summary>
public sealed class CachingTests
{
    private const uint Day = 24 * 3600;

    private static FakeUpstream Serving(uint ttl) => new(query => query.Answer(FakeRecord.A(query.Name, ttl, $"192.0.2.{query.Number}")));

    private static FakeRecord Soa(uint ttl, uint minimum) => FakeRecord.Soa("example.", ttl, minimum);

    [Fact]
    public async Task Identical_queries_in_flight_share_one_and_each_reply_is_its_clients()
    {
        var gate = new TaskCompletionSource();
        using var upstream = new FakeUpstream(query => new FakeReply(query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.1"))) { Gate = gate.Task });
        using var bench = new Bench(upstream);
        Task<Reply> first = bench.AskAsync(new Ask("Same.example.", Id: 1));
        Task<Reply> second = bench.AskAsync(new Ask("sAME.example.", Id: 2) { Edns = false });
        await upstream.NextAsync();
        gate.SetResult();
        Assert.Equal(((ushort)1, "Same.example.", true), ((await first).Id, (await first).Question, (await first).HasOpt));
        Assert.Equal(((ushort)2, "sAME.example.", false), ((await second).Id, (await second).Question, (await second).HasOpt));
        Assert.Equal(["sAME.example. A 192.0.2.1"], (await second).Answer);
        Assert.Equal((1, 1L), (upstream.Count, bench.Counts.Coalesced));
    }

    [Fact]
    public async Task A_waiter_who_gives_up_leaves_the_flight_to_the_others()
    {
        var gate = new TaskCompletionSource();
        using var upstream = new FakeUpstream(query => new FakeReply(query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.1"))) { Gate = gate.Task });
        using var bench = new Bench(upstream);
        using var cancel = new CancellationTokenSource();
        Task<int> leaver = bench.Forwarder.ForwardAsync(new Ask("x.example.").ToPacket(), Finding.Forward, ClientView.Default, default, new byte[1232], 1232, cancel.Token).AsTask();
        Task<Reply> stayer = bench.AskAsync("x.example.");
        await upstream.NextAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaver);
        gate.SetResult();
        Assert.Single((await stayer).Answer);
        Assert.Equal(1, upstream.Count);
    }

    [Fact]
    public async Task An_answer_is_kept_for_its_ttl_and_served_ttls_count_down()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        Assert.Equal([60u], (await bench.AskAsync("x.example.")).Ttls);
        bench.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal([40u], bench.Cached(new Ask("X.EXAMPLE."))!.Ttls);
        bench.Clock.Advance(TimeSpan.FromSeconds(39));
        Assert.Equal([1u], bench.Cached(new Ask("x.example."))!.Ttls);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(bench.Cached(new Ask("x.example.")));
        Assert.Equal(["x.example. A 192.0.2.2"], (await bench.AskAsync("x.example.")).Answer);
    }

    [Fact]
    public async Task A_ttl_is_at_most_a_day_and_one_with_its_top_bit_set_is_zero()
    {
        using var upstream = new FakeUpstream(query => query.Answer(FakeRecord.A(query.Name, query.Number == 1 ? 1_000_000u : 0x80000001, "192.0.2.1")));
        using var bench = new Bench(upstream);
        Assert.Equal([Day], (await bench.AskAsync("x.example.")).Ttls);
        Assert.Equal([0u], (await bench.AskAsync("y.example.")).Ttls);
    }

    [Fact]
    public async Task A_ttl_of_zero_is_not_kept()
    {
        using FakeUpstream upstream = Serving(0);
        using var bench = new Bench(upstream);
        Assert.Equal([0u], (await bench.AskAsync("x.example.")).Ttls);
        Assert.Null(bench.Cached(new Ask("x.example.")));
        Assert.Equal(0, bench.Counts.CacheEntries);
    }

    [Fact]
    public async Task The_pipelines_largest_ttl_is_kept_to_when_serving_only()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        Assert.Equal([5u], (await bench.AskAsync(new Ask("x.example."), maxTtl: 5)).Ttls);
        Assert.Equal([60u], bench.Cached(new Ask("x.example."))!.Ttls);
    }

    [Theory]
    [InlineData(Rcode.NXDomain, 300u, 60u, 60u)]
    [InlineData(Rcode.NXDomain, 30u, 600u, 30u)]
    [InlineData(Rcode.NoError, 300u, 60u, 60u)]
    [InlineData(Rcode.NXDomain, 90000u, 90000u, 3600u)]
    public async Task A_negative_answer_is_kept_by_the_lesser_of_soa_ttl_and_minimum_up_to_an_hour(Rcode rcode, uint ttl, uint minimum, uint kept)
    {
        using var upstream = new FakeUpstream(query => query.Fail(rcode, Soa(ttl, minimum)));
        using var bench = new Bench(upstream);
        Reply reply = await bench.AskAsync("no.example.");
        Assert.Equal((rcode, kept), (reply.Rcode, Assert.Single(reply.Ttls)));
        Assert.Equal(["example. SOA "], reply.Authority);
        bench.Clock.Advance(TimeSpan.FromSeconds(kept - 1));
        Assert.Equal(rcode, bench.Cached(new Ask("no.example."))!.Rcode);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(bench.Cached(new Ask("no.example.")));
    }

    [Fact]
    public async Task A_negative_answer_without_soa_is_not_kept()
    {
        using var upstream = new FakeUpstream(query => query.Fail(Rcode.NXDomain));
        using var bench = new Bench(upstream);
        Assert.Equal(Rcode.NXDomain, (await bench.AskAsync("no.example.")).Rcode);
        Assert.Null(bench.Cached(new Ask("no.example.")));
    }

    [Fact]
    public async Task A_failure_is_kept_one_second_and_longer_with_each_in_a_row_up_to_five()
    {
        using var upstream = new FakeUpstream(query => query.Fail(Rcode.ServFail));
        using var bench = new Bench(upstream);
        foreach (int seconds in new[] { 1, 2, 4, 5, 5 })
        {
            await bench.AskAsync("x.example.");
            bench.Clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            Assert.Equal(Rcode.ServFail, bench.Cached(new Ask("x.example."))!.Rcode);
            bench.Clock.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Null(bench.Cached(new Ask("x.example.")));
        }
        Assert.Equal(5, upstream.Count);
    }

    [Fact]
    public async Task When_all_fail_a_stale_answer_serves_with_ttl_30_and_for_a_while_without_asking_again()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        upstream.Script = query => query.Fail(Rcode.ServFail);
        bench.Clock.Advance(TimeSpan.FromHours(1));
        Reply reply = await bench.AskAsync("x.example.");
        Assert.Equal(["x.example. A 192.0.2.1"], reply.Answer);
        Assert.Equal([30u], reply.Ttls);
        Assert.Equal(EdeCode.StaleAnswer, reply.Error);
        Assert.Equal(EdeCode.StaleAnswer, bench.Cached(new Ask("x.example."))!.Error);
        Assert.Equal(2, upstream.Count);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(bench.Cached(new Ask("x.example.")));
    }

    [Theory]
    [InlineData(Rcode.NoError)] // With an address of TTL 0.
    [InlineData(Rcode.NXDomain)] // Without an SOA.
    [InlineData(Rcode.YXDomain)]
    public async Task What_an_answer_that_is_not_kept_replaced_is_never_served_again(Rcode rcode)
    {
        using FakeUpstream upstream = Serving(1);
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        upstream.Script = query => rcode == Rcode.NoError ? query.Answer(FakeRecord.A(query.Name, 0, "192.0.2.2")) : query.Fail(rcode);
        bench.Clock.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(rcode, (await bench.AskAsync("x.example.")).Rcode);
        upstream.Script = query => query.Fail(Rcode.ServFail);
        Reply reply = await bench.AskAsync("x.example.");
        Assert.Equal((Rcode.ServFail, 0), (reply.Rcode, reply.Answer.Count));
    }

    [Fact]
    public async Task A_stale_answer_serves_for_a_day_and_no_longer()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        upstream.Script = query => query.Fail(Rcode.ServFail);
        bench.Clock.Advance(TimeSpan.FromSeconds(60 + Day - 1));
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("x.example.")).Rcode);
        bench.Clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(Rcode.ServFail, (await bench.AskAsync("x.example.")).Rcode);
    }

    [Fact]
    public async Task A_stale_denial_is_marked_as_such()
    {
        using var upstream = new FakeUpstream(query => query.Number == 1 ? query.Fail(Rcode.NXDomain, Soa(60, 60)) : query.Fail(Rcode.ServFail));
        using var bench = new Bench(upstream);
        await bench.AskAsync("no.example.");
        bench.Clock.Advance(TimeSpan.FromMinutes(5));
        Reply reply = await bench.AskAsync("no.example.");
        Assert.Equal((Rcode.NXDomain, EdeCode.StaleNXDomainAnswer), (reply.Rcode, reply.Error!.Value));
    }

    [Fact]
    public async Task A_client_gets_a_stale_answer_after_1800_ms_and_the_flight_goes_on()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        var gate = new TaskCompletionSource();
        upstream.Script = query => new FakeReply(query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.99"))) { Gate = gate.Task };
        bench.Clock.Advance(TimeSpan.FromHours(1));
        DateTimeOffset begin = bench.Clock.GetUtcNow();
        Reply reply = await bench.RunUntilAsync(bench.AskAsync("x.example."));
        Assert.Equal(["x.example. A 192.0.2.1"], reply.Answer);
        Assert.Equal(EdeCode.StaleAnswer, reply.Error);
        Assert.InRange((bench.Clock.GetUtcNow() - begin).TotalMilliseconds, 1800, 2000);
        gate.SetResult();
        Assert.Equal(["x.example. A 192.0.2.99"], (await bench.AskAsync("x.example.")).Answer);
    }

    [Fact]
    public async Task A_hot_name_is_fetched_anew_before_it_ends_and_nobody_waits()
    {
        using FakeUpstream upstream = Serving(100);
        using var bench = new Bench(upstream);
        for (int i = 0; i < 5; i++)
            await bench.AskAsync("hot.example.");
        await upstream.NextAsync();
        await bench.AskAsync("cold.example.");
        await upstream.NextAsync();
        bench.Clock.Advance(TimeSpan.FromSeconds(95));
        var gate = new TaskCompletionSource();
        upstream.Script = query => new FakeReply(query.Message(records: FakeRecord.A(query.Name, 100, "192.0.2.99"))) { Gate = gate.Task };
        Assert.Equal(["hot.example. A 192.0.2.1"], (await bench.AskAsync("hot.example.")).Answer);
        await upstream.NextAsync();
        Assert.NotNull(bench.Cached(new Ask("hot.example."))); // Once begun, the edge goes on by itself.
        gate.SetResult();
        await Bench.SeesAsync(() => bench.Counts.InFlight == 0);
        Assert.Equal(["hot.example. A 192.0.2.99"], bench.Cached(new Ask("hot.example."))!.Answer);
        await bench.AskAsync("cold.example.");
        Assert.Equal((3, 1L), (upstream.Count, bench.Counts.Prefetches));
    }

    [Fact]
    public async Task Type_do_and_cd_have_answers_of_their_own()
    {
        using var upstream = new FakeUpstream(query => query.Answer(
            query.Type == DnsType.A ? FakeRecord.A(query.Name, 60, "192.0.2.1") : FakeRecord.Aaaa(query.Name, 60, "2001:db8::1")));
        using var bench = new Bench(upstream);
        Ask[] asks =
        [
            new("x.example."),
            new("x.example.", DnsType.AAAA),
            new("x.example.") { DnssecOk = true },
            new("x.example.") { Flags = DnsFlags.RecursionDesired | DnsFlags.CheckingDisabled },
        ];
        foreach (Ask ask in asks.Concat(asks))
            await bench.AskAsync(ask);
        Assert.Equal(asks.Length, upstream.Count);
    }

    [Fact]
    public async Task Ad_is_told_to_those_who_show_that_they_understand_it()
    {
        using var upstream = new FakeUpstream(query => new FakeReply(query.Message(Rcode.NoError, DnsFlags.AuthenticData, FakeRecord.A(query.Name, 60, "192.0.2.1"))));
        using var bench = new Bench(upstream);
        Assert.Equal(DnsFlags.None, (await bench.AskAsync(new Ask("x.example."))).Flags & DnsFlags.AuthenticData);
        Assert.NotEqual(DnsFlags.None, bench.Cached(new Ask("x.example.") { Flags = DnsFlags.RecursionDesired | DnsFlags.AuthenticData })!.Flags & DnsFlags.AuthenticData);
        Assert.NotEqual(DnsFlags.None, (await bench.AskAsync(new Ask("x.example.") { DnssecOk = true })).Flags & DnsFlags.AuthenticData);
        Assert.All(upstream.Queries, each => Assert.True(each.Flags.HasFlag(DnsFlags.AuthenticData)));
    }

    [Fact]
    public async Task Without_rd_only_the_cache_answers()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        Reply refused = await bench.AskAsync(new Ask("x.example.") { Flags = DnsFlags.None });
        Assert.Equal((Rcode.Refused, EdeCode.NotAuthoritative), (refused.Rcode, refused.Error!.Value));
        await bench.AskAsync("x.example.");
        Assert.Equal(Rcode.NoError, (await bench.AskAsync(new Ask("x.example.") { Flags = DnsFlags.None })).Rcode);
    }

    [Fact]
    public async Task What_a_client_cannot_take_is_left_out_with_tc()
    {
        FakeRecord[] many = [.. Enumerable.Range(1, 100).Select(i => FakeRecord.A("many.example.", 60, $"192.0.2.{i}"))];
        using var upstream = new FakeUpstream(query => query.IsTcp ? query.Answer(many) : query.Truncated());
        using var bench = new Bench(upstream);
        Reply small = await bench.AskAsync(new Ask("many.example."), limit: 512);
        Assert.True(small.Flags.HasFlag(DnsFlags.Truncated) && small.Size <= 512 && small.HasOpt);
        Assert.Equal((512 - 12 - 18 - 11) / 16, small.Answer.Count);
        Reply large = await bench.AskAsync(new Ask("many.example."), limit: 65535);
        Assert.False(large.Flags.HasFlag(DnsFlags.Truncated));
        Assert.Equal(100, large.Answer.Count);
    }

    [Fact]
    public async Task A_hit_allocates_nothing()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        byte[] packet = new Ask("x.example.").ToPacket();
        var reply = new byte[1232];
        for (int i = 0; i < 100; i++)
            Assert.True(bench.TryCached(packet, reply, 1232, uint.MaxValue, out _));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            bench.TryCached(packet, reply, 1232, uint.MaxValue, out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public async Task The_reply_may_be_written_over_the_packet()
    {
        using FakeUpstream upstream = Serving(60);
        using var bench = new Bench(upstream);
        await bench.AskAsync("x.example.");
        var buffer = new byte[1232];
        byte[] packet = new Ask("X.exAMple.", Id: 77) { DnssecOk = false }.ToPacket();
        packet.CopyTo(buffer, 0);
        DnsQuery.TryParse(buffer.AsSpan(0, packet.Length), out DnsQuery query);
        Assert.True(bench.Forwarder.TryAnswerCached(buffer.AsSpan(0, packet.Length), query, FakeRecord.Name("x.example."), Finding.Forward with { MaxTtl = 60 }, ClientView.Default, buffer, 1232, out int length));
        var reply = Reply.Read(buffer.AsSpan(0, length));
        Assert.Equal(((ushort)77, "X.exAMple."), (reply.Id, reply.Question));
        Assert.Equal(["X.exAMple. A 192.0.2.1"], reply.Answer);
    }
}
