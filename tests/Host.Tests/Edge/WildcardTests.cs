using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using MeshDns.Host.Edge;
using MeshDns.Host.Net;
using MeshDns.Host.Tests.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Edge;

/// <summary>A wildcard address answers from the address that was asked: a client that is connected, as most are, takes nothing from another.</summary>
public sealed class WildcardTests
{
    [Theory, InlineData(1), InlineData(64)]
    public Task IPv4(int batch) => AnswersFrom(batch, IPAddress.Any, IPAddress.Loopback, [IPAddress.Loopback, IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.3.2.1")]);

    [Theory, InlineData(1), InlineData(64)]
    public Task IPv6(int batch)
    {
        // ::1 alone proves little: it is what the system chooses anyway. Where the host has another address, that one is asked from ::1 too.
        var others = NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)
            .Where(a => a.AddressFamily == AddressFamily.InterNetworkV6 && !a.IsIPv6LinkLocal);
        return AnswersFrom(batch, IPAddress.IPv6Any, IPAddress.IPv6Loopback, [IPAddress.IPv6Loopback, .. others]);
    }

    // RFC 3493 section 5.3.
    [Theory, InlineData(1), InlineData(64)]
    public Task IPv4_on_the_wildcard_of_IPv6(int batch) =>
        AnswersFrom(batch, IPAddress.IPv6Any, IPAddress.Loopback, [IPAddress.Loopback, IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.3.2.1")]);

    [Fact]
    public async Task IPv4_over_TCP_on_the_wildcard_of_IPv6_has_the_same_limits_as_everywhere()
    {
        await using var edge = new EdgeBench();
        var bench = edge.Bench;
        var server = EdgeServer.Start([new IPEndPoint(IPAddress.IPv6Any, 0), new IPEndPoint(IPAddress.Loopback, 0)], new EdgeOptions { UdpLoops = 1, MaxTcpConnectionsPerClient = 1 }, bench.Resolver, bench.Answers, bench.Upstream, bench.Time);
        // One client, whichever of the two it comes by.
        using var client = await AskTcp(server.Endpoints[1]);
        using var six = await AskTcp(new IPEndPoint(IPAddress.IPv6Loopback, server.Endpoints[0].Port));
        using var more = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
        more.Connect(IPAddress.Loopback, server.Endpoints[0].Port);
        Assert.Null(EdgeBench.TryReceiveFrame(more));
        await server.StopAsync(TimeSpan.FromSeconds(5));
    }

    [Theory, InlineData("0.0.0.0"), InlineData("127.0.0.1")]
    public async Task Beside_an_IPv4_address_with_the_same_port_the_wildcard_of_IPv6_is_for_IPv6_alone(string other)
    {
        await using var edge = new EdgeBench();
        var bench = edge.Bench;
        var port = FreePort.Next();
        var server = EdgeServer.Start([new IPEndPoint(IPAddress.IPv6Any, port), new IPEndPoint(IPAddress.Parse(other), port)], new EdgeOptions { UdpLoops = 1 }, bench.Resolver, bench.Answers, bench.Upstream, bench.Time);
        (await AskTcp(new IPEndPoint(IPAddress.Loopback, port))).Dispose();
        (await AskTcp(new IPEndPoint(IPAddress.IPv6Loopback, port))).Dispose();
        await server.StopAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void An_IPv4_address_in_IPv6_form_is_listened_on_as_what_it_is() =>
        Assert.Equal([new ListenAddress(new IPEndPoint(IPAddress.Loopback, 53), IsDual: false)], ListenAddress.Of([new IPEndPoint(IPAddress.Parse("::ffff:127.0.0.1"), 53)]));

    [Fact]
    public void An_IPv4_client_has_4_bytes_whatever_the_socket()
    {
        var client = new IPEndPoint(IPAddress.Parse("192.0.2.1"), 1000);
        Assert.Equal([192, 0, 2, 1], ClientAddress.Of(client.Serialize()).ToArray());
        Assert.Equal([192, 0, 2, 1], ClientAddress.Of(new IPEndPoint(client.Address.MapToIPv6(), 1000).Serialize()).ToArray());
        Assert.Equal(IPAddress.Parse("2001:db8::ffff:192.0.2.1").GetAddressBytes(), ClientAddress.Of(new IPEndPoint(IPAddress.Parse("2001:db8::ffff:192.0.2.1"), 1000).Serialize()).ToArray());
    }
    private static async Task<Socket> AskTcp(IPEndPoint server)
    {
        var client = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
        await client.ConnectAsync(server);
        client.Send(QueryPacket.Framed(QueryPacket.Of("a.example", id: 3)));
        Assert.Equal("10.0.0.1", Assert.Single(EdgeBench.ReceiveFrame(client).AnswerData));
        return client;
    }

    private static async Task AnswersFrom(int batch, IPAddress wildcard, IPAddress from, IEnumerable<IPAddress> asked)
    {
        await using var edge = new EdgeBench();
        var bench = edge.Bench;
        var server = EdgeServer.Start([new IPEndPoint(wildcard, 0)], new EdgeOptions { UdpLoops = 2, UdpBatch = batch }, bench.Resolver, bench.Answers, bench.Upstream, bench.Time);
        foreach (var address in asked)
        {
            using var client = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 10_000 };
            client.Bind(new IPEndPoint(from, 0));
            client.Connect(new IPEndPoint(address, server.Endpoints[0].Port));
            client.Send(QueryPacket.Of("a.example", id: 1));
            Assert.Equal("10.0.0.1", Assert.Single(EdgeBench.Receive(client).AnswerData));
            client.Send(QueryPacket.Of("slow.example", id: 2));
            Assert.Equal("192.0.2.0", Assert.Single(EdgeBench.Receive(client).AnswerData));
        }
        Assert.Equal(0, server.Statistics.SendErrors.Value);
        await server.StopAsync(TimeSpan.FromSeconds(5));
    }
}
