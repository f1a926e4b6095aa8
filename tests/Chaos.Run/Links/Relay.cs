using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace MeshDns.Chaos.Run.Links;

/// <summary>The two ways of a connection: from who opened it, and back.</summary>
internal sealed record Link(Way There, Way Back);

/// <summary>How a connection goes on: over which link, from what socket, to whom.</summary>
internal sealed record Route(Link Link, Func<Socket> Open, IPEndPoint Target);

/// <summary>A listener between parties. Who connects to whom is known by the two addresses of a connection, and so which ways it takes.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private const int ProbeAfterSeconds = 10;
    private const int Probes = 100;

    private readonly Socket _listener;
    private readonly Func<IPEndPoint, IPEndPoint, Route?> _routeOf;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<RelayedConnection, byte> _connections = [];
    private readonly Task _accepting;

    /// <summary>Takes a bound socket over.</summary>
    /// <param name="listener">
    /// Bound to any address when it takes connections to more than one: what .NET says of a connection's local address is else the listener's.
    /// </param>
    /// <param name="routeOf">The route of a connection by its remote and its local address; null: it is reset.</param>
    public Relay(Socket listener, Func<IPEndPoint, IPEndPoint, Route?> routeOf)
    {
        _listener = listener;
        _routeOf = routeOf;
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

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
            try { Take(await _listener.AcceptAsync(_stop.Token)); }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException) { }
        }
    }

    private void Take(Socket client)
    {
        if (_routeOf((IPEndPoint)client.RemoteEndPoint!, (IPEndPoint)client.LocalEndPoint!) is not { } route)
        {
            RelayedConnection.Reset(client);
            return;
        }
        ProbeWhenIdle(client);
        var connection = new RelayedConnection(client, route);
        _connections[connection] = 0;
        _ = RunAsync(connection);
    }

    // A machine that lost its power tells nobody: when it is back, its answer to a probe ends the old connections. No fault lasts as long as
    // the probes' patience.
    private static void ProbeWhenIdle(Socket client)
    {
        client.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, ProbeAfterSeconds);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 1);
        client.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
    }

    private async Task RunAsync(RelayedConnection connection)
    {
        try { await connection.RunAsync(_stop.Token); }
        finally { _connections.TryRemove(connection, out _); }
    }
}
