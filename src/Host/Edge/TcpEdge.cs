using System.Net;
using System.Net.Sockets;
using MeshDns.Host.Net;
using MeshDns.Host.Query;
using MeshDns.Host.Telemetry;

namespace MeshDns.Host.Edge;

/// <summary>The TCP side of one listen address (RFC 7766): accepts within the limits, hands each connection to a <see cref="TcpConnection"/>.</summary>
internal sealed class TcpEdge
{
    private const int Backlog = 512;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    private readonly Socket _listener;
    private readonly EdgeServices _services;
    private readonly TcpForwarder _forwarder;
    private readonly TcpLimits _limits;
    private readonly QueryCounters _counters;
    private readonly SpareDescriptor _spare = new();
    private readonly CancellationTokenSource _stopAccepting = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly HashSet<Task> _connections = [];
    private Task _run = Task.CompletedTask;

    private TcpEdge(Socket listener, EdgeServices services, TcpLimits limits, QueryCounters counters)
    {
        _listener = listener;
        _services = services;
        _forwarder = new TcpForwarder(services);
        _limits = limits;
        _counters = counters;
        Beat = new LoopBeat($"tcp {listener.LocalEndPoint}");
    }

    /// <summary>Binds and listens; nothing is accepted before <see cref="Start"/>.</summary>
    /// <exception cref="SocketException">The address cannot be bound.</exception>
    public static TcpEdge Open(ListenAddress listen, EdgeServices services, TcpLimits limits, QueryCounters counters)
    {
        var listener = listen.NewSocket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Before it listens: what it accepts has the same.
            listener.SendBufferSize = listener.ReceiveBufferSize = services.Options.TcpSocketBufferBytes;
            listener.Bind(listen.Endpoint);
            listener.Listen(Backlog);
            return new TcpEdge(listener, services, limits, counters);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Whether connections are accepted.</summary>
    public LoopBeat Beat { get; }

    public void Start() => _run = Task.Run(AcceptAllAsync);

    /// <summary>Accepts and reads nothing more, finishes what was asked, up to the bound; then cuts what is left.</summary>
    public async Task StopAsync(TimeSpan bound)
    {
        await _stopAccepting.CancelAsync();
        await _run;
        Task[] open;
        lock (_connections) open = [.. _connections];
        // Asynchronously: that waits for a callback under way, which must not find its source disposed.
        await using (_services.Time.CreateTimer(_ => _abort.Cancel(), null, bound, Timeout.InfiniteTimeSpan)) await Task.WhenAll(open);
        Close();
    }

    /// <summary>Closes the listener of an edge that never started or has stopped.</summary>
    public void Close()
    {
        _listener.Dispose();
        _spare.Dispose();
        _stopAccepting.Dispose();
        _abort.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        while (!_stopAccepting.IsCancellationRequested)
        {
            try
            {
                Beat.Waits();
                var socket = await _listener.AcceptAsync(_stopAccepting.Token);
                Beat.Works();
                Serve(socket);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.TooManyOpenSockets && _spare.TryRefuse(_listener))
            {
                _services.Statistics.TcpWithoutDescriptor.Increment();
            }
            catch (Exception e)
            {
                // The client has gone already, or the system has no room: nothing is worth a busy loop, or the end of this one.
                if (e is SocketException) _services.Statistics.ReceiveErrors.Increment();
                else _services.Faults.Count(e);
                await Task.Delay(_pause, _services.Time, CancellationToken.None);
            }
        }
    }

    private void Serve(Socket socket)
    {
        if (socket.RemoteEndPoint is not IPEndPoint client || _limits.TryEnter(ClientAddress.Unmapped(client.Address)) is not { } place)
        {
            _services.Statistics.TcpRefused.Increment();
            socket.Dispose();
            return;
        }
        var connection = new TcpConnection(socket, new NetworkStream(socket), place, _forwarder, _services, _counters);
        var done = RunAsync(connection, place);
        lock (_connections) _connections.Add(done);
        _ = done.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task RunAsync(TcpConnection connection, TcpPlace place)
    {
        _services.Statistics.TcpConnections.Increment();
        try
        {
            await connection.RunAsync(_stopAccepting.Token, _abort.Token);
        }
        catch (Exception e)
        {
            _services.Faults.Count(e);
        }
        finally
        {
            _limits.Leave(place);
            _services.Statistics.TcpConnections.Add(-1);
        }
    }

    private void Forget(Task done)
    {
        lock (_connections) _connections.Remove(done);
    }
}
