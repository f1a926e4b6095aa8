using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MeshDns.Host.Edge;
using MeshDns.Host.Nodes;
using MeshDns.Host.Tests.Resolve;

namespace MeshDns.Host.Tests.Edge;

/// <summary>Every query that came is answered, dropped or waits, and is counted once as one of these.</summary>
public sealed class QueryIdentityTests
{
    private const int Rounds = 3;
    private const int Clients = 3;
    private const int Turns = 30;

    [Theory]
    [InlineData(64)]
    [InlineData(1)]
    public async Task Under_load_it_holds_for_both_transports_for_what_is_local_and_what_is_forwarded(int batch)
    {
        await using var edge = new EdgeBench(new EdgeOptions { UdpLoops = 2, UdpBatch = batch, MaxDeferred = 16 });
        using var metrics = new NodeMetrics { Edge = edge.Server.Statistics };
        for (var round = 1; round <= Rounds; round++)
        {
            var answerNow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            edge.Bench.Upstream.Before = _ => answerNow.Task;
            var sockets = Enumerable.Range(0, Clients).SelectMany(_ => (Socket[])[edge.NewUdp(), edge.NewTcp()]).ToList();
            var asking = sockets.Select(socket => Task.Run(() => Ask(socket))).ToList();
            // Who scrapes meanwhile changes nothing.
            while (!Task.WhenAll(asking).IsCompleted) metrics.Text.Render();
            await Task.WhenAll(asking);

            var (udp, tcp) = (round * Clients * Turns * 3, round * Clients * Turns * 2);
            await EdgeBench.Until(() => IsEven("udp", udp) && IsEven("tcp", tcp));
            Assert.NotEqual(0, Balance(metrics, "udp").Waiting);
            Assert.Equal(Clients * Turns, Balance(metrics, "tcp").Waiting);
            answerNow.SetResult();
            await EdgeBench.Until(() => Balance(metrics, "udp") == (udp, udp, 0) && Balance(metrics, "tcp") == (tcp, tcp, 0));
            sockets.ForEach(socket => socket.Dispose());
        }

        bool IsEven(string transport, int sent) => Balance(metrics, transport) is var balance && balance.Received == sent && balance.Ended + balance.Waiting == sent;
    }

    [Fact]
    public async Task A_client_that_goes_leaves_nothing_that_waits_for_ever()
    {
        await using var edge = new EdgeBench(new EdgeOptions { UdpLoops = 1, MaxInFlightPerConnection = 2 });
        using var metrics = new NodeMetrics { Edge = edge.Server.Statistics };
        edge.Bench.Upstream.Before = _ => new TaskCompletionSource().Task;
        // Two are forwarded, one waits for their place, and is not read on from.
        using (var tcp = edge.NewTcp())
        {
            for (ushort id = 1; id <= 3; id++) Send(tcp, QueryPacket.Of("slow.example", id: id));
            await EdgeBench.Until(() => Balance(metrics, "tcp") == (3, 0, 3));
            await edge.DisposeAsync();
        }
        Assert.Equal((3.0, 3.0, 0.0), Balance(metrics, "tcp"));
    }

    [Fact]
    public async Task A_reply_that_the_system_would_not_send_is_answered_and_a_send_error()
    {
        var bench = new QueryBench();
        var services = new EdgeServices(new EdgeOptions(), bench.Resolver, bench.Answers, bench.Upstream, null, bench.Time, null);
        var queries = new DeferredQueries(services);
        using var socket = new UdpSocket(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        // Nobody is at port 0.
        bench.Upstream.Post([queries.Take(QueryPacket.Of("slow.example"), new IPEndPoint(IPAddress.Loopback, 0).Serialize().Buffer.Span, default, socket, bench.AssertForwarded("slow.example"))!]);
        await queries.StopAsync(TimeSpan.FromSeconds(5));

        using var metrics = new NodeMetrics { Edge = services.Statistics };
        Assert.Equal((0.0, 1.0, 0.0), Balance(metrics, "udp"));
        Assert.Equal(1, Sum(metrics.Text.Render(), "meshdns_queries_dropped_total{transport=\"udp\",reason=\"send_error\""));
    }

    // One that is forwarded, over UDP one that is none, and one that is answered at once, which is waited for: so that the system loses none for want of room.
    private static void Ask(Socket socket)
    {
        for (ushort turn = 0; turn < Turns; turn++)
        {
            var local = (ushort)(1000 + turn);
            Send(socket, QueryPacket.Of($"slow{turn % 7}.example", id: turn));
            if (socket.SocketType == SocketType.Dgram) socket.Send(new byte[5]);
            Send(socket, QueryPacket.Of("a.example", id: local));
            while ((socket.SocketType == SocketType.Dgram ? EdgeBench.Receive(socket) : EdgeBench.ReceiveFrame(socket)).Id != local) { }
        }
    }

    private static void Send(Socket socket, byte[] query) =>
        socket.Send(socket.SocketType == SocketType.Dgram ? query : [(byte)(query.Length >> 8), (byte)query.Length, .. query]);

    private static (double Received, double Ended, double Waiting) Balance(NodeMetrics metrics, string transport)
    {
        var text = metrics.Text.Render();
        var dropped = ((string[])["malformed", "overload", "abandoned"]).Sum(reason => Sum(text, $"meshdns_queries_dropped_total{{transport=\"{transport}\",reason=\"{reason}\""));
        return (Sum(text, $"meshdns_queries_received_total{{transport=\"{transport}\""), Sum(text, $"meshdns_queries_total{{transport=\"{transport}\"") + dropped,
            Sum(text, transport == "udp" ? "meshdns_queries_waiting " : "meshdns_tcp_queries_waiting "));
    }

    private static double Sum(string text, string sample) =>
        text.Split('\n').Where(line => line.StartsWith(sample, StringComparison.Ordinal)).Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
}
