using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Upstream.Replies;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// One connected UDP socket to one server, with the attempts that wait on it by id. The kernel chooses the local port at random. A server that is down
/// is an ordinary case. For the loop's thread.
/// </summary>
internal sealed class UdpPort : WireSocket
{
    /// <summary>Attempts that may wait on one socket.</summary>
    public const int MaxPending = 128;

    /// <summary>False replies to a socket, while a query waits on it, after which the query goes to TCP (RFC 5452 section 4.3 counts the odds).</summary>
    public const int SuspicionThreshold = 4;

    private const int RetiredIds = 128;
    private const int MaxErrorsInRow = 16;

    // Side by side, so that finding an id is a few vector compares; a table of 65,536 for each socket would not fit any cache.
    private readonly ushort[] _ids = new ushort[MaxPending];
    private readonly (IPendingQuery Query, int Number)[] _pending = new (IPendingQuery, int)[MaxPending];
    private readonly ushort[] _retired = new ushort[RetiredIds];
    private readonly UpstreamLoop _loop;
    private int _count;
    private int _retiredCount;
    private int _errorsInRow;
    private bool _isClosing;

    private UdpPort(Socket socket, UpstreamLoop loop) : base(socket)
    {
        OpenedAtMs = loop.NowMs;
        _loop = loop;
    }

    /// <summary>Queries sent through it.</summary>
    public int Uses { get; private set; }

    /// <summary>When it was opened.</summary>
    public long OpenedAtMs { get; }

    /// <summary>True when no more attempt can wait on it.</summary>
    public bool IsFull => _count == MaxPending;

    /// <summary>True once it is closed.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Opens a socket and begins to listen; null when the system refuses.</summary>
    public static UdpPort? TryOpen(IPEndPoint server, UpstreamLoop loop)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(server);
        }
        catch (SocketException)
        {
            socket?.Dispose();
            return null; // Out of descriptors or ports, or no route: the caller takes it for an unreachable server.
        }
        var port = new UdpPort(socket, loop);
        if (loop.Wire.TryAdd(port))
            return port;
        socket.Dispose();
        return null;
    }

    /// <summary>Gives an attempt an id that is random, and its own on this socket. The port is neither full nor closed.</summary>
    /// <param name="query">Whose attempt it is.</param>
    /// <param name="attempt">Which of its attempts.</param>
    public ushort Register(IPendingQuery query, int attempt)
    {
        ushort id;
        do
            id = _loop.Random.Next();
        while (_ids.AsSpan(0, _count).Contains(id)); // At most 128 of 65,536 are taken.
        _ids[_count] = id;
        _pending[_count++] = (query, attempt);
        Uses++;
        return id;
    }

    /// <summary>Takes an attempt's id back. A reply that comes for it after that is late, not a lie.</summary>
    public void Retire(ushort id)
    {
        int at = _ids.AsSpan(0, _count).IndexOf(id);
        if (at < 0)
            return;
        _count--;
        _ids[at] = _ids[_count];
        _pending[at] = _pending[_count];
        _pending[_count] = default;
        _retired[_retiredCount++ % RetiredIds] = id;
        if (_isClosing && _count == 0)
            Dispose();
    }

    /// <inheritdoc/>
    public override void Receive()
    {
        int count = IsClosed ? 0 : _loop.Wire.Receive(this);
        if (count < 0)
        {
            OnError();
            return;
        }
        for (int i = 0; i < count; i++)
        {
            _errorsInRow = 0;
            ReadOnlySpan<byte> reply = _loop.Wire.Datagram(i, out bool isCut);
            Match(reply, isCut);
        }
    }

    /// <summary>A socket that reports nothing but errors would keep us busy for ever, and is closed.</summary>
    public override void OnError()
    {
        if (++_errorsInRow >= MaxErrorsInRow)
            Dispose();
        else
            FailAll();
    }

    /// <summary>Takes no more queries, and closes once the last of those under way ended.</summary>
    public void Close()
    {
        _isClosing = true;
        if (_count == 0)
            Dispose();
    }

    /// <summary>Closes at once; attempts under way end as unreachable.</summary>
    public void Dispose()
    {
        if (IsClosed)
            return;
        IsClosed = true;
        FailAll();
        _loop.Wire.Remove(this);
        Socket.Dispose();
    }

    private void Match(ReadOnlySpan<byte> reply, bool isCut)
    {
        if (reply.Length < DnsLimits.HeaderSize)
        {
            Ignore(ReplyVerdict.NotReply);
            return;
        }
        ushort id = DnsHeader.GetId(reply);
        int at = _ids.AsSpan(0, _count).IndexOf(id);
        if (at < 0)
        {
            Ignore(_retired.AsSpan(0, Math.Min(_retiredCount, RetiredIds)).Contains(id) ? ReplyVerdict.Late : ReplyVerdict.WrongId);
            return;
        }
        (IPendingQuery query, int attempt) = _pending[at];
        ReplyVerdict verdict = query.OnReply(attempt, reply, isCut);
        if (verdict == ReplyVerdict.Malformed)
            _loop.Counters.CountIgnored(verdict);
        else if (verdict != ReplyVerdict.Accept)
            Ignore(verdict);
    }

    private void Ignore(ReplyVerdict verdict)
    {
        _loop.Counters.CountIgnored(verdict);
        if (verdict == ReplyVerdict.Late)
            return;
        // Backwards, since an attempt that goes to TCP leaves its place to the last.
        for (int i = _count - 1; i >= 0; i--)
            _pending[i].Query.OnFalseReply(_pending[i].Number);
    }

    private void FailAll()
    {
        for (int i = _count - 1; i >= 0; i--)
            if (i < _count)
                _pending[i].Query.OnUnreachable(_pending[i].Number);
    }
}
