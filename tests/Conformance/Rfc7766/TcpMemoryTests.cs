using System.Net;
using System.Net.Sockets;
using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc7766;

/// <summary>Section 6.2.2 and 6.2.3: clients that ask for much and read nothing are bounded by bytes, and others are answered.</summary>
public sealed class TcpMemoryTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    private const int Connections = 128;
    private const int Pipelined = 200;
    private const long MaxHeldForAClient = 8 << 20;
    private const string Large = "large.up.test";
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Section6_2_2_replies_that_nobody_reads_are_bounded_and_others_are_answered()
    {
        Upstream.On(Large, query => !query.IsTcp ? query.Truncated() : new FakeReply(query.Message(records: [.. Enumerable.Range(0, 240).Select(i => FakeRecord.Txt(query.Name, 3600, new string((char)('a' + (i % 26)), 242)))])));
        Assert.Equal(240, DnsHeader.GetCount(Assert.Single(await RawClient.PipelineAsync(Node.Dns, RawClient.Query(Large, DnsType.TXT))), DnsSection.Answer));
        using var deadline = new CancellationTokenSource(_deadline);
        var queries = Enumerable.Range(0, Pipelined).SelectMany(i => RawClient.Framed(RawClient.Query(Large, DnsType.TXT, (ushort)i))).ToArray();
        var attackers = new List<TcpClient>();
        foreach (var from in (string[])["127.0.0.2", "127.0.0.3", "127.0.0.4"])
            for (var i = 0; i < Connections; i++)
            {
                attackers.Add(new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0)));
                await attackers[^1].ConnectAsync(Node.Dns, deadline.Token);
                await attackers[^1].GetStream().WriteAsync(queries, deadline.Token);
            }
        await Node.PollAsync(async () => await HeldAsync() > MaxHeldForAClient / 2, "replies wait to be read");
        for (var i = 0; i < 10; i++)
        {
            var replies = await RawClient.PipelineAsync(Node.Dns, RawClient.Query("localhost", id: 1), RawClient.Query(Large, DnsType.TXT, 2));
            Assert.Equal([1, 240], replies.Select(reply => (int)DnsHeader.GetCount(reply, DnsSection.Answer)).Order());
            Assert.InRange(await HeldAsync(), 0, 4 * MaxHeldForAClient);
        }
        foreach (var attacker in attackers) attacker.Dispose();
        await Node.PollAsync(async () => await HeldAsync() == 0, "nothing is held any more");
    }

    private async Task<long> HeldAsync() => (long)(await Node.MetricAsync("meshdns_tcp_held_bytes"))!;
}
