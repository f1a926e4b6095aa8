using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream.Flights;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>docs/adr/0022-fair-places.md, on the loop: a flood of names that nobody answers, and what is left for others.</summary>
public sealed class FairnessTests
{
    private const int Places = FlightTable.Capacity;
    private const ushort SlowDomain = 1;
    private static readonly Party _flooder = new(1, SlowDomain);
    private static readonly Party _other = new(2, 2);

    // What is below slow.example is never answered.
    private static FakeReply Script(FakeQuery query) =>
        query.Name.EndsWith("slow.example.", StringComparison.Ordinal) ? FakeReply.Never : query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1"));

    [Fact]
    public async Task A_client_that_holds_every_place_makes_room_for_others_and_nothing_of_it_is_kept()
    {
        using var upstream = new FakeUpstream(Script);
        using var bench = new Bench(upstream);
        var flood = new Sink(Places);
        await FloodAsync(bench, upstream, flood, Places);
        await AnswersAsync(bench, upstream, _other);
        Assert.Equal((50L, 50L, 0L), (bench.Counts.Displaced, bench.Counts.Overloads, bench.Counts.Failures));
        await Bench.SeesAsync(() => flood.Count == 50);
        // What was under way for those that ended is over too, without a word about the server.
        Assert.Equal((Places - 50, 0L), (bench.Counts.Servers[0].InFlight, bench.Counts.Servers[0].Outcomes["timeout"]));
        // The answers, and nothing of the flood's.
        Assert.Equal(50, bench.Counts.CacheEntries);
        IReadOnlyList<Reply> ended = await bench.RunUntilAsync(flood.All);
        Assert.All(ended.Take(50), each => Assert.Equal((Rcode.ServFail, EdeCode.Other), (each.Rcode, each.Error!.Value)));
        Assert.All(ended.Skip(50), each => Assert.Equal(EdeCode.NoReachableAuthority, each.Error));
        Assert.Equal((0, 0), (bench.Counts.InFlight, bench.Counts.Servers[0].InFlight));
    }

    [Fact]
    public async Task A_domain_that_holds_every_place_makes_room_for_another_of_the_same_client()
    {
        using var upstream = new FakeUpstream(Script);
        using var bench = new Bench(upstream);
        await FloodAsync(bench, upstream, new Sink(Places), Places);
        await AnswersAsync(bench, upstream, _flooder with { Domain = 2 });
        Assert.Equal(50, bench.Counts.Displaced);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // A route of several has half of the places.
    public async Task A_client_asks_for_a_flooded_domain_and_gets_a_place(bool isRoute)
    {
        using var upstream = new FakeUpstream(query => query.Name == "n9999.slow.example." ? query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1")) : Script(query));
        using var bench = new Bench(new UpstreamSettings([upstream.Address], isRoute ? [new UpstreamRoute("slow.example", [upstream.Address])] : [], TimeSpan.FromSeconds(4), 1 << 20));
        int places = isRoute ? Places / 2 : Places;
        await FloodAsync(bench, upstream, new Sink(places), places);
        Assert.Equal(Rcode.NoError, (await bench.AskAsync(new Ask("n9999.slow.example."), party: _other with { Domain = SlowDomain })).Rcode);
        Assert.Equal((1L, places - 1), (bench.Counts.Displaced, bench.Counts.InFlight));
    }

    [Fact]
    public async Task Who_is_alone_has_every_place_and_waits_in_line_for_more()
    {
        using var upstream = new FakeUpstream(Script);
        using var bench = new Bench(upstream);
        await FloodAsync(bench, upstream, new Sink(Places), Places);
        Assert.Equal((Places, 0L), (bench.Counts.InFlight, bench.Counts.Overloads));
        var more = new Sink(3);
        foreach (int i in (int[])[1, 2, 3])
            bench.Forwarder.Post([Posted.Query(new Ask($"more{i}.slow.example.", Id: (ushort)i), more, _flooder)]);
        await Bench.SeesAsync(() => bench.Counts.CacheMisses == Places + 3);
        Assert.Equal((0, 0L, 0L), (more.Count, bench.Counts.Displaced, bench.Counts.Overloads));
        // One of the flood makes room for another's query, and when that is answered the newest in line is next.
        await bench.AskAsync(new Ask("a.fast.test."), party: _other);
        await upstream.WaitForCountAsync(Places + 2);
        Assert.Equal(["more3.slow.example."], upstream.Queries.Select(each => each.Name).Where(name => name.StartsWith("more", StringComparison.Ordinal)));
        Assert.All(await bench.RunUntilAsync(more.All), each => Assert.Equal(Rcode.ServFail, each.Rcode));
    }

    [Fact]
    public async Task A_client_that_waits_for_one_answer_many_times_makes_room_for_others()
    {
        using var upstream = new FakeUpstream(Script);
        using var bench = new Bench(upstream);
        var flood = new Sink(WaitingQueries.MaxWaiting);
        for (int i = 0; i < WaitingQueries.MaxWaiting; i++)
        {
            bench.Forwarder.Post([Posted.Query(new Ask("one.slow.example.", Id: (ushort)i), flood, _flooder)]);
            if ((i + 1) % 2048 != 0)
                continue;
            await Bench.SeesAsync(() => bench.Counts.Coalesced == i);
        }
        Assert.Equal(Rcode.NoError, (await bench.AskAsync(new Ask("a.fast.test."), party: _other)).Rcode);
        await Bench.SeesAsync(() => flood.Count == 1);
        Assert.Equal((1L, 1), (bench.Counts.Displaced, bench.Counts.InFlight));
        Assert.Equal(WaitingQueries.MaxWaiting - 1, (await bench.RunUntilAsync(flood.All)).Count(each => each.Error == EdeCode.NoReachableAuthority));
    }

    [Fact]
    public void A_flight_counts_to_the_one_of_those_who_wait_that_holds_least()
    {
        var table = new FlightTable();
        var services = new ForwarderServices(null!, null!, null!, null!, null!, null!, null, VipRange.Default, TimeSpan.FromSeconds(4), null!);
        FlightRunner[] flights = [.. Enumerable.Range(0, 10).Select(_ => new FlightRunner(services, null!, null!, null!) { Party = _flooder })];
        for (int i = 0; i < flights.Length; i++)
            table.Add(flights[i], (ulong)i);
        Assert.Same(flights[0], table.FindHeavier(_other, null));
        table.Join(flights[0], _flooder with { Client = 3 });
        Assert.NotSame(flights[0], table.FindHeavier(_other, null));
        table.Join(flights[0], _flooder);
        Assert.Equal(3, flights[0].Party.Client);
    }

    // 50 queries of which each needs a place, because none is answered before all have come.
    private static async Task AnswersAsync(Bench bench, FakeUpstream upstream, Party party)
    {
        var gate = new TaskCompletionSource();
        upstream.Script = query => new FakeReply([.. Script(query).Packets]) { Gate = gate.Task };
        Task<Reply>[] asked = [.. Enumerable.Range(0, 50).Select(i => bench.AskAsync(new Ask($"n{i}.fast.test."), party: party))];
        await upstream.WaitForCountAsync(Places + 50);
        gate.SetResult();
        Assert.All(await Task.WhenAll(asked), each => Assert.Equal(Rcode.NoError, each.Rcode));
    }

    // In portions that a socket's buffer holds; all of them are under way at the end.
    private static async Task FloodAsync(Bench bench, FakeUpstream upstream, Sink sink, int count)
    {
        const int Portion = 64;
        for (int i = 0; i < count; i++)
        {
            bench.Forwarder.Post([Posted.Query(new Ask($"n{i}.slow.example.", Id: (ushort)i), sink, _flooder)]);
            if ((i + 1) % Portion != 0 && i != count - 1)
                continue;
            await upstream.WaitForCountAsync(i + 1);
        }
    }
}
