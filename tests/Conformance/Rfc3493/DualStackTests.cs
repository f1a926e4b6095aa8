using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc3493;

/// <summary>Section 5.3: <c>dns.listen = "[::]:PORT"</c> is for IPv4 clients too.</summary>
public sealed class DualStackTests(DualStackTests.Wildcard fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DualStackTests.Wildcard>
{
    public sealed class Wildcard() : MeshNode(["dns.listen=\"[::]:0\""]);

    [Theory, InlineData("127.0.0.1"), InlineData("127.0.0.2"), InlineData("::1")]
    public async Task Section5_3_both_families_are_answered_over_both_transports(string address)
    {
        var server = new IPEndPoint(IPAddress.Parse(address), Node.Dns.Port);
        var query = RawClient.Query("localhost", server.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? DnsType.A : DnsType.AAAA);
        Upstream.Address4("up.test", "198.51.100.1");
        Assert.Equal(1, DnsHeader.GetCount(await AskAsync(server, query), DnsSection.Answer));
        Assert.Equal(1, DnsHeader.GetCount(await AskAsync(server, RawClient.Query("up.test")), DnsSection.Answer));
        Assert.Equal(1, DnsHeader.GetCount(Assert.Single(await RawClient.PipelineAsync(server, query)), DnsSection.Answer));
    }

    // Connected, as most clients are: nothing from another address is taken.
    private static async Task<byte[]> AskAsync(IPEndPoint server, byte[] query)
    {
        using var socket = new System.Net.Sockets.UdpClient(server.AddressFamily);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        socket.Connect(server);
        await socket.SendAsync(query, deadline.Token);
        return (await socket.ReceiveAsync(deadline.Token)).Buffer;
    }
}
