using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream;

/// <summary>How an exchange over one transport ended.</summary>
internal enum ExchangeEnd
{
    /// <summary>A reply that passed the guard.</summary>
    Reply,

    /// <summary>The wait was given up.</summary>
    TimedOut,

    /// <summary>Nobody listens there, or the way is closed.</summary>
    Unreachable,

    /// <summary>So many false replies came that one may have been let through: ask over TCP.</summary>
    Suspicious,

    /// <summary>Too many exchanges are under way.</summary>
    Overloaded,
}

/// <summary>The end of an exchange, and the reply when there is one.</summary>
internal readonly record struct Exchange(ExchangeEnd End, byte[] Reply)
{
    /// <summary>An end without a reply.</summary>
    public static Exchange Without(ExchangeEnd end) => new(end, []);
}

/// <summary>
/// One connected UDP socket to one server, with the queries under way on it by id. Replies are taken from a callback, errors as values: a server that
/// is down is an ordinary case. The kernel chooses the local port at random.
/// </summary>
internal sealed class UdpPort : IDisposable
{
    /// <summary>Queries under way on one socket.</summary>
    public const int MaxPending = 64;

    /// <summary>False replies to a socket, while a query waits on it, after which the query goes to TCP (RFC 5452 section 4.3 counts the odds).</summary>
    public const int SuspicionThreshold = 4;

    // Above what we say in EDNS, for servers that send more all the same.
    private const int ReceiveSize = 4096;
    private const int RetiredIds = 64;
    private const int MaxErrorsInRow = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<ushort, PendingReply> _pending = [];
    private readonly Queue<ushort> _retired = new(RetiredIds);
    private readonly UpstreamCounters _counters;
    private readonly Socket _socket;
    private readonly SocketAsyncEventArgs _receive = new();
    private int _errorsInRow;
    private bool _isClosing;
    private bool _isClosed;

    private UdpPort(Socket socket, UpstreamCounters counters)
    {
        _socket = socket;
        _counters = counters;
        _receive.SetBuffer(new byte[ReceiveSize]);
        _receive.Completed += OnReceived;
    }

    /// <summary>Queries sent through it.</summary>
    public int Uses { get; private set; }

    /// <summary>Opens a socket and begins to listen; null when the system refuses.</summary>
    public static UdpPort? TryOpen(IPEndPoint server, UpstreamCounters counters)
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
        var port = new UdpPort(socket, counters);
        port.Listen();
        return port;
    }

    /// <summary>Sends a query under a random id and waits for the reply that echoes it, until <paramref name="cancel"/>. Never throws.</summary>
    public async Task<Exchange> AskAsync(byte[] query, CancellationToken cancel)
    {
        if (!TryRegister(query, out PendingReply? pending, out ExchangeEnd refusal))
            return Exchange.Without(refusal);
        await using CancellationTokenRegistration registration =
            cancel.UnsafeRegister(static state => ((PendingReply)state!).Complete(Exchange.Without(ExchangeEnd.TimedOut)), pending);
        try
        {
            _socket.Send(pending.Query, SocketFlags.None, out SocketError error);
            // A pending ICMP error of an earlier datagram is reported by this send; either way nobody listens there.
            if (error != SocketError.Success)
                pending.Complete(Exchange.Without(ExchangeEnd.Unreachable));
        }
        catch (ObjectDisposedException)
        {
            pending.Complete(Exchange.Without(ExchangeEnd.Unreachable));
        }
        Exchange exchange = await pending.Task;
        Retire(pending);
        return exchange;
    }

    /// <summary>Takes no more queries, and closes once the last of those under way ended.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosing = true;
            if (_pending.Count > 0)
                return;
        }
        Dispose();
    }

    /// <summary>Closes at once; queries under way end as unreachable.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            _isClosing = true;
        }
        FailAll();
        _socket.Dispose();
        _receive.Dispose();
    }

    private bool TryRegister(byte[] template, out PendingReply pending, out ExchangeEnd refusal)
    {
        pending = new PendingReply((byte[])template.Clone());
        refusal = ExchangeEnd.Overloaded;
        Span<byte> random = stackalloc byte[sizeof(ushort)];
        lock (_gate)
        {
            if (_isClosing || _pending.Count >= MaxPending)
                return false;
            do
            {
                RandomNumberGenerator.Fill(random);
                pending.Id = BitConverter.ToUInt16(random);
            }
            while (!_pending.TryAdd(pending.Id, pending)); // At most 64 of 65,536 are taken.
            Uses++;
        }
        DnsHeader.SetId(pending.Query, pending.Id);
        return true;
    }

    private void Retire(PendingReply pending)
    {
        bool isLast;
        lock (_gate)
        {
            _pending.Remove(pending.Id);
            if (_retired.Count >= RetiredIds)
                _retired.Dequeue();
            _retired.Enqueue(pending.Id);
            isLast = _isClosing && _pending.Count == 0;
        }
        if (isLast)
            Dispose();
    }

    private void Listen()
    {
        try
        {
            // False means that a datagram was there already; handle it here, and go on.
            while (!_socket.ReceiveAsync(_receive))
            {
                if (!Take(_receive))
                    return;
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed by its owner; what was under way has been ended.
        }
    }

    private void OnReceived(object? sender, SocketAsyncEventArgs args)
    {
        if (Take(args))
            Listen();
    }

    private bool Take(SocketAsyncEventArgs args)
    {
        if (_isClosed)
            return false;
        if (args.SocketError == SocketError.OperationAborted)
            return false;
        if (args.SocketError == SocketError.Success)
        {
            _errorsInRow = 0;
            Match(args.MemoryBuffer.Span[..args.BytesTransferred]);
            return true;
        }
        FailAll();
        // An ICMP error is reported once; a socket that reports nothing but errors would keep us busy for ever.
        if (++_errorsInRow < MaxErrorsInRow)
            return true;
        Dispose();
        return false;
    }

    private void Match(ReadOnlySpan<byte> reply)
    {
        PendingReply? pending = null;
        ReplyVerdict verdict;
        lock (_gate)
        {
            if (reply.Length >= DnsLimits.HeaderSize)
                _pending.TryGetValue(DnsHeader.GetId(reply), out pending);
            verdict = pending is not null ? ReplyGuard.Check(reply, pending.Query)
                : reply.Length >= DnsLimits.HeaderSize && _retired.Contains(DnsHeader.GetId(reply)) ? ReplyVerdict.Late
                : ReplyVerdict.WrongId;
            if (verdict is not (ReplyVerdict.Accept or ReplyVerdict.Late))
                Suspect();
        }
        if (verdict == ReplyVerdict.Accept)
            pending!.Complete(new Exchange(ExchangeEnd.Reply, reply.ToArray()));
        else
            _counters.CountIgnored(verdict);
    }

    // The lock is held. Completion runs its continuation elsewhere.
    private void Suspect()
    {
        foreach (PendingReply each in _pending.Values)
        {
            if (++each.FalseReplies >= SuspicionThreshold)
                each.Complete(Exchange.Without(ExchangeEnd.Suspicious));
        }
    }

    private void FailAll()
    {
        PendingReply[] all;
        lock (_gate)
            all = [.. _pending.Values];
        foreach (PendingReply each in all)
            each.Complete(Exchange.Without(ExchangeEnd.Unreachable));
    }

    private sealed class PendingReply(byte[] query)
    {
        private readonly TaskCompletionSource<Exchange> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public byte[] Query { get; } = query;

        public ushort Id { get; set; }

        public int FalseReplies { get; set; }

        public Task<Exchange> Task => _end.Task;

        public void Complete(Exchange end) => _end.TrySetResult(end);
    }
}
