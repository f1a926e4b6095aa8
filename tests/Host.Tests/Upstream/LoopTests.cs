using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>behaviour.md, Forwarding: a loop (we are our own upstream) is detected and reported.</summary>
public sealed class LoopTests
{
    private static FakeReply Through(UpstreamForwarder? forwarder, FakeQuery query)
    {
        var reply = new byte[DnsLimits.MaxMessageSize];
        int length = forwarder!.ForwardAsync(query.Packet, ClientView.Default, reply, DnsLimits.MaxUdpSize, uint.MaxValue, CancellationToken.None).AsTask().GetAwaiter().GetResult();
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
        Assert.Empty(exact.Counts.Servers);
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
