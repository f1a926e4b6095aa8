using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using MeshDns.Host.Edge;
using MeshDns.Host.Tests.Resolve;

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
        Assert.Equal(0, server.Statistics.SendErrors);
        await server.StopAsync(TimeSpan.FromSeconds(5));
    }
}
