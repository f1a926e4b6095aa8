using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream;
using MeshDns.Host.Upstream.Servers;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>behaviour.md, Forwarding: a loop (we are our own upstream) is detected and reported.</summary>
public sealed class LoopTests
{
    private static FakeReply Through(UpstreamForwarder? forwarder, FakeQuery query)
    {
        var reply = new byte[DnsLimits.MaxMessageSize];
        int length = forwarder!.ForwardAsync(query.Packet, Finding.Forward, ClientView.Default, default, reply, DnsLimits.MaxUdpSize, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        return new FakeReply(reply[..length]);
    }

    [Fact]
    public async Task A_query_that_comes_back_is_refused_counted_and_named()
    {
        UpstreamForwarder? forwarder = null;
        using var ourselves = new FakeUpstream(query => Through(forwarder, query));
        using var bench = new Bench(ourselves);
        forwarder = bench.Forwarder;
        Reply reply = await bench.AskAsync("x.example.");
        Assert.Equal((Rcode.ServFail, EdeCode.NoReachableAuthority), (reply.Rcode, reply.Error!.Value));
        Assert.Equal(1, bench.Counts.Loops);
    }

    [Fact]
    public async Task A_ring_of_two_nodes_is_found_too()
    {
        UpstreamForwarder? first = null;
        UpstreamForwarder? second = null;
        using var toSecond = new FakeUpstream(query => Through(second, query));
        using var toFirst = new FakeUpstream(query => Through(first, query));
        using var one = new Bench(toSecond);
        using var two = new Bench(toFirst);
        (first, second) = (one.Forwarder, two.Forwarder);
        Assert.Equal(Rcode.ServFail, (await one.AskAsync("x.example.")).Rcode);
        Assert.Equal(1, one.Counts.Loops);
    }

    [Fact]
    public void An_upstream_that_is_our_own_address_is_not_asked()
    {
        var own = new IPEndPoint(IPAddress.Loopback, 15053);
        var settings = new UpstreamSettings([own], [], TimeSpan.FromSeconds(4), 1 << 20);
        using var exact = new Bench(settings, listen: [own]);
        using var wildcard = new Bench(settings, listen: [new IPEndPoint(IPAddress.Any, 15053)]);
        using var other = new Bench(settings, listen: [new IPEndPoint(IPAddress.Any, 53)]);
        Assert.Equal([own], exact.Counts.OwnAddresses);
        Assert.Equal([own], wildcard.Counts.OwnAddresses);
        Assert.Empty(other.Counts.OwnAddresses);
        var mapped = new IPEndPoint(IPAddress.Loopback.MapToIPv6(), 15053);
        using var byMapped = new Bench(settings with { Servers = [mapped] }, listen: [own]);
        using var atMapped = new Bench(settings, listen: [mapped]);
        Assert.Equal([own], byMapped.Counts.OwnAddresses);
        Assert.Equal([own], atMapped.Counts.OwnAddresses);
        Assert.Empty(exact.Counts.Servers);
    }

    [Fact]
    public async Task A_server_sees_the_mark_first_and_then_once_in_ten_seconds_at_most()
    {
        using var upstream = new FakeUpstream(query => query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1")));
        using var bench = new Bench(upstream);
        for (int i = 0; i < 25; i++)
        {
            await bench.AskAsync($"x{i}.example.");
            bench.Clock.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal([0, 10, 20], Enumerable.Range(0, 25).Where(i => upstream.Queries[i].Edns!.Value.Options.Length != 0));
    }

    [Fact]
    public async Task A_loop_that_begins_later_is_found_and_then_each_of_its_queries_is_refused_at_once()
    {
        UpstreamForwarder? forwarder = null;
        using var upstream = new FakeUpstream(query => query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1")));
        using var bench = new Bench(upstream);
        forwarder = bench.Forwarder;
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("before.example.")).Rcode);
        upstream.Script = query => Through(forwarder, query);
        bench.Clock.Advance(TimeSpan.FromMilliseconds(MarkSample.IntervalMs));
        for (int i = 1; i <= 5; i++)
        {
            Assert.Equal(Rcode.ServFail, (await bench.AskAsync($"after{i}.example.")).Rcode);
            Assert.Equal(i, bench.Counts.Loops);
        }
    }

    [Fact]
    public void Marks_are_bounded()
    {
        var mark = new LoopMark();
        byte[] marks = new byte[8 * LoopMark.MaxMarks];
        Assert.False(mark.HasLooped(new Ask("x.example.") { Options = new LoopMark().ToOption(marks.AsSpan(16)) }.ToPacket(), out ReadOnlySpan<byte> found));
        Assert.Equal(marks.Length - 8, found.Length);
        Assert.True(mark.HasLooped(new Ask("x.example.") { Options = new LoopMark().ToOption(marks.AsSpan(8)) }.ToPacket(), out _));
    }
}
