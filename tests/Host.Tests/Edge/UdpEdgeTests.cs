using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Edge;
using MeshDns.Host.Tests.Resolve;

namespace MeshDns.Host.Tests.Edge;

/// <summary>Datagrams received and sent by recvmmsg and sendmmsg.</summary>
public sealed class BatchedUdpEdgeTests() : UdpEdgeTests(64);

/// <summary>Datagrams received and sent one by one.</summary>
public sealed class PlainUdpEdgeTests() : UdpEdgeTests(1);

public abstract class UdpEdgeTests(int batch)
{
    private EdgeOptions Loops(int loops) => new() { UdpLoops = loops, UdpBatch = batch };

    [Fact]
    public async Task A_declared_name_is_answered()
    {
        await using var edge = new EdgeBench(Loops(2));
        using var client = edge.NewUdp();
        client.Send(QueryPacket.Of("a.example", id: 77));
        var reply = EdgeBench.Receive(client);
        Assert.Equal((77, "10.0.0.1"), (reply.Id, Assert.Single(reply.AnswerData)));
        await EdgeBench.Until(() => edge.Count("udp", "A", "NOERROR", "exact") == 1);
    }

    [Fact]
    public async Task Every_loop_answers_on_the_one_port()
    {
        await using var edge = new EdgeBench(Loops(4));
        for (ushort i = 0; i < 64; i++)
        {
            using var client = edge.NewUdp();
            client.Send(QueryPacket.Of("a.example", id: i));
            Assert.Equal(i, EdgeBench.Receive(client).Id);
        }
        await EdgeBench.Until(() => edge.Count("udp", "A", "NOERROR", "exact") == 64);
    }

    [Fact]
    public async Task IPv6_clients_are_answered_too()
    {
        await using var bench = new EdgeBench(Loops(2));
        var server = EdgeServer.Start([new IPEndPoint(IPAddress.IPv6Loopback, 0)], Loops(1), bench.Bench.Resolver, bench.Bench.Answers, bench.Bench.Upstream, bench.Bench.Time);
        using var client = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 20_000 };
        client.Connect(server.Endpoints[0]);
        client.Send(QueryPacket.Of("a.example", edns: 1232, cookie: [1, 2, 3, 4, 5, 6, 7, 8]));
        Assert.Equal(24, EdgeBench.Receive(client).Cookie!.Length);
        await server.StopAsync(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Garbage_and_empty_datagrams_do_not_stop_the_loop()
    {
        await using var edge = new EdgeBench(Loops(1));
        using var client = edge.NewUdp();
        client.Send(Array.Empty<byte>());
        client.Send(new byte[5]);
        client.Send(QueryPacket.Of("a.example", flags: DnsFlags.Response));
        client.Send(new byte[1400]);
        client.Send(QueryPacket.Of("a.example", id: 9));
        Assert.Equal(Rcode.FormErr, EdgeBench.Receive(client).Rcode);
        Assert.Equal(9, EdgeBench.Receive(client).Id);
        await EdgeBench.Until(() => edge.Count("udp", "none", "none", "drop") == 3);
    }

    [Fact]
    public async Task A_forwarded_query_never_delays_a_hit()
    {
        await using var edge = new EdgeBench(Loops(1));
        var answerNow = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ => answerNow.Task;
        using var client = edge.NewUdp();
        client.Send(QueryPacket.Of("slow.example", id: 1));
        client.Send(QueryPacket.Of("a.example", id: 2));
        Assert.Equal(2, EdgeBench.Receive(client).Id);
        answerNow.SetResult();
        var slow = EdgeBench.Receive(client);
        Assert.Equal((1, "192.0.2.0"), (slow.Id, Assert.Single(slow.AnswerData)));
        await EdgeBench.Until(() => edge.Count("udp", "A", "NOERROR", "forward") == 1 && edge.Server.Statistics.DeferredInFlight.Value == 0);
    }

    [Fact]
    public async Task When_too_many_wait_the_oldest_waiting_is_dropped()
    {
        var answerNow = new TaskCompletionSource();
        var owners = new OwnersThatWait(_ => answerNow.Task);
        await using var edge = EdgeBench.Stale(Loops(1) with { MaxDeferred = 1 }, owners);
        using var client = edge.NewUdp();
        client.Send(QueryPacket.Of("one.mesh.internal", id: 1));
        await EdgeBench.Until(() => { lock (owners.Asked) return owners.Asked.Count == 1; });
        for (ushort i = 2; i <= 9; i++) client.Send(QueryPacket.Of("more.mesh.internal", id: i));
        client.Send(QueryPacket.Of("a.example", id: 100));
        Assert.Equal(100, EdgeBench.Receive(client).Id);
        // The hit's reply leaves before those of its batch that wait are handed on.
        await EdgeBench.Until(() => edge.Server.Statistics.DeferredDropped == 7);
        answerNow.SetResult();
        Assert.Equal([1, 9], new[] { (int)EdgeBench.Receive(client).Id, EdgeBench.Receive(client).Id });
    }

    [Fact]
    public async Task A_fault_of_the_slow_path_is_SERVFAIL()
    {
        await using var edge = EdgeBench.Stale(Loops(2), new OwnersThatWait(_ => throw new InvalidOperationException("a bug")));
        using var client = edge.NewUdp();
        client.Send(QueryPacket.Of("slow.mesh.internal", id: 1));
        Assert.Equal(Rcode.ServFail, EdgeBench.Receive(client).Rcode);
        Assert.Equal(1, edge.Server.Statistics.Faults);
    }

    [Fact]
    public async Task Stopping_answers_what_was_asked_and_frees_the_port()
    {
        await using var edge = new EdgeBench(Loops(2));
        var asked = new TaskCompletionSource();
        var answerNow = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ => { asked.SetResult(); return answerNow.Task; };
        using var client = edge.NewUdp();
        client.Send(QueryPacket.Of("slow.example", id: 1));
        await asked.Task;
        var endpoint = edge.Endpoint;
        var stopping = edge.StopAsync();
        answerNow.SetResult();
        await stopping;
        Assert.Equal(1, EdgeBench.Receive(client).Id);
        using var next = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        next.Bind(endpoint);
    }

    [Fact]
    public async Task Stopping_gives_up_what_takes_longer_than_the_bound()
    {
        await using var edge = new EdgeBench(Loops(2));
        var asked = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ => { asked.SetResult(); return new TaskCompletionSource().Task; };
        using var client = edge.NewUdp();
        client.Send(QueryPacket.Of("slow.example", id: 1));
        await asked.Task;
        var stopping = edge.StopAsync();
        await edge.Bench.Time.WaitForTimerAsync();
        edge.Bench.Time.Advance(TimeSpan.FromSeconds(6));
        await stopping;
        Assert.Equal(1, edge.Count("udp", "none", "none", "abandoned"));
    }

    [Fact]
    public async Task A_port_that_another_process_has_is_refused_and_nothing_stays_bound()
    {
        await using var edge = new EdgeBench(Loops(2));
        var free = new IPEndPoint(IPAddress.Loopback, 0);
        var bench = edge.Bench;
        Assert.Throws<SocketException>(() => EdgeServer.Start([free, edge.Endpoint], new EdgeOptions(), bench.Resolver, bench.Answers, bench.Upstream, bench.Time));
    }

    [Fact]
    public async Task One_in_256_is_timed()
    {
        await using var edge = new EdgeBench(Loops(1));
        using var client = edge.NewUdp();
        for (ushort i = 0; i < 257; i++)
        {
            client.Send(QueryPacket.Of("a.example", id: i));
            EdgeBench.Receive(client);
        }
        await EdgeBench.Until(() => edge.Server.Statistics.Latencies.Single(l => l.Labels[0] == "udp").Counts.Sum() == 2);
    }

    [Fact]
    public async Task More_queries_than_a_batch_holds_are_all_answered()
    {
        await using var edge = new EdgeBench(Loops(1));
        using var client = edge.NewUdp();
        for (ushort i = 0; i < 200; i++) client.Send(QueryPacket.Of(i % 3 == 0 ? "slow.example" : i % 3 == 1 ? "a.example" : "b.mesh.internal", id: i));
        var ids = new HashSet<ushort>();
        for (var i = 0; i < 200; i++) ids.Add(EdgeBench.Receive(client).Id);
        Assert.Equal(200, ids.Count);
    }

    [Fact]
    public async Task A_query_longer_than_we_offer_to_take_is_answered()
    {
        await using var edge = new EdgeBench(Loops(1));
        using var client = edge.NewUdp();
        var query = QueryPacket.Of("a.example", id: 7);
        client.Send([.. query, .. new byte[8000]]);
        Assert.Equal(7, EdgeBench.Receive(client).Id);
    }

    [Fact]
    public async Task Of_those_that_wait_the_newest_is_asked_first()
    {
        // Two places, and room for two that wait: of three the oldest is dropped, and which of the other two goes first is to be seen.
        var gates = Enumerable.Range(1, 5).ToDictionary(id => $"q{id}.mesh.internal", _ => new TaskCompletionSource());
        var owners = new OwnersThatWait(name => gates[name].Task);
        await using var edge = EdgeBench.Stale(Loops(1) with { MaxDeferred = 2 }, owners);
        using var client = edge.NewUdp();
        void Send(params ushort[] ids) => Array.ForEach(ids, id => client.Send(QueryPacket.Of($"q{id}.mesh.internal", id: id)));
        Task AskedAsync(int count) => EdgeBench.Until(() => { lock (owners.Asked) return owners.Asked.Count == count; });
        Send(1, 2);
        await AskedAsync(2);
        Send(3, 4, 5);
        await EdgeBench.Until(() => edge.Server.Statistics.DeferredDropped == 1);
        foreach (var (id, asked) in ((ushort, int)[])[(1, 3), (5, 4), (4, 4), (2, 4)])
        {
            gates[$"q{id}.mesh.internal"].SetResult();
            Assert.Equal(id, EdgeBench.Receive(client).Id);
            await AskedAsync(asked);
        }
        Assert.Equal(["q1.mesh.internal", "q2.mesh.internal", "q5.mesh.internal", "q4.mesh.internal"], owners.Asked);
    }
}
