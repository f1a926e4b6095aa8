using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Net;

namespace MeshDns.Host.Edge;

/// <summary>
/// Gathers the replies of one turn of the upstream loop, so that those through the same socket leave by one system call, sendmmsg(2). A datagram a call
/// costs 0.5 us of CPU more a query. For one thread.
/// </summary>
internal sealed unsafe class ReplyBatch
{
    private const int Capacity = 32;
    private const int AddressStride = 32;

    private static readonly bool _isOffered = OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    // Pinned for good, and left to the collector: whoever owns this has no end that could free it.
    private readonly byte[] _memory = GC.AllocateArray<byte>(Capacity * (DnsLimits.MaxUdpSize + AddressStride + PacketInfo.ControlSize), pinned: true);
    private readonly BatchedHeader[] _headers = GC.AllocateArray<BatchedHeader>(Capacity, pinned: true);
    private readonly IoVector[] _vectors = GC.AllocateArray<IoVector>(Capacity, pinned: true);
    private readonly byte* _replies;
    private readonly byte* _addresses;
    private readonly byte* _controls;
    private readonly BatchedHeader* _first;
    private UdpSocket? _socket;
    private int _count;

    public ReplyBatch()
    {
        _replies = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
        _addresses = _replies + (Capacity * DnsLimits.MaxUdpSize);
        _controls = _addresses + (Capacity * AddressStride);
        _first = (BatchedHeader*)Marshal.UnsafeAddrOfPinnedArrayElement(_headers, 0);
        for (var i = 0; i < Capacity; i++)
        {
            _vectors[i].Base = _replies + (i * DnsLimits.MaxUdpSize);
            _headers[i].Message = new MessageHeader { Name = _addresses + (i * AddressStride), Vectors = (IoVector*)Marshal.UnsafeAddrOfPinnedArrayElement(_vectors, i), VectorCount = 1 };
        }
    }

    /// <summary>Takes a reply; may send those before it. False when it is to be sent by other means: a large one, or where the system has no such call.</summary>
    /// <param name="reply">Copied.</param>
    /// <param name="client">Copied.</param>
    /// <param name="local">Its source address.</param>
    /// <param name="socket">Through which it leaves.</param>
    /// <param name="errors">Replies that the system would not send.</param>
    public bool TryAdd(ReadOnlySpan<byte> reply, SocketAddress client, in LocalAddress local, UdpSocket socket, out int errors)
    {
        errors = 0;
        if (!_isOffered || reply.Length > DnsLimits.MaxUdpSize || client.Size > AddressStride) return false;
        if (_socket != socket || _count == Capacity) errors = Send();
        _socket = socket;
        reply.CopyTo(new Span<byte>(_replies + (_count * DnsLimits.MaxUdpSize), DnsLimits.MaxUdpSize));
        client.Buffer.Span[..client.Size].CopyTo(new Span<byte>(_addresses + (_count * AddressStride), AddressStride));
        ref var message = ref _first[_count].Message;
        message.Vectors->Length = (nuint)reply.Length;
        message.NameLength = (uint)client.Size;
        message.Control = null;
        message.ControlLength = 0;
        if (socket.IsWildcard && local != default)
        {
            message.Control = _controls + (_count * PacketInfo.ControlSize);
            message.ControlLength = PacketInfo.Write(message.Control, local, client.Family == AddressFamily.InterNetworkV6);
        }
        _count++;
        return true;
    }

    /// <summary>Sends what was taken; returns how many the system would not.</summary>
    public int Send()
    {
        if (_count == 0) return 0;
        int refused;
        try
        {
            refused = MessageBatch.Send(_socket!.Handle, _first, _count);
        }
        catch (ObjectDisposedException)
        {
            refused = _count;
        }
        _count = 0;
        _socket = null;
        return refused;
    }
}
