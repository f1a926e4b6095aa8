using System.Net.Sockets;
using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc7766;

/// <summary>Queries, rule 8: connections are bounded in number and in idleness. A node of its own, so that nobody else's are counted.</summary>
public sealed class TcpLimitTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    private const int PerClient = 128;
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Section6_2_2_one_client_has_at_most_128_connections()
    {
        var clients = new List<TcpClient>();
        using var deadline = new CancellationTokenSource(_deadline);
        for (var i = 0; i < PerClient; i++)
        {
            clients.Add(new TcpClient());
            await clients[^1].ConnectAsync(Node.Dns, deadline.Token);
        }
        // The last of them is served, so all are counted; one more is closed at once.
        await clients[^1].GetStream().WriteAsync(RawClient.Framed(RawClient.Query("localhost")), deadline.Token);
        Assert.Equal(Rcode.NoError, DnsHeader.GetRcode(await RawClient.ReadAsync(clients[^1].GetStream(), deadline.Token)));
        using (var more = new TcpClient())
        {
            await more.ConnectAsync(Node.Dns, deadline.Token);
            Assert.Equal(0, await EndAsync(more.GetStream(), deadline.Token));
        }
        Assert.Equal(1, await Node.MetricAsync("meshdns_tcp_connections_closed_total{reason=\"limit\"}"));
        foreach (var client in clients) client.Dispose();
        await Node.PollAsync(async () => await Node.MetricAsync("meshdns_tcp_connections") == 0, "the places are free again");
        Assert.Equal(["127.0.0.1"], (await Node.DigAsync("localhost A +tcp")).Data);
    }

    [Fact]
    public async Task Section6_2_3_an_idle_connection_is_closed()
    {
        using var client = new TcpClient();
        using var deadline = new CancellationTokenSource(_deadline);
        await client.ConnectAsync(Node.Dns, deadline.Token);
        // Half a query keeps nothing open.
        await client.GetStream().WriteAsync(RawClient.Framed(RawClient.Query("localhost")).AsMemory(0, 7), deadline.Token);
        Assert.Equal(0, await EndAsync(client.GetStream(), deadline.Token));
    }

    // The end of a connection, also when it is a reset.
    private static async Task<int> EndAsync(NetworkStream stream, CancellationToken cancel)
    {
        try { return await stream.ReadAsync(new byte[1], cancel); }
        catch (IOException) { return 0; }
    }
}
