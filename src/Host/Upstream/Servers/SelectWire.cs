using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>The wire of other systems: the framework's select and a datagram a call. A datagram to itself wakes it.</summary>
internal sealed class SelectWire : UpstreamWire
{
    private readonly Socket _wake = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly List<WireSocket> _ports = [];
    private readonly List<WireSocket?> _ready = [];
    private readonly byte[] _reply = new byte[MaxReplySize + 1];
    private readonly byte[] _query = new byte[MaxQuerySize];
    private WireSocket?[] _result = [];
    private int _received;

    public SelectWire()
    {
        _wake.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _wake.Connect(_wake.LocalEndPoint!);
        _wake.Blocking = false;
    }

    /// <inheritdoc/>
    public override Span<byte> NextQuery => _query;

    /// <inheritdoc/>
    public override int Unsent => 0;

    /// <inheritdoc/>
    public override bool TryAdd(WireSocket port)
    {
        port.Socket.Blocking = false;
        _ports.Add(port);
        return true;
    }

    /// <inheritdoc/>
    public override void Remove(WireSocket port) => _ports.Remove(port);

    /// <inheritdoc/>
    public override ReadOnlySpan<WireSocket?> Wait()
    {
        List<Socket> readable = [_wake, .. _ports.Select(each => each.Socket)];
        // A server that refuses is an error and nothing to read: unasked for, it would end every wait at once and never be told.
        List<Socket> failing = [.. readable];
        Socket.Select(readable, null, failing, -1);
        _ready.Clear();
        while (_wake.Available > 0)
            _ = _wake.Receive(_query, SocketFlags.None, out _);
        foreach (WireSocket port in _ports)
            if (readable.Contains(port.Socket) || failing.Contains(port.Socket))
                _ready.Add(port);
        _result = [.. _ready];
        return _result;
    }

    /// <inheritdoc/>
    public override void Wake()
    {
        try
        {
            _wake.Send([1]);
        }
        catch (SocketException)
        {
            // Its buffer is full of wakes: it will wake.
        }
    }

    /// <inheritdoc/>
    public override int Receive(WireSocket port)
    {
        _received = port.Socket.Receive(_reply, SocketFlags.None, out SocketError error);
        return error switch
        {
            SocketError.Success => 1,
            SocketError.WouldBlock => 0,
            SocketError.MessageSize => 1,
            _ => -1,
        };
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Datagram(int index, out bool isCut)
    {
        isCut = _received > MaxReplySize;
        return _reply.AsSpan(0, Math.Min(_received, MaxReplySize));
    }

    /// <inheritdoc/>
    public override void Enqueue(WireSocket port, int length)
    {
        port.Socket.Send(_query.AsSpan(0, length), SocketFlags.None, out SocketError error);
        if (error is not (SocketError.Success or SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable))
            Failed.Add(port);
    }

    /// <inheritdoc/>
    public override void Send()
    {
    }

    public override void Dispose() => _wake.Dispose();
}
