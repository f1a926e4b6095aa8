using System.Net.Sockets;
using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc7766;

/// <summary>Queries, rule 8: DNS over TCP.</summary>
public sealed class TcpTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Section6_2_1_many_queries_use_one_connection()
    {
        var run = await Node.RunKdigAsync("+tcp +keepopen vip.example.com A fixed.example.com A nothing.mesh.internal A many.example.com A");
        var replies = DigReply.ReadAll(run.Output);
        Assert.Equal([1, 3, 0, 250], replies.Select(reply => reply.Answer.Count));
        Assert.All(replies, reply => Assert.True(reply.IsTcp));
    }

    [Fact]
    public async Task Section6_2_1_1_pipelined_queries_are_all_answered()
    {
        var queries = Enumerable.Range(1, 200).Select(i => RawClient.Query(i % 2 == 0 ? "vip.example.com" : "many.example.com", id: (ushort)i)).ToArray();
        var replies = await RawClient.PipelineAsync(Node.Dns, queries);
        Assert.Equal(Enumerable.Range(1, 200), replies.Select(reply => (int)DnsHeader.GetId(reply)).Order());
        Assert.All(replies, reply => Assert.Equal(DnsHeader.GetId(reply) % 2 == 0 ? 1 : 250, DnsHeader.GetCount(reply, DnsSection.Answer)));
    }

    [Fact]
    public async Task Section7_a_slow_answer_does_not_hold_up_those_behind_it()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Upstream.On("slow.up.test", query => new FakeReply(query.Message(records: FakeRecord.A(query.Name, 60, "198.51.100.5"))) { Gate = gate.Task });
        using var client = new TcpClient();
        using var deadline = new CancellationTokenSource(_deadline);
        await client.ConnectAsync(Node.Dns, deadline.Token);
        var stream = client.GetStream();
        await stream.WriteAsync((byte[])[.. RawClient.Framed(RawClient.Query("slow.up.test", id: 1)), .. RawClient.Framed(RawClient.Query("vip.example.com", id: 2))], deadline.Token);
        Assert.Equal(2, DnsHeader.GetId(await RawClient.ReadAsync(stream, deadline.Token)));
        gate.SetResult();
        var slow = await RawClient.ReadAsync(stream, deadline.Token);
        Assert.Equal(1, DnsHeader.GetId(slow));
        Assert.Equal(1, DnsHeader.GetCount(slow, DnsSection.Answer));
    }

    [Fact]
    public async Task Section8_a_message_may_come_byte_by_byte()
    {
        using var client = new TcpClient { NoDelay = true };
        using var deadline = new CancellationTokenSource(_deadline);
        await client.ConnectAsync(Node.Dns, deadline.Token);
        var stream = client.GetStream();
        foreach (var single in RawClient.Framed(RawClient.Query("vip.example.com"))) await stream.WriteAsync((byte[])[single], deadline.Token);
        Assert.Equal(1, DnsHeader.GetCount(await RawClient.ReadAsync(stream, deadline.Token), DnsSection.Answer));
    }

    [Fact]
    public async Task Section6_2_4_a_client_that_closes_its_side_still_gets_its_answers()
    {
        using var client = new TcpClient();
        using var deadline = new CancellationTokenSource(_deadline);
        await client.ConnectAsync(Node.Dns, deadline.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(RawClient.Framed(RawClient.Query("vip.example.com")), deadline.Token);
        client.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(1, DnsHeader.GetCount(await RawClient.ReadAsync(stream, deadline.Token), DnsSection.Answer));
        Assert.Equal(0, await stream.ReadAsync(new byte[1], deadline.Token));
    }
}
