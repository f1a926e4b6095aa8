using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Settings;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>Other servers, routes and deadlines while the forwarder works.</summary>
public sealed class ServerChangeTests
{
    private static UpstreamSettings Asking(IEnumerable<FakeUpstream> servers, params (string Suffix, FakeUpstream Server)[] routes) =>
        new([.. servers.Select(each => each.Address)], [.. routes.Select(each => new UpstreamRoute(each.Suffix, [each.Server.Address]))], TimeSpan.FromSeconds(4), 1 << 20);

    private static FakeUpstream Answering(string address) => new(query => query.Answer(FakeRecord.A(query.Name, 60, address)));

    private static async Task<string> AddressAsync(Bench bench, string name) => Assert.Single((await bench.AskAsync(name)).Answer).Split(' ')[^1];

    [Fact]
    public async Task Others_are_asked_from_then_on_and_what_the_ones_before_answered_is_not_served()
    {
        using FakeUpstream before = Answering("192.0.2.1"), after = Answering("192.0.2.2");
        using var bench = new Bench(before);
        Assert.Equal("192.0.2.1", await AddressAsync(bench, "x.example."));
        Assert.NotNull(bench.Cached(new Ask("x.example.")));
        bench.Forwarder.Use(Asking([after]));
        Assert.Null(bench.Cached(new Ask("x.example.")));
        Assert.Equal("192.0.2.2", await AddressAsync(bench, "x.example."));
        Assert.Equal((1, 1), (before.Count, after.Count));
        await bench.TurnedAsync();
        Assert.Equal([after.Address], bench.Counts.Servers.Select(each => each.Address));
    }

    [Fact]
    public async Task What_is_under_way_ends_with_the_servers_that_it_began_with_and_is_kept_for_nobody_else()
    {
        var gate = new TaskCompletionSource();
        using var before = new FakeUpstream(query => new FakeReply([.. query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1")).Packets]) { Gate = gate.Task });
        using FakeUpstream after = Answering("192.0.2.2");
        using var bench = new Bench(before);
        Task<Reply> under = bench.AskAsync("x.example.");
        await before.NextAsync();
        bench.Forwarder.Use(Asking([after]));
        await bench.TurnedAsync();
        Assert.Equal("192.0.2.2", await AddressAsync(bench, "x.example."));
        gate.SetResult();
        Assert.Equal(["x.example. A 192.0.2.1"], (await under.WaitAsync(TimeSpan.FromSeconds(30))).Answer);
        Assert.Equal("192.0.2.2", await AddressAsync(bench, "x.example."));
        await bench.TurnedAsync();
        await bench.TurnedAsync();
        Assert.Equal([after.Address], bench.Counts.Servers.Select(each => each.Address));
    }

    [Fact]
    public async Task Routes_come_change_and_go_and_one_that_stays_keeps_its_answers()
    {
        using FakeUpstream others = Answering("192.0.2.1"), one = Answering("192.0.2.2"), two = Answering("192.0.2.3");
        using var bench = new Bench(Asking([others], ("one.test", one)));
        Assert.Equal("192.0.2.2", await AddressAsync(bench, "a.one.test."));
        Assert.Equal("192.0.2.1", await AddressAsync(bench, "a.two.test."));
        bench.Forwarder.Use(Asking([others], ("two.test", two), ("one.test", one)));
        Assert.NotNull(bench.Cached(new Ask("a.one.test.")));
        Assert.Equal("192.0.2.3", await AddressAsync(bench, "a.two.test."));
        bench.Forwarder.Use(Asking([others], ("two.test", one)));
        Assert.Equal("192.0.2.2", await AddressAsync(bench, "a.two.test."));
        Assert.Equal("192.0.2.1", await AddressAsync(bench, "a.one.test."));
        bench.Forwarder.Use(Asking([others]));
        Assert.Equal("192.0.2.1", await AddressAsync(bench, "b.two.test."));
        // It was asked by this route all the time.
        Assert.NotNull(bench.Cached(new Ask("a.one.test.")));
    }

    [Fact]
    public async Task Named_servers_give_way_to_those_of_resolv_conf_and_come_back()
    {
        using FakeUpstream named = Answering("192.0.2.1");
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "nameserver 192.0.2.53\n");
            using var bench = new Bench(Asking([named]), resolvConf: path);
            Assert.Equal([named.Address], bench.Counts.Servers.Select(each => each.Address));
            bench.Forwarder.Use(Asking([]));
            await bench.TurnedAsync();
            Assert.Equal(["192.0.2.53:53"], bench.Counts.Servers.Select(each => each.Address.ToString()));
            await File.WriteAllTextAsync(path, "nameserver 192.0.2.54\n");
            bench.Clock.Advance(TimeSpan.FromSeconds(15));
            await bench.TurnedAsync();
            Assert.Equal(["192.0.2.54:53"], bench.Counts.Servers.Select(each => each.Address.ToString()));
            bench.Forwarder.Use(Asking([named]));
            Assert.Equal("192.0.2.1", await AddressAsync(bench, "x.example."));
            await File.WriteAllTextAsync(path, "nameserver 192.0.2.55\n");
            bench.Clock.Advance(TimeSpan.FromSeconds(15));
            await bench.TurnedAsync();
            Assert.Equal([named.Address], bench.Counts.Servers.Select(each => each.Address));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Another_deadline_holds_for_queries_that_come_from_then_on()
    {
        using var silent = new FakeUpstream(_ => FakeReply.Never);
        using var bench = new Bench(silent);
        Task<Reply> first = bench.AskAsync("a.example.");
        await silent.NextAsync();
        bench.Forwarder.Use(Asking([silent]) with { Timeout = TimeSpan.FromSeconds(1) });
        DateTimeOffset begin = bench.Clock.GetUtcNow();
        Assert.Equal(Rcode.ServFail, (await bench.RunUntilAsync(bench.AskAsync("b.example."))).Rcode);
        Assert.InRange((bench.Clock.GetUtcNow() - begin).TotalMilliseconds, 900, 2500);
        Assert.False(first.IsCompleted);
        Assert.Equal(Rcode.ServFail, (await bench.RunUntilAsync(first)).Rcode);
        Assert.InRange((bench.Clock.GetUtcNow() - begin).TotalMilliseconds, 3500, 6000);
        // A flight that is used again has the deadline of now.
        begin = bench.Clock.GetUtcNow();
        Assert.Equal(Rcode.ServFail, (await bench.RunUntilAsync(bench.AskAsync("c.example."))).Rcode);
        Assert.InRange((bench.Clock.GetUtcNow() - begin).TotalMilliseconds, 900, 2500);
    }

    [Fact]
    public async Task What_cannot_be_taken_changes_nothing()
    {
        using FakeUpstream before = Answering("192.0.2.1"), after = Answering("192.0.2.2");
        using var bench = new Bench(before);
        Assert.Throws<FormatException>(() => bench.Forwarder.Use(Asking([after], ("not a name", after))));
        Assert.Equal("192.0.2.1", await AddressAsync(bench, "x.example."));
        Assert.Equal(0, after.Count);
    }

    [Fact]
    public void After_its_end_it_takes_none()
    {
        using FakeUpstream before = Answering("192.0.2.1"), after = Answering("192.0.2.2");
        var bench = new Bench(before);
        bench.Dispose();
        bench.Forwarder.Use(Asking([after]));
        Assert.Equal([before.Address], bench.Counts.Servers.Select(each => each.Address));
    }

    [Fact]
    public void A_server_that_is_this_node_is_told_of_while_it_is_named()
    {
        using FakeUpstream alive = Answering("192.0.2.1");
        var own = new IPEndPoint(IPAddress.Loopback, 5353);
        var settings = Asking([alive], ("one.test", alive));
        using var bench = new Bench(settings, listen: [own]);
        bench.Forwarder.Use(settings with { Routes = [new UpstreamRoute("one.test", [own])] });
        Assert.Equal([own], bench.Counts.OwnAddresses);
        bench.Forwarder.Use(settings);
        Assert.Empty(bench.Counts.OwnAddresses);
    }
}
