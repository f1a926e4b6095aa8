using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MeshDns.Chaos.Run.Links;

/// <summary>The two ways of a connection: from who opened it, and back.</summary>
internal sealed record Link(Way There, Way Back);

/// <summary>A listener in front of a server. Who connects is known by the source address, and so which ways the connection takes.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly Func<IPAddress, Link> _linkOf;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<RelayedConnection, byte> _connections = [];
    private readonly Task _accepting;

    public Relay(IPEndPoint target, Func<IPAddress, Link> linkOf)
    {
        Target = target;
        _linkOf = linkOf;
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>Where new connections go.</summary>
    public IPEndPoint Target { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var connection in _connections.Keys) connection.Break();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try { client = await _listener.AcceptAsync(_stop.Token); }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException) { continue; }
            var link = _linkOf(((IPEndPoint)client.RemoteEndPoint!).Address);
            var connection = new RelayedConnection(client, link);
            _connections[connection] = 0;
            _ = RunAsync(connection);
        }
    }

    private async Task RunAsync(RelayedConnection connection)
    {
        try { await connection.RunAsync(Target, _stop.Token); }
        finally { _connections.TryRemove(connection, out _); }
    }
}
