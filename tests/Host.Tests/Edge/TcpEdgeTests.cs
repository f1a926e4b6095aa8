using System.Net.Sockets;
using MeshDns.Host.Edge;
using MeshDns.Host.Tests.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Edge;

/// <summary>RFC 7766.</summary>
public sealed class TcpEdgeTests
{
    [Fact]
    public async Task A_connection_serves_many_queries()
    {
        await using var edge = new EdgeBench();
        using var client = edge.NewTcp();
        for (ushort i = 0; i < 20; i++)
        {
            client.Send(QueryPacket.Framed(QueryPacket.Of("a.example", id: i)));
            Assert.Equal(i, EdgeBench.ReceiveFrame(client).Id);
        }
        Assert.Equal(20, edge.Count("tcp", "A", "NOERROR", "exact"));
    }

    [Fact]
    public async Task Pipelined_queries_are_all_answered_section_6_2_1_1()
    {
        await using var edge = new EdgeBench();
        using var client = edge.NewTcp();
        client.Send(Enumerable.Range(0, 500).SelectMany(i => QueryPacket.Framed(QueryPacket.Of("a.example", id: (ushort)i))).ToArray());
        Assert.Equal(Enumerable.Range(0, 500), Enumerable.Range(0, 500).Select(_ => (int)EdgeBench.ReceiveFrame(client).Id));
    }

    [Fact]
    public async Task A_query_may_come_byte_by_byte()
    {
        await using var edge = new EdgeBench();
        using var client = edge.NewTcp();
        client.NoDelay = true;
        foreach (var b in QueryPacket.Framed(QueryPacket.Of("a.example", id: 5))) client.Send([b]);
        Assert.Equal(5, EdgeBench.ReceiveFrame(client).Id);
    }

    [Fact]
    public async Task A_message_of_65535_bytes_is_taken()
    {
        await using var edge = new EdgeBench();
        using var client = edge.NewTcp();
        var query = QueryPacket.Of("a.example", id: 5);
        var large = new byte[65535];
        query.CopyTo(large, 0);
        client.Send(QueryPacket.Framed(large));
        client.Send(QueryPacket.Framed(QueryPacket.Of("a.example", id: 6)));
        Assert.Equal([5, 6], new[] { EdgeBench.ReceiveFrame(client).Id, EdgeBench.ReceiveFrame(client).Id }.Select(i => (int)i));
    }

    [Fact]
    public async Task Answers_leave_as_they_are_ready_section_6_2_1_1()
    {
        await using var edge = new EdgeBench();
        var answerNow = new TaskCompletionSource();
        edge.Bench.Upstream.Before = name => name == "slow.example." ? answerNow.Task : Task.CompletedTask;
        using var client = edge.NewTcp();
        client.Send(QueryPacket.Framed(QueryPacket.Of("slow.example", id: 1)));
        client.Send(QueryPacket.Framed(QueryPacket.Of("fast.example", id: 2)));
        client.Send(QueryPacket.Framed(QueryPacket.Of("a.example", id: 3)));
        Assert.Equal([2, 3], new[] { EdgeBench.ReceiveFrame(client).Id, EdgeBench.ReceiveFrame(client).Id }.Select(i => (int)i).Order());
        answerNow.SetResult();
        Assert.Equal(1, EdgeBench.ReceiveFrame(client).Id);
    }

    [Fact]
    public async Task Large_answers_are_whole()
    {
        await using var edge = new EdgeBench(facts: Declare("many.example", [.. Enumerable.Range(0, 2000).Select(i => $"10.0.{i >> 8}.{i & 255}")]));
        using var client = edge.NewTcp();
        client.Send(QueryPacket.Framed(QueryPacket.Of("many.example")));
        Assert.Equal(2000, EdgeBench.ReceiveFrame(client).Answers.Count());
    }

    [Fact]
    public async Task A_client_that_closes_its_side_still_gets_its_answers()
    {
        await using var edge = new EdgeBench();
        var asked = new TaskCompletionSource();
        var answerNow = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ => { asked.SetResult(); return answerNow.Task; };
        using var client = edge.NewTcp();
        client.Send(QueryPacket.Framed(QueryPacket.Of("slow.example", id: 1)));
        client.Shutdown(SocketShutdown.Send);
        await asked.Task;
        answerNow.SetResult();
        Assert.Equal(1, EdgeBench.ReceiveFrame(client).Id);
        Assert.Null(EdgeBench.TryReceiveFrame(client));
        await EdgeBench.Until(() => edge.Server.Statistics.TcpConnections.Value == 0);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_section_6_2_3()
    {
        await using var edge = new EdgeBench();
        using var client = edge.NewTcp();
        client.Send(QueryPacket.Framed(QueryPacket.Of("a.example")));
        EdgeBench.ReceiveFrame(client);
        await edge.Bench.Time.WaitForTimerAsync();
        edge.Bench.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(EdgeBench.TryReceiveFrame(client));
        Assert.Equal(1, edge.Server.Statistics.TcpTimedOut.Value);
    }

    [Fact]
    public async Task Half_a_query_does_not_keep_a_connection_open()
    {
        await using var edge = new EdgeBench();
        using var client = edge.NewTcp();
        await edge.Bench.Time.WaitForTimerAsync();
        client.Send([0, 40, 1]);
        edge.Bench.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(EdgeBench.TryReceiveFrame(client));
    }

    [Fact]
    public async Task A_connection_that_waits_for_an_upstream_is_not_idle()
    {
        await using var edge = new EdgeBench();
        var asked = new TaskCompletionSource();
        var answerNow = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ => { asked.SetResult(); return answerNow.Task; };
        using var client = edge.NewTcp();
        client.Send(QueryPacket.Framed(QueryPacket.Of("slow.example", id: 1)));
        await asked.Task;
        edge.Bench.Time.Advance(TimeSpan.FromSeconds(11));
        answerNow.SetResult();
        Assert.Equal(1, EdgeBench.ReceiveFrame(client).Id);
    }

    [Fact]
    public async Task A_client_that_does_not_read_its_answers_is_cut_off()
    {
        await using var edge = new EdgeBench(facts: Declare("many.example", [.. Enumerable.Range(0, 4000).Select(i => $"10.0.{i >> 8}.{i & 255}")]));
        using var client = edge.NewTcp();
        client.ReceiveBufferSize = 4096;
        var frames = Enumerable.Range(0, 2000).SelectMany(_ => QueryPacket.Framed(QueryPacket.Of("many.example"))).ToArray();
        client.Blocking = false;
        try { client.Send(frames); }
        catch (SocketException) { }
        await EdgeBench.Until(() => edge.Server.Statistics.TcpBytes > EdgeOptions.MinTcpBytes / 2);
        edge.Bench.Time.Advance(TimeSpan.FromSeconds(10));
        await EdgeBench.Until(() => { edge.Bench.Time.Advance(TimeSpan.FromSeconds(1)); return edge.Server.Statistics.TcpConnections.Value == 0; });
        Assert.Equal(1, edge.Server.Statistics.TcpTimedOut.Value);
    }

    [Fact]
    public async Task Connections_are_limited_per_client_and_in_all_section_6_2_2()
    {
        await using var edge = new EdgeBench(new EdgeOptions { UdpLoops = 1, MaxTcpConnectionsPerClient = 2 });
        using var first = edge.NewTcp();
        using (var second = edge.NewTcp())
        {
            await EdgeBench.Until(() => edge.Server.Statistics.TcpConnections.Value == 2);
            using var third = edge.NewTcp();
            Assert.Null(EdgeBench.TryReceiveFrame(third));
            Assert.Equal(1, edge.Server.Statistics.TcpRefused.Value);
        }
        await EdgeBench.Until(() => edge.Server.Statistics.TcpConnections.Value == 1);
        using var fourth = edge.NewTcp();
        fourth.Send(QueryPacket.Framed(QueryPacket.Of("a.example", id: 4)));
        Assert.Equal(4, EdgeBench.ReceiveFrame(fourth).Id);
    }

    [Fact]
    public async Task What_is_no_query_ends_the_connection()
    {
        await using var edge = new EdgeBench();
        using var client = edge.NewTcp();
        client.Send([0, 3, 1, 2, 3]);
        Assert.Null(EdgeBench.TryReceiveFrame(client));
    }

    [Fact]
    public async Task Stopping_finishes_what_was_asked()
    {
        await using var edge = new EdgeBench();
        var asked = new TaskCompletionSource();
        var answerNow = new TaskCompletionSource();
        edge.Bench.Upstream.Before = _ => { asked.SetResult(); return answerNow.Task; };
        using var client = edge.NewTcp();
        client.Send(QueryPacket.Framed(QueryPacket.Of("slow.example", id: 1)));
        await asked.Task;
        var stopping = edge.StopAsync();
        answerNow.SetResult();
        Assert.Equal(1, EdgeBench.ReceiveFrame(client).Id);
        Assert.Null(EdgeBench.TryReceiveFrame(client));
        await stopping;
    }
}
