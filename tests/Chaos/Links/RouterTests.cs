using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using MeshDns.Chaos.Run.Links;
using static MeshDns.Chaos.Links.SocketTalk;

namespace MeshDns.Chaos.Links;

/// <summary>The router: who dials whom is known without any help of who dials, and nothing outlives it.</summary>
public sealed class RouterTests : IAsyncLifetime
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);
    private static readonly IPEndPoint _place = IPEndPoint.Parse("100.127.255.1:5432");

    private readonly Network _network = new();
    private readonly TcpListener _database = new(IPAddress.Loopback, 0);
    private readonly List<IDisposable> _open = [];
    private readonly Namespace[] _nodes = new Namespace[4];
    private Router _router = null!;

    public async Task InitializeAsync()
    {
        if (Router.WhyNot is not null) return;
        _database.Start();
        _router = await Router.StartAsync(_network, (_, to) => to.Equals(_place) ? (IPEndPoint)_database.LocalEndpoint : null);
        for (var i = 1; i < _nodes.Length; i++) _nodes[i] = await _router.AddAsync(i, $"node-{i}");
    }

    public async Task DisposeAsync()
    {
        foreach (var open in _open) open.Dispose();
        _database.Dispose();
        if (_router is not null) await _router.DisposeAsync();
    }

    [NamespaceFact]
    public async Task Who_dials_is_known_and_the_other_side_sees_who()
    {
        var server = Listen(3);
        _network["node-1", "node-3"].Stall();
        // What node 1 sends is held, its handshake too, and node 2 is let through, though neither binds its socket to anything.
        var held = await DialAsync(1, server);
        var (client, accepted) = await ConnectAsync(2, server);
        Assert.Equal(Router.AddressOf(2), ((IPEndPoint)accepted.RemoteEndPoint!).Address);
        Assert.Equal(server.LocalEndPoint, client.RemoteEndPoint);
        await ExchangeAsync(client, accepted, 1);
        await ExchangeAsync(accepted, client, 2);
        _network["node-1", "node-3"].Heal();
        var late = await AcceptAsync(server);
        Assert.Equal(Router.AddressOf(1), ((IPEndPoint)late.RemoteEndPoint!).Address);
        await ExchangeAsync(held, late, 3);
    }

    [NamespaceFact]
    public async Task One_way_is_stalled_and_the_way_back_is_not()
    {
        var (client, accepted) = await ConnectAsync(1, Listen(3));
        _network["node-1", "node-3"].Stall();
        await client.SendAsync(new byte[] { 7 });
        await ExchangeAsync(accepted, client, 1);
        Assert.Equal(0, accepted.Available);
        _network["node-1", "node-3"].Heal();
        Assert.Equal(7, await ReceiveByteAsync(accepted));
    }

    [NamespaceFact]
    public async Task A_cut_resets_the_connections_of_that_pair_only()
    {
        var server = Listen(3);
        var (client, accepted) = await ConnectAsync(1, server);
        var (other, otherAccepted) = await ConnectAsync(2, server);
        _network["node-3", "node-1"].Cut();
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAsync(client));
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAsync(accepted));
        await ExchangeAsync(other, otherAccepted, 1);
    }

    [NamespaceFact]
    public async Task Without_its_link_a_node_is_silent_and_nobody_is_told()
    {
        var server = Listen(3);
        var (client, accepted) = await ConnectAsync(1, server);
        await _router.LinkAsync("node-3", isUp: false);
        await client.SendAsync(new byte[] { 7 });
        await accepted.SendAsync(new byte[] { 8 });
        var dialled = await DialAsync(2, server);
        // Reads that end would tell of a reset: none may. What was sent arrives when the link is back, and so neither waits in vain.
        var (there, back) = (ReceiveByteAsync(accepted), ReceiveByteAsync(client));
        Assert.False(dialled.Poll(TimeSpan.FromMilliseconds(300), SelectMode.SelectRead));
        Assert.False(there.IsCompleted);
        Assert.False(back.IsCompleted);
        await _router.LinkAsync("node-3", isUp: true);
        Assert.Equal(7, await there);
        Assert.Equal(8, await back);
        await ExchangeAsync(dialled, await AcceptAsync(server), 9);
    }

    [NamespaceFact]
    public async Task A_place_of_the_database_is_reached_though_it_is_nowhere_and_what_is_nobody_is_not()
    {
        var client = await DialAsync(1, _place);
        using var accepted = await _database.AcceptSocketAsync().WaitAsync(_deadline);
        await ExchangeAsync(client, accepted, 1);
        _network[Network.Database, "node-1"].Cut();
        await Assert.ThrowsAsync<SocketException>(() => ReceiveAsync(client));
        await Assert.ThrowsAsync<SocketException>(async () => await ReceiveAsync(await DialAsync(1, IPEndPoint.Parse("100.127.255.9:5432"))));
    }

    [NamespaceFact]
    public async Task Nothing_but_TCP_gets_from_a_node_to_another()
    {
        using var receiver = Bound(3, SocketType.Dgram, ProtocolType.Udp);
        using var sender = _nodes[1].Open(SocketType.Dgram, ProtocolType.Udp);
        await sender.SendToAsync(new byte[] { 1 }, receiver.LocalEndPoint!);
        // A datagram within the node comes later and alone.
        using var near = _nodes[3].Open(SocketType.Dgram, ProtocolType.Udp);
        await near.SendToAsync(new byte[] { 2 }, receiver.LocalEndPoint!);
        Assert.Equal(2, await ReceiveByteAsync(receiver));
    }

    [NamespaceFact]
    public async Task What_runs_in_a_namespace_ends_with_it_and_the_kernel_takes_the_rest()
    {
        await using var router = await Router.StartAsync(new Network(), (_, _) => null);
        var place = await router.AddAsync(1, "node-1");
        var other = await router.AddAsync(2, "node-2");
        using var process = place.Run(() => System.Diagnostics.Process.Start(place.Command("sleep", "600")))!;
        Assert.Equal(["n1", "n2"], router.Links.Order(StringComparer.Ordinal));
        place.Dispose();
        await process.WaitForExitAsync().WaitAsync(_deadline);
        Assert.Equal(128 + 9, process.ExitCode);
        // Its end of the veth goes with a namespace, and the other end with that.
        await PollAsync(() => router.Links.SequenceEqual(["n2"]));
        Assert.DoesNotContain(NetworkInterface.GetAllNetworkInterfaces(), i => i.Name is "n1" or "n2" or "sink");
        Assert.Throws<SocketException>(place.OpenTcp);
        other.OpenTcp().Dispose();
    }

    private Socket Bound(int node, SocketType type, ProtocolType protocol)
    {
        var socket = _nodes[node].Open(type, protocol);
        socket.Bind(new IPEndPoint(Router.AddressOf(node), 0));
        _open.Add(socket);
        return socket;
    }

    private Socket Listen(int node)
    {
        var server = Bound(node, SocketType.Stream, ProtocolType.Tcp);
        server.Listen();
        return server;
    }

    private Task<Socket> DialAsync(int node, Socket server) => DialAsync(node, (IPEndPoint)server.LocalEndPoint!);

    private async Task<Socket> DialAsync(int node, IPEndPoint target)
    {
        var client = _nodes[node].OpenTcp();
        _open.Add(client);
        await client.ConnectAsync(target).WaitAsync(_deadline);
        return client;
    }

    private async Task<Socket> AcceptAsync(Socket server)
    {
        var accepted = await server.AcceptAsync().WaitAsync(_deadline);
        _open.Add(accepted);
        return accepted;
    }

    private async Task<(Socket Client, Socket Accepted)> ConnectAsync(int node, Socket server)
    {
        var client = await DialAsync(node, server);
        return (client, await AcceptAsync(server));
    }

    private static async Task PollAsync(Func<bool> holds)
    {
        using var deadline = new CancellationTokenSource(_deadline);
        while (!holds()) await Task.Delay(20, deadline.Token);
    }
}
