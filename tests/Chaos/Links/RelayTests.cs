using System.Net;
using System.Net.Sockets;
using MeshDns.Chaos.Run.Links;
using static MeshDns.Chaos.Links.SocketTalk;

namespace MeshDns.Chaos.Links;

/// <summary>The relay itself: what it lets through and what it holds back.</summary>
public sealed class RelayTests : IAsyncLifetime
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly Network _network = new();
    private readonly List<IDisposable> _open = [];
    private Relay _relay = null!;
    private IPEndPoint _address = null!;

    private Way There => _network["a", "b"];

    private Way Back => _network["b", "a"];

    public Task InitializeAsync()
    {
        _server.Start();
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _address = (IPEndPoint)listener.LocalEndPoint!;
        _relay = new Relay(listener, (from, _) => new Route(_network.Between(from.Address.ToString() == "127.0.1.1" ? "a" : "other", "b"), Namespace.Own.OpenTcp, (IPEndPoint)_server.LocalEndpoint));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _relay.DisposeAsync();
        foreach (var open in _open) open.Dispose();
        _server.Dispose();
    }

    [Fact]
    public async Task Bytes_and_the_end_pass_both_ways()
    {
        var (client, server) = await ConnectAsync();
        await ExchangeAsync(client, server, 1);
        await ExchangeAsync(server, client, 2);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await ReceiveAsync(server));
        await ExchangeAsync(server, client, 3);
    }

    [Fact]
    public async Task A_stalled_way_holds_bytes_back_and_the_other_one_does_not()
    {
        var (client, server) = await ConnectAsync();
        There.Stall();
        await client.SendAsync(new byte[] { 7 });
        await ExchangeAsync(server, client, 1);
        Assert.Equal(0, server.Available);
        There.Heal();
        Assert.Equal(7, await ReceiveByteAsync(server));
    }

    [Fact]
    public async Task A_way_tells_of_bytes_that_pass_and_stalls_before_those_that_must_not()
    {
        var (client, server) = await ConnectAsync();
        var seen = There.SeeAsync([2, 3]);
        await client.SendAsync(new byte[] { 1, 3 });
        Assert.Equal(1, await ReceiveByteAsync(server));
        Assert.Equal(3, await ReceiveByteAsync(server));
        Assert.False(seen.IsCompleted);
        await client.SendAsync(new byte[] { 2, 3 });
        await seen.WaitAsync(_deadline);
        Assert.Equal(2, await ReceiveByteAsync(server));
        Assert.Equal(3, await ReceiveByteAsync(server));
        var held = There.StallBeforeAsync([2, 4]);
        await client.SendAsync(new byte[] { 2, 4, 5 });
        await held.WaitAsync(_deadline);
        await ExchangeAsync(server, client, 1);
        Assert.Equal(0, server.Available);
        There.Heal();
        Assert.Equal(2, await ReceiveByteAsync(server));
    }

    [Fact]
    public async Task Behind_a_stalled_way_nobody_learns_that_the_other_side_is_gone()
    {
        var (client, server) = await ConnectAsync();
        There.Stall();
        client.LingerState = new LingerOption(true, 0);
        client.Dispose();
        Assert.False(server.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectRead));
        There.Heal();
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAsync(server));
    }

    [Fact]
    public async Task A_cut_resets_connections_old_and_new()
    {
        var (client, server) = await ConnectAsync();
        Back.Cut();
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAsync(client));
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAsync(server));
        var next = Open("127.0.1.1");
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await next.ConnectAsync(_address);
            await ReceiveAsync(next);
        });
        Back.Heal();
        await ConnectAsync();
    }

    [Fact]
    public async Task Others_are_not_concerned()
    {
        There.Stall();
        Back.Stall();
        var (client, server) = await ConnectAsync("127.0.1.2");
        await ExchangeAsync(client, server, 1);
    }

    [Fact]
    public async Task What_is_delayed_keeps_its_order()
    {
        var (client, server) = await ConnectAsync();
        There.Quality = new WayQuality(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(20), Loss: 0.1);
        for (byte i = 0; i < 50; i++)
        {
            await client.SendAsync(new[] { i });
            await Task.Yield();
        }
        for (byte i = 0; i < 50; i++) Assert.Equal(i, await ReceiveByteAsync(server));
    }

    private async Task<(Socket Client, Socket Server)> ConnectAsync(string source = "127.0.1.1")
    {
        var client = Open(source);
        await client.ConnectAsync(_address);
        var server = await _server.AcceptSocketAsync().WaitAsync(_deadline);
        _open.Add(server);
        return (client, server);
    }

    private Socket Open(string source)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
        _open.Add(socket);
        return socket;
    }
}
