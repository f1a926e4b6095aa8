using System.Net;
using System.Net.Sockets;

namespace MeshDns.Conformance.Cluster;

/// <summary>Passes connections on to a port of this machine until it is cut: then all are closed and new ones are refused, until it is mended.</summary>
internal sealed class TcpRelay : IAsyncDisposable
{
    private readonly int _target;
    private CancellationTokenSource _cut = new();
    private Task _loop;

    public TcpRelay(int target)
    {
        _target = target;
        _loop = Listen(0);
    }

    public int Port { get; private set; }

    public async Task CutAsync()
    {
        await _cut.CancelAsync();
        await _loop;
    }

    public void Mend()
    {
        _cut.Dispose();
        _cut = new CancellationTokenSource();
        _loop = Listen(Port);
    }

    public async ValueTask DisposeAsync()
    {
        await CutAsync();
        _cut.Dispose();
    }

    private Task Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        return AcceptAsync(listener, _cut.Token);
    }

    private async Task AcceptAsync(TcpListener listener, CancellationToken cut)
    {
        var passing = new List<Task>();
        try
        {
            while (true) passing.Add(PassAsync(await listener.AcceptTcpClientAsync(cut), cut));
        }
        catch (OperationCanceledException) { }
        finally { listener.Stop(); }
        await Task.WhenAll(passing);
    }

    private async Task PassAsync(TcpClient client, CancellationToken cut)
    {
        using var _ = client;
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target, cut);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cut);
            var there = client.GetStream().CopyToAsync(server.GetStream(), ended.Token);
            var back = server.GetStream().CopyToAsync(client.GetStream(), ended.Token);
            await Task.WhenAny(there, back);
            await ended.CancelAsync();
            await Task.WhenAll(there, back);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException) { }
    }
}
