using System.Runtime.InteropServices;
using MeshDns.Host.Net;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// The wire of 64-bit Linux: epoll over connected sockets, recvmmsg and sendmmsg, native memory whose headers are built once. A bare relay of this shape
/// costs 6.7 us of CPU a query, one with a task a query 15 (docs/performance.md).
/// </summary>
internal sealed unsafe class EpollWire : UpstreamWire
{
    private const int ReceiveBatch = 32;
    private const int SendBatch = 64;
    private const int MaxEvents = 64;
    private const int WakeTag = -1;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly byte* _events;
    private readonly byte* _memory;
    private readonly UpstreamCalls.Datagram* _received;
    private readonly UpstreamCalls.Datagram* _queries;
    private readonly WireSocket?[] _ready = new WireSocket?[MaxEvents];
    private readonly WireSocket?[] _senders = new WireSocket?[SendBatch];
    private readonly List<WireSocket?> _ports = [];
    private readonly Stack<int> _freeTags = new();
    private int _unsent;

    public EpollWire()
    {
        _epoll = UpstreamCalls.EpollCreate(0);
        _wake = UpstreamCalls.EventDescriptor(0, 0);
        if (_epoll < 0 || _wake < 0)
            throw new InvalidOperationException("out of file descriptors: the upstream loop cannot wait");
        const int Stride = MaxReplySize + 64; // An odd number of cache lines, so that the buffers do not share sets of the cache.
        nuint size = (nuint)((ReceiveBatch * Stride) + (SendBatch * MaxQuerySize) + ((ReceiveBatch + SendBatch) * (sizeof(UpstreamCalls.Datagram) + sizeof(UpstreamCalls.Vector))) + (MaxEvents * 16));
        _memory = (byte*)NativeMemory.AllocZeroed(size);
        _received = (UpstreamCalls.Datagram*)_memory;
        _queries = _received + ReceiveBatch;
        var vectors = (UpstreamCalls.Vector*)(_queries + SendBatch);
        var bytes = (byte*)(vectors + ReceiveBatch + SendBatch);
        for (int i = 0; i < ReceiveBatch + SendBatch; i++)
        {
            bool isReply = i < ReceiveBatch;
            vectors[i] = new UpstreamCalls.Vector { Base = bytes, Length = isReply ? (nuint)MaxReplySize : 0 };
            _received[i] = new UpstreamCalls.Datagram { Vectors = vectors + i, VectorCount = 1 };
            bytes += isReply ? Stride : MaxQuerySize;
        }
        _events = bytes;
        Register(_wake, WakeTag);
    }

    /// <summary>True where the calls are there, with the layouts known here.</summary>
    public static bool IsOffered => OperatingSystem.IsLinux() && Environment.Is64BitProcess && BitConverter.IsLittleEndian;

    /// <inheritdoc/>
    public override Span<byte> NextQuery => new(_queries[_unsent].Vectors->Base, MaxQuerySize);

    /// <inheritdoc/>
    public override int Unsent => _unsent;

    /// <inheritdoc/>
    public override bool TryAdd(WireSocket port)
    {
        int tag = _freeTags.Count > 0 ? _freeTags.Pop() : _ports.Count;
        if (tag == _ports.Count)
            _ports.Add(null);
        port.Tag = tag;
        _ports[tag] = port;
        if (Register(port.Descriptor, tag))
            return true;
        Forget(port);
        return false;
    }

    /// <inheritdoc/>
    public override void Remove(WireSocket port)
    {
        byte none = 0;
        _ = UpstreamCalls.EpollControl(_epoll, UpstreamCalls.EpollDelete, port.Descriptor, &none);
        Forget(port);
        for (int i = 0; i < _unsent; i++)
            if (_senders[i] == port)
                _senders[i] = null;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<WireSocket?> Wait()
    {
        int count = UpstreamCalls.EpollWait(_epoll, _events, MaxEvents, -1);
        int ready = 0;
        for (int i = 0; i < count; i++)
        {
            int tag = *(int*)(_events + (i * UpstreamCalls.EventSize) + UpstreamCalls.EventDataOffset);
            if (tag == WakeTag)
                TakeWake();
            else
                _ready[ready++] = _ports[tag];
        }
        return _ready.AsSpan(0, ready);
    }

    /// <inheritdoc/>
    public override void Wake()
    {
        ulong one = 1;
        _ = UpstreamCalls.Write(_wake, &one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public override int Receive(WireSocket port)
    {
        for (int i = 0; i < ReceiveBatch; i++)
            _received[i].Flags = 0;
        int count;
        while ((count = UpstreamCalls.ReceiveMany(port.Descriptor, _received, ReceiveBatch, UpstreamCalls.DontWait, null)) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != UpstreamCalls.ErrorInterrupted)
                return error == UpstreamCalls.ErrorAgain ? 0 : -1;
        }
        return count;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Datagram(int index, out bool isCut)
    {
        isCut = (_received[index].Flags & UpstreamCalls.MessageTruncated) != 0;
        return new(_received[index].Vectors->Base, (int)Math.Min(_received[index].Length, MaxReplySize));
    }

    /// <inheritdoc/>
    public override void Enqueue(WireSocket port, int length)
    {
        _queries[_unsent].Vectors->Length = (nuint)length;
        _senders[_unsent++] = port;
        if (_unsent == SendBatch)
            Send();
    }

    /// <inheritdoc/>
    public override void Send()
    {
        for (int at = 0; at < _unsent;)
        {
            WireSocket? port = _senders[at];
            int end = at + 1;
            while (end < _unsent && _senders[end] == port)
                end++;
            if (port is not null)
                SendFrom(port, at, end);
            at = end;
        }
        Array.Clear(_senders, 0, _unsent);
        _unsent = 0;
    }

    public override void Dispose()
    {
        _ = UpstreamCalls.Close(_epoll);
        _ = UpstreamCalls.Close(_wake);
        NativeMemory.Free(_memory);
    }

    // What the system has no room for is lost like any datagram, and asked again. Any other error is an earlier datagram's, and means that nobody listens.
    private void SendFrom(WireSocket port, int at, int end)
    {
        while (at < end)
        {
            int sent = UpstreamCalls.SendMany(port.Descriptor, _queries + at, (uint)(end - at), UpstreamCalls.DontWait);
            if (sent > 0)
            {
                at += sent;
                continue;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == UpstreamCalls.ErrorInterrupted)
                continue;
            if (error is not (UpstreamCalls.ErrorAgain or UpstreamCalls.ErrorNoBuffers))
                Failed.Add(port);
            return;
        }
    }

    private bool Register(int descriptor, int tag)
    {
        byte* registration = stackalloc byte[16];
        *(int*)registration = UpstreamCalls.EpollIn;
        *(long*)(registration + UpstreamCalls.EventDataOffset) = tag;
        return UpstreamCalls.EpollControl(_epoll, UpstreamCalls.EpollAdd, descriptor, registration) == 0;
    }

    private void Forget(WireSocket port)
    {
        _ports[port.Tag] = null;
        _freeTags.Push(port.Tag);
    }

    private void TakeWake()
    {
        ulong count;
        _ = UpstreamCalls.Read(_wake, &count, sizeof(ulong));
    }
}
