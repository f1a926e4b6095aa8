using System.Diagnostics;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MeshDns.Chaos.Run.Links;

/// <summary>
/// One connection through a relay. The end of a stream and a reset travel like bytes: behind a stalled way nobody learns that the other side
/// is gone. At most 64 pieces are under way in a direction; then the sender's own TCP has to wait.
/// </summary>
internal sealed class RelayedConnection(Socket client, Route route)
{
    private const int PieceBytes = 16 * 1024;
    private const int PiecesUnderWay = 64;

    private enum End { None, Shutdown, Reset }

    private readonly record struct Piece(byte[] Bytes, long DueAt, End End);

    private readonly CancellationTokenSource _broken = new();
    private readonly Random _random = new();
    private Socket? _server;

    public async Task RunAsync(CancellationToken stop)
    {
        var link = route.Link;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_broken.Token, stop);
        link.There.Cutting += Break;
        link.Back.Cutting += Break;
        try
        {
            if (link.There.IsCut || link.Back.IsCut) return;
            // The handshake needs both ways.
            await Task.WhenAll(link.There.Open, link.Back.Open).WaitAsync(ending.Token);
            client.NoDelay = true;
            _server = route.Open();
            await _server.ConnectAsync(route.Target, ending.Token);
            await Task.WhenAll(CarryAsync(client, _server, link.There, ending.Token), CarryAsync(_server, client, link.Back, ending.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException) { }
        finally
        {
            link.There.Cutting -= Break;
            link.Back.Cutting -= Break;
            Reset(client);
            if (_server is not null) Reset(_server);
        }
    }

    /// <summary>Resets both sides.</summary>
    public void Break()
    {
        try { _broken.Cancel(); }
        catch (ObjectDisposedException) { }
    }

    /// <summary>Closes without lingering, so that the other side is told at once and by a reset.</summary>
    public static void Reset(Socket socket)
    {
        try { socket.LingerState = new LingerOption(true, 0); }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
        socket.Dispose();
    }

    private async Task CarryAsync(Socket from, Socket to, Way way, CancellationToken cancel)
    {
        var pieces = Channel.CreateBounded<Piece>(PiecesUnderWay);
        await Task.WhenAll(ReadAsync(from, way, pieces.Writer, cancel), WriteAsync(to, way, pieces.Reader, cancel));
    }

    private async Task ReadAsync(Socket from, Way way, ChannelWriter<Piece> pieces, CancellationToken cancel)
    {
        var buffer = new byte[PieceBytes];
        for (var end = End.None; end == End.None;)
        {
            var count = 0;
            try
            {
                count = await from.ReceiveAsync(buffer, cancel);
                if (count == 0) end = End.Shutdown;
            }
            catch (SocketException) { end = End.Reset; }
            var due = Stopwatch.GetTimestamp() + (long)(way.Delay(_random).TotalSeconds * Stopwatch.Frequency);
            await pieces.WriteAsync(new Piece(buffer[..count], due, end), cancel);
        }
    }

    private async Task WriteAsync(Socket to, Way way, ChannelReader<Piece> pieces, CancellationToken cancel)
    {
        while (true)
        {
            var piece = await pieces.ReadAsync(cancel);
            var early = piece.DueAt - Stopwatch.GetTimestamp();
            if (early > 0) await Task.Delay(TimeSpan.FromSeconds((double)early / Stopwatch.Frequency), cancel);
            way.Show(piece.Bytes);
            await way.Open.WaitAsync(cancel);
            if (piece.End == End.Reset || way.Breaks(_random)) Break();
            if (piece.End == End.Shutdown)
            {
                to.Shutdown(SocketShutdown.Send);
                return;
            }
            for (var sent = 0; sent < piece.Bytes.Length;) sent += await to.SendAsync(piece.Bytes.AsMemory(sent), cancel);
        }
    }
}
