using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>
/// Stands between a client and a server and counts, for each connection, how often the client spoke after the server had: round trips.
/// </summary>
internal sealed class TurnCounter : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Turns> _connections = [];
    private readonly List<Task> _pumps = [];
    private readonly int _port;
    private readonly Task _accepting;

    public TurnCounter(int port)
    {
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Round trips so far on the connections on which the client once sent this text.</summary>
    public int Of(string text)
    {
        lock (_connections) return _connections.Where(c => c.Heard(text)).Sum(c => c.Count);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_pumps);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                var turns = new Turns();
                lock (_connections) _connections.Add(turns);
                _pumps.Add(PumpAsync(client, turns));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException) { }
    }

    private async Task PumpAsync(TcpClient client, Turns turns)
    {
        using var _ = client;
        using var server = new TcpClient();
        await server.ConnectAsync(IPAddress.Loopback, _port);
        await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream(), turns.Said), CopyAsync(server.GetStream(), client.GetStream(), _ => turns.Answered()));
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, Action<Memory<byte>> seen)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReadAsync(buffer, _stop.Token) is > 0 and var read)
            {
                seen(buffer.AsMemory(0, read));
                await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException) { }
    }

    private sealed class Turns
    {
        private readonly StringBuilder _said = new();
        private bool _serverSpokeLast = true;

        public int Count { get; private set; }

        public bool Heard(string text)
        {
            lock (_said) return _said.ToString().Contains(text, StringComparison.Ordinal);
        }

        public void Said(Memory<byte> bytes)
        {
            lock (_said)
            {
                _said.Append(Encoding.Latin1.GetString(bytes.Span));
                if (_serverSpokeLast) Count++;
                _serverSpokeLast = false;
            }
        }

        public void Answered()
        {
            lock (_said) _serverSpokeLast = true;
        }
    }
}
