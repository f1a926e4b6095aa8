using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Tests.Cli;

/// <summary>Passes connections on to a port of this machine, and closes the first ones when the server answers: the request arrives, the reply is lost.</summary>
internal sealed class CuttingRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public CuttingRelay(int port, int lost)
    {
        _listener.Start();
        Url = new Uri($"http://{_listener.LocalEndpoint}");
        _loop = LoopAsync(port, lost);
    }

    public Uri Url { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        try { await _loop; } catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException) { }
        _stop.Dispose();
    }

    private async Task LoopAsync(int port, int lost)
    {
        for (var i = 0; ; i++)
        {
            using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            using var server = new TcpClient();
            await server.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
            var there = client.GetStream().CopyToAsync(server.GetStream(), _stop.Token);
            var reply = new byte[64 * 1024];
            var length = await server.GetStream().ReadAsync(reply, _stop.Token);
            if (i >= lost)
            {
                await client.GetStream().WriteAsync(reply.AsMemory(0, length), _stop.Token);
                await there;
            }
        }
    }
}
