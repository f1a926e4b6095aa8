using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Settings;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>Servers that go away in the middle of something, and come back.</summary>
public sealed class OutageTests
{
    private static FakeReply Good(FakeQuery query) => query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1"));

    private static UpstreamSettings Asking(params IPEndPoint[] servers) => new([.. servers], [], TimeSpan.FromSeconds(4), 1 << 20);

    [Fact]
    public async Task A_server_that_goes_away_under_a_query_costs_it_no_wait()
    {
        var gone = new FakeUpstream(_ => FakeReply.Never);
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(gone, alive);
        Task<Reply> first = bench.AskAsync("a.example.");
        await gone.NextAsync();
        gone.Dispose();
        // The next query learns by the same sockets that nobody listens, or by its own; the first hears of it where it waits on the same one.
        Assert.Equal(Rcode.NoError, (await bench.AskAsync("b.example.")).Rcode);
        Assert.Equal(Rcode.NoError, (await bench.RunUntilAsync(first)).Rcode);
    }

    [Fact]
    public async Task The_only_server_is_asked_again_as_soon_as_it_is_back_and_the_failure_has_had_its_time()
    {
        var gone = new FakeUpstream(Good);
        IPEndPoint address = gone.Address;
        gone.Dispose();
        using var bench = new Bench(Asking(address));
        Assert.Equal(EdeCode.NetworkError, (await bench.AskAsync("x.example.")).Error);
        using var back = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        back.Bind(address);
        Assert.Equal(EdeCode.NetworkError, bench.Cached(new Ask("x.example."))!.Error);
        bench.Clock.Advance(TimeSpan.FromSeconds(1));
        Task<Reply> asked = bench.AskAsync("x.example.");
        var packet = new byte[512];
        SocketReceiveFromResult got = await back.ReceiveFromAsync(packet, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0)).WaitAsync(TimeSpan.FromSeconds(30));
        var query = new FakeQuery(1, packet[..got.ReceivedBytes], IsTcp: false, (IPEndPoint)got.RemoteEndPoint);
        await back.SendToAsync(query.Message(records: FakeRecord.A(query.Name, 60, "192.0.2.9")), SocketFlags.None, got.RemoteEndPoint);
        Assert.Equal(["x.example. A 192.0.2.9"], (await asked).Answer);
        Assert.False(bench.Counts.Servers[0].IsResting);
    }

    [Fact]
    public async Task A_server_that_takes_no_tcp_is_not_the_last_word_on_a_truncated_answer()
    {
        using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        udp.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // Nobody listens on its port for TCP.
        _ = TruncateAsync(udp);
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(Asking((IPEndPoint)udp.LocalEndPoint!, alive.Address));
        for (int i = 0; i < 4; i++)
            Assert.Equal(Rcode.NoError, (await bench.AskAsync($"n{i}.example.")).Rcode);
        Assert.True(bench.Counts.Servers[0].Outcomes["unreachable"] > 0);
    }

    [Fact]
    public async Task A_server_whose_tcp_says_nothing_is_not_waited_for_alone()
    {
        using var mute = new FakeUpstream(query => query.IsTcp ? FakeReply.Never : query.Truncated());
        using var alive = new FakeUpstream(query => query.Number == 1 ? query.Fail(Rcode.ServFail) : Good(query));
        using var bench = new Bench(alive, mute);
        await bench.RunUntilAsync(bench.AskAsync("first.example.")); // Now the mute one comes first.
        DateTimeOffset begin = bench.Clock.GetUtcNow();
        Assert.Equal(Rcode.NoError, (await bench.RunUntilAsync(bench.AskAsync("x.example."))).Rcode);
        Assert.InRange((bench.Clock.GetUtcNow() - begin).TotalMilliseconds, 0, 2000);
    }

    [Fact]
    public async Task When_a_route_is_down_its_stale_answers_serve_and_other_routes_do_not_notice()
    {
        var down = new FakeUpstream(Good);
        using var alive = new FakeUpstream(Good);
        using var bench = new Bench(new UpstreamSettings([alive.Address], [new UpstreamRoute("corp.example", [down.Address])], TimeSpan.FromSeconds(4), 1 << 20));
        await bench.AskAsync("a.corp.example.");
        down.Dispose();
        bench.Clock.Advance(TimeSpan.FromMinutes(2));
        Reply stale = await bench.AskAsync("a.corp.example.");
        Assert.Equal((Rcode.NoError, EdeCode.StaleAnswer), (stale.Rcode, stale.Error!.Value));
        Assert.Equal(Rcode.ServFail, (await bench.AskAsync("b.corp.example.")).Rcode);
        Assert.Null((await bench.AskAsync("b.example.")).Error);
    }

    private static async Task TruncateAsync(Socket udp)
    {
        var packet = new byte[512];
        try
        {
            while (true)
            {
                SocketReceiveFromResult got = await udp.ReceiveFromAsync(packet, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
                var query = new FakeQuery(1, packet[..got.ReceivedBytes], IsTcp: false, (IPEndPoint)got.RemoteEndPoint);
                await udp.SendToAsync(query.Message(flags: DnsFlags.Truncated), SocketFlags.None, got.RemoteEndPoint);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }
}
