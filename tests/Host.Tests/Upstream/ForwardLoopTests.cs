using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream.Flights;
using MeshDns.Host.Upstream.Servers;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>The upstream loop: its bounds, its sockets, and what it makes of servers that are odd.</summary>
public sealed class ForwardLoopTests
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(4);

    private static FakeReply Good(FakeQuery query) => query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1"));

    [Fact]
    public async Task A_reply_longer_than_we_take_is_asked_for_again_over_tcp()
    {
        FakeRecord[] many = [.. Enumerable.Range(0, 500).Select(i => FakeRecord.A("big.example.", 60, $"192.0.{i / 250}.{i % 250}"))];
        using var upstream = new FakeUpstream(query => query.Answer(many));
        using var bench = new Bench(upstream);
        Assert.Equal(500, (await bench.AskAsync(new Ask("big.example."), limit: DnsLimits.MaxMessageSize)).Answer.Count);
        Assert.Equal([false, true], upstream.Queries.Select(each => each.IsTcp));
    }

    [Fact]
    public async Task A_server_that_speaks_edns_refuses_it_for_one_name_only()
    {
        using var upstream = new FakeUpstream(query => query.HasEdns && query.Name.StartsWith("odd", StringComparison.Ordinal) ? query.Fail(Rcode.FormErr) : Good(query));
        using var bench = new Bench(upstream);
        await bench.AskAsync("a.example.");
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("odd.example.")).Rcode);
        await bench.AskAsync("b.example.");
        Assert.Equal([true, true, false, true], upstream.Queries.Select(each => each.HasEdns));
    }

    [Fact]
    public async Task A_server_that_spoke_edns_and_refuses_it_many_times_in_a_row_is_asked_without()
    {
        using var upstream = new FakeUpstream(Good);
        using var bench = new Bench(upstream);
        await bench.AskAsync("a.example.");
        upstream.Script = query => query.HasEdns ? query.Fail(Rcode.NotImp) : Good(query);
        for (int i = 0; i < ServerHealth.RefusalsToDoubt; i++)
            await bench.AskAsync($"n{i}.example.");
        int before = upstream.Count;
        await bench.AskAsync("z.example.");
        Assert.Equal([false], upstream.Queries.Skip(before).Select(each => each.HasEdns));
    }

    [Fact]
    public async Task Too_much_at_once_is_refused_and_not_kept_and_a_dead_route_leaves_room_for_the_others()
    {
        using var silent = new FakeUpstream(_ => FakeReply.Never);
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(new UpstreamSettings([alive.Address], [new UpstreamRoute("dead.example", [silent.Address])], _deadline, 1 << 20));
        const int Places = FlightTable.Capacity / 2;
        // Posted, not awaited: to wake as many tasks takes a starved machine half a minute.
        var sink = new Sink(Places);
        for (int i = 0; i < Places; i++)
            bench.Forwarder.Post([Posted.Query(new Ask($"n{i}.dead.example."), sink)]);
        await Bench.SeesAsync(() => bench.Counts.InFlight >= Places);
        Reply refused = await bench.AskAsync("one-more.dead.example.");
        Assert.Equal((Rcode.ServFail, EdeCode.Other), (refused.Rcode, refused.Error!.Value));
        Assert.Null(bench.Cached(new Ask("one-more.dead.example.")));
        Assert.Equal((0L, 1L), (bench.Counts.Failures, bench.Counts.Overloads));
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("a.example.")).Rcode);
        Assert.All(await bench.RunUntilAsync(sink.All), each => Assert.Equal(EdeCode.NoReachableAuthority, each.Error));
        Assert.Equal(0, bench.Counts.InFlight);
        Assert.Equal(0, bench.Counts.Servers.Sum(each => each.InFlight));
    }

    [Fact]
    public async Task A_posted_query_is_answered_through_its_sink()
    {
        using var upstream = new FakeUpstream(Good);
        using var bench = new Bench(upstream);
        var sink = new Sink(1);
        var ask = new Ask("X.example.", Id: 77);
        bench.Forwarder.Post([Posted.Query(ask, sink)]);
        Reply reply = Assert.Single(await sink.All.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal((77, "X.example.", 5u), (reply.Id, reply.Question, reply.Ttls[0]));
        bench.Forwarder.Dispose();
        bench.Forwarder.Post([Posted.Query(ask, sink)]);
        Assert.Equal(1, sink.Dropped);
    }

    [Fact]
    public async Task What_is_under_way_at_the_end_is_answered_and_not_kept()
    {
        using var silent = new FakeUpstream(_ => FakeReply.Never);
        using var bench = new Bench(silent);
        Task<Reply> asked = bench.AskAsync("x.example.");
        await silent.NextAsync();
        bench.Forwarder.Dispose();
        Assert.Equal(Rcode.ServFail, (await asked).Rcode);
        Assert.Equal(Rcode.ServFail, (await bench.AskAsync("y.example.")).Rcode);
    }

    [Fact]
    public async Task What_is_asked_again_takes_a_part_of_a_servers_places_at_most()
    {
        const int First = ServerLink.MaxAskedAgain + 500;
        const int More = 500;
        using var upstream = new FakeUpstream(_ => FakeReply.Never);
        using var bench = new Bench(upstream);
        var sink = new Sink(First + More);
        void Post(int from, int count)
        {
            for (int i = from; i < from + count; i++)
                bench.Forwarder.Post([Posted.Query(new Ask($"n{i}.example."), sink)]);
        }

        Post(0, First);
        await Bench.SeesAsync(() => bench.Counts.InFlight == First);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        await Bench.SeesAsync(() => bench.Counts.Servers[0].Outcomes["overloaded"] >= First);
        Assert.Equal(First, bench.Counts.Servers[0].InFlight);
        Post(First, More);
        await Bench.SeesAsync(() => bench.Counts.InFlight == First + More);
        Assert.Equal(First + More, bench.Counts.Servers[0].InFlight);
        Assert.All(await bench.RunUntilAsync(sink.All), each => Assert.Equal(EdeCode.NoReachableAuthority, each.Error));
        Assert.Equal((0L, 0), (bench.Counts.Overloads, bench.Counts.Servers[0].InFlight));
    }

    [Fact]
    public async Task Without_the_calls_of_linux_the_framework_serves()
    {
        var gone = new FakeUpstream(Good);
        IPEndPoint deadAddress = gone.Address;
        gone.Dispose();
        using var alive = new FakeUpstream(query => query.IsTcp || !query.Name.StartsWith("big", StringComparison.Ordinal) ? Good(query) : query.Truncated());
        using var bench = new Bench(new UpstreamSettings([deadAddress, alive.Address], [], _deadline, 1 << 20), wire: () => new SelectWire());
        Task<Reply>[] asked = [.. Enumerable.Range(0, 100).Select(i => bench.AskAsync($"n{i}.example."))];
        Assert.All(await Task.WhenAll(asked), each => Assert.Equal(Rcode.NoError, each.Rcode));
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("big.example.")).Rcode);
        Assert.True(bench.Counts.Servers.Single(each => each.Address.Equals(deadAddress)).IsResting);
    }

    [Fact]
    public async Task Without_the_calls_of_linux_too_one_query_is_enough_to_see_that_a_server_is_gone()
    {
        var gone = new FakeUpstream(Good);
        IPEndPoint deadAddress = gone.Address;
        gone.Dispose();
        using var bench = new Bench(new UpstreamSettings([deadAddress], [], _deadline, 1 << 20), wire: () => new SelectWire());
        Assert.Equal(Rcode.ServFail, (await bench.AskAsync("a.example.")).Rcode);
    }
}
