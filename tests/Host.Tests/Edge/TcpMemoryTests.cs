using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Events;
using MeshDns.Host.Edge;
using MeshDns.Host.Tests.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Edge;

/// <summary>What clients ask for and do not read is bounded by bytes: for a connection, an address and all (RFC 7766 section 6.2.2).</summary>
public sealed class TcpMemoryTests
{
    private const int Large = 4000;
    private const int Full = EdgeOptions.MinTcpBytes - TcpBuffer.MaxSize;
    private static readonly MeshEvent _many = Declare("many.example", [.. Enumerable.Range(0, Large).Select(i => $"10.0.{i >> 8}.{i & 255}")]);

    [Fact]
    public async Task A_connection_whose_replies_are_not_read_is_not_read_either_until_they_are()
    {
        await using var edge = new EdgeBench(facts: _many);
        using var client = edge.NewTcp();
        Ask(client, "many.example", 200);
        await EdgeBench.Until(() => Held(edge) > Full);
        Assert.InRange(edge.Count("tcp", "A", "NOERROR", "exact"), 1, 100);
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal(i, EdgeBench.ReceiveFrame(client).Id);
            Assert.InRange(Held(edge), 0, EdgeOptions.MinTcpBytes);
        }
        await EdgeBench.Until(() => Held(edge) == 0);
    }

    [Fact]
    public async Task Forwarded_replies_that_are_not_read_count_too_and_none_is_lost()
    {
        await using var edge = new EdgeBench();
        edge.Bench.Upstream.Addresses = Large;
        using var client = edge.NewTcp();
        for (var i = 0; i < 64; i++) client.Send(QueryPacket.Framed(QueryPacket.Of($"n{i}.test", id: (ushort)i)));
        await EdgeBench.Until(() => Held(edge) > Full);
        var ids = new List<int>();
        for (var i = 0; i < 64; i++)
        {
            ids.Add(EdgeBench.ReceiveFrame(client).Id);
            Assert.InRange(Held(edge), 0, EdgeOptions.MinTcpBytes);
        }
        Assert.Equal(Enumerable.Range(0, 64), ids.Order());
        await EdgeBench.Until(() => Held(edge) == 0);
    }

    [Fact]
    public async Task Large_queries_that_wait_for_an_upstream_count_too()
    {
        await using var edge = new EdgeBench();
        var answerNow = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ => answerNow.Task;
        using var client = edge.NewTcp();
        var sending = Task.Run(() =>
        {
            for (ushort i = 0; i < 32; i++)
            {
                var large = new byte[65535];
                QueryPacket.Of("slow.test", id: i).CopyTo(large, 0);
                client.Send(QueryPacket.Framed(large));
            }
        });
        await EdgeBench.Until(() => Held(edge) > Full);
        Assert.InRange(edge.Bench.Upstream.Asked.Count, 1, 4);
        answerNow.SetResult();
        for (var i = 0; i < 32; i++)
        {
            Assert.InRange(EdgeBench.ReceiveFrame(client).Id, (ushort)0, (ushort)31);
            Assert.InRange(Held(edge), 0, EdgeOptions.MinTcpBytes);
        }
        await sending;
        client.Send(QueryPacket.Framed(QueryPacket.Of("a.example")));
        EdgeBench.ReceiveFrame(client);
        // The buffer for large queries has gone with them.
        await EdgeBench.Until(() => Held(edge) == 0);
    }

    [Fact]
    public async Task A_client_that_waits_for_room_by_its_own_fault_is_cut_off_like_one_that_idles()
    {
        await using var edge = new EdgeBench();
        edge.Bench.Upstream.Addresses = Large;
        using var client = edge.NewTcp();
        for (var i = 0; i < 64; i++) client.Send(QueryPacket.Framed(QueryPacket.Of($"n{i}.test", id: (ushort)i)));
        await EdgeBench.Until(() => Held(edge) > Full);
        await EdgeBench.Until(() => { edge.Bench.Time.Advance(TimeSpan.FromSeconds(1)); return edge.Server.Statistics.TcpConnections.Value == 0; });
        Assert.Equal((1, 0), (edge.Server.Statistics.TcpTimedOut.Value, Held(edge)));
    }

    [Fact]
    public async Task One_address_holds_only_so_much_and_its_other_connections_are_answered()
    {
        await using var edge = new EdgeBench(Options(perClient: 4, all: 64), _many);
        using var attack = new Attack(edge, IPAddress.Loopback, 24);
        await AssertServedAsync(edge);
    }

    [Fact]
    public async Task All_together_hold_only_so_much_and_the_heaviest_make_room_for_who_holds_nothing()
    {
        await using var edge = new EdgeBench(Options(perClient: 4, all: 4), _many);
        using var attack = new Attack(edge, IPAddress.Parse("127.0.0.2"), 8);
        using var second = new Attack(edge, IPAddress.Parse("127.0.0.3"), 8);
        using var third = new Attack(edge, IPAddress.Parse("127.0.0.4"), 8);
        await AssertServedAsync(edge);
    }

    [Fact]
    public async Task Clients_that_read_wait_for_each_other_and_none_is_cut()
    {
        await using var edge = new EdgeBench(Options(perClient: 2, all: 2), _many);
        var clients = Enumerable.Range(0, 16).Select(i => Task.Run(() =>
        {
            using var client = edge.NewTcp(IPAddress.Parse($"127.0.0.{2 + (i % 4)}"));
            Ask(client, "many.example", 40);
            for (var n = 0; n < 40; n++) Assert.Equal(n, EdgeBench.ReceiveFrame(client).Id);
        })).ToArray();
        await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(0, edge.Server.Statistics.TcpCut.Value);
    }

    [Fact]
    public async Task What_was_held_is_told_when_it_has_gone()
    {
        await using var edge = new EdgeBench(facts: _many);
        var ebbed = new TaskCompletionSource<long>();
        edge.Server.Ebbed += bytes => ebbed.TrySetResult(bytes);
        using (new Attack(edge, IPAddress.Loopback, 8)) await EdgeBench.Until(() => Held(edge) > 8 * Full);
        Assert.InRange(await ebbed.Task.WaitAsync(TimeSpan.FromSeconds(30)), Full, 8 * EdgeOptions.MinTcpBytes);
    }

    // Until their patience ends all wait; then one that holds much has to go for one that holds nothing.
    private static async Task AssertServedAsync(EdgeBench edge)
    {
        await EdgeBench.Until(() => Held(edge) > (4 * EdgeOptions.MinTcpBytes) - TcpBuffer.MaxSize);
        Assert.Equal(0, edge.Server.Statistics.TcpCut.Value);
        for (ushort i = 0; i < 8; i++)
        {
            using var other = edge.NewTcp();
            other.Send(QueryPacket.Framed(QueryPacket.Of(i % 2 == 0 ? "many.example" : "a.example")));
            var reply = Task.Run(() => EdgeBench.ReceiveFrame(other));
            await EdgeBench.Until(() =>
            {
                Assert.InRange(Held(edge), 0, 4 * EdgeOptions.MinTcpBytes);
                if (!reply.IsCompleted) edge.Bench.Time.Advance(TcpLimits.Patience / 4);
                return reply.IsCompleted;
            });
            Assert.Equal(i % 2 == 0 ? Large : 1, (await reply).Answers.Count());
        }
        Assert.InRange(edge.Server.Statistics.TcpCut.Value, 1, 24);
    }

    private static EdgeOptions Options(int perClient, int all) =>
        new() { UdpLoops = 1, MaxTcpBytesPerClient = perClient * EdgeOptions.MinTcpBytes, MaxTcpBytes = all * EdgeOptions.MinTcpBytes };

    private static long Held(EdgeBench edge) => edge.Server.Statistics.TcpBytes;

    private static void Ask(Socket client, string name, int count) =>
        client.Send(Enumerable.Range(0, count).SelectMany(i => QueryPacket.Framed(QueryPacket.Of(name, id: (ushort)i))).ToArray());

    /// <summary>Connections that ask for more than a connection may hold and read nothing.</summary>
    private sealed class Attack : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public Attack(EdgeBench edge, IPAddress from, int connections)
        {
            for (var i = 0; i < connections; i++)
            {
                _sockets.Add(edge.NewTcp(from));
                Ask(_sockets[^1], "many.example", 200);
            }
        }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());
    }
}
