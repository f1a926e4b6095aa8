using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MeshDns.Host.Upstream.Replies;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// TCP to one server (RFC 7766): one query at a time on a connection, connections kept for the next for a while. Used for what UDP could not
/// carry, so seldom; no pipelining.
/// </summary>
internal sealed class TcpPool(IPEndPoint server, UpstreamClock clock, UpstreamCounters counters) : IDisposable
{
    /// <summary>Connections in use.</summary>
    public const int MaxActive = 64;

    /// <summary>Connections kept idle.</summary>
    public const int MaxIdle = 4;

    /// <summary>How long an idle connection is thought good, in milliseconds.</summary>
    public const long IdleMs = 10_000;

    private const int PrefixSize = 2;

    private readonly Lock _gate = new();
    private readonly Stack<(Socket Socket, long SinceMs)> _idle = new();
    private int _active;
    private bool _isClosed;

    /// <summary>Asks over an idle connection, or, when there is none or it turns out closed, over a new one. Never throws.</summary>
    public async Task<Exchange> AskAsync(byte[] query, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _active) > MaxActive)
        {
            Interlocked.Decrement(ref _active);
            return Exchange.Without(ExchangeEnd.Overloaded);
        }
        try
        {
            if (TryTakeIdle() is { } idle)
            {
                Exchange exchange = await TryAskOnAsync(idle, query, cancel);
                if (exchange.End == ExchangeEnd.Reply || cancel.IsCancellationRequested)
                    return exchange;
            }
            return await TryAskOnNewAsync(query, cancel);
        }
        finally
        {
            Interlocked.Decrement(ref _active);
        }
    }

    /// <summary>Closes the idle connections; those in use close when their query ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            while (_idle.TryPop(out (Socket Socket, long SinceMs) each))
                each.Socket.Dispose();
        }
    }

    private async Task<Exchange> TryAskOnNewAsync(byte[] query, CancellationToken cancel)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(server, cancel);
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            socket?.Dispose();
            return Exchange.Without(fault is SocketException ? ExchangeEnd.Unreachable : ExchangeEnd.TimedOut);
        }
        return await TryAskOnAsync(socket, query, cancel);
    }

    // The socket is ours until it is given back; anything but a good reply closes it.
    private async Task<Exchange> TryAskOnAsync(Socket socket, byte[] template, CancellationToken cancel)
    {
        var framed = new byte[PrefixSize + template.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)template.Length);
        template.CopyTo(framed, PrefixSize);
        ReadOnlyMemory<byte> query = framed.AsMemory(PrefixSize);
        RandomNumberGenerator.Fill(framed.AsSpan(PrefixSize, sizeof(ushort)));
        ExchangeEnd end = ExchangeEnd.Unreachable;
        try
        {
            await SendAllAsync(socket, framed, cancel);
            var prefix = new byte[PrefixSize];
            if (await TryReceiveAsync(socket, prefix, cancel))
            {
                var reply = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
                bool isWhole = await TryReceiveAsync(socket, reply, cancel);
                ReplyVerdict verdict = isWhole ? ReplyGuard.Check(reply, query.Span) : ReplyVerdict.Malformed;
                if (verdict == ReplyVerdict.Accept)
                {
                    GiveBack(socket);
                    return new Exchange(ExchangeEnd.Reply, reply);
                }
                counters.CountIgnored(verdict);
            }
        }
        catch (SocketException)
        {
            // Closed by the other side, which servers do to idle connections.
        }
        catch (OperationCanceledException)
        {
            end = ExchangeEnd.TimedOut;
        }
        socket.Dispose();
        return Exchange.Without(end);
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancel)..];
    }

    private static async Task<bool> TryReceiveAsync(Socket socket, Memory<byte> bytes, CancellationToken cancel)
    {
        while (!bytes.IsEmpty)
        {
            int count = await socket.ReceiveAsync(bytes, SocketFlags.None, cancel);
            if (count == 0)
                return false;
            bytes = bytes[count..];
        }
        return true;
    }

    private Socket? TryTakeIdle()
    {
        lock (_gate)
        {
            while (_idle.TryPop(out (Socket Socket, long SinceMs) each))
            {
                if (clock.NowMs - each.SinceMs < IdleMs)
                    return each.Socket;
                each.Socket.Dispose();
            }
        }
        return null;
    }

    private void GiveBack(Socket socket)
    {
        lock (_gate)
        {
            if (!_isClosed && _idle.Count < MaxIdle)
            {
                _idle.Push((socket, clock.NowMs));
                return;
            }
        }
        socket.Dispose();
    }
}
