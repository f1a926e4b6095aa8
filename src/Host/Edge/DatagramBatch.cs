using System.Net.Sockets;
using System.Runtime.InteropServices;
using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Edge;

/// <summary>
/// Native memory for a batch of datagrams and the two system calls of 64-bit Linux that move it, recvmmsg(2) and sendmmsg(2). All headers are built
/// once; nothing is pinned, copied or allocated for a datagram. Measured with a bare responder: 3.2 us a query, against 4.0 with a datagram a call
/// of the framework's. For one thread.
/// </summary>
internal sealed unsafe partial class DatagramBatch : IDisposable
{
    /// <summary>The longest query taken, bytes; what is longer is cut. We offer 1,232, so that nobody may send more (RFC 6891 section 6.2.3).</summary>
    public const int MaxPacketSize = 2048;

    // Wait for the first datagram, then take what is there.
    private const int WaitForOne = 0x10000;
    private const int ErrorInterrupted = 4;

    // Buffers whose distance is an odd number of cache lines begin in different sets of the cache.
    private const int CacheLine = 64;
    private const int PacketStride = MaxPacketSize + CacheLine;
    private const int ReplyStride = DnsLimits.MaxUdpSize + 48 + CacheLine;
    private const int AddressStride = 32;

    private readonly int _capacity;
    private readonly bool _isV6;
    private readonly bool _isWildcard;
    private readonly byte* _memory;
    private readonly byte* _packets;
    private readonly byte* _replies;
    private readonly byte* _addresses;
    private readonly byte* _controls;
    private readonly byte* _replyControls;
    private readonly BatchedHeader* _received;
    private readonly BatchedHeader* _toSend;
    private int _ready;

    /// <param name="capacity">Datagrams, 1 to 1,024.</param>
    /// <param name="isV6">True for an IPv6 socket.</param>
    /// <param name="isWildcard">True for a socket that tells the local address of every packet.</param>
    public DatagramBatch(int capacity, bool isV6, bool isWildcard)
    {
        _capacity = capacity;
        _isV6 = isV6;
        _isWildcard = isWildcard;
        var eachBytes = PacketStride + ReplyStride + AddressStride + (2 * PacketInfo.ControlSize) + (2 * (sizeof(BatchedHeader) + sizeof(IoVector)));
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(capacity * eachBytes), CacheLine);
        NativeMemory.Clear(_memory, (nuint)(capacity * eachBytes));
        var next = _memory;
        _packets = Take(ref next, capacity * PacketStride);
        _replies = Take(ref next, capacity * ReplyStride);
        _controls = Take(ref next, capacity * PacketInfo.ControlSize);
        _replyControls = Take(ref next, capacity * PacketInfo.ControlSize);
        _addresses = Take(ref next, capacity * AddressStride);
        _received = (BatchedHeader*)Take(ref next, capacity * sizeof(BatchedHeader));
        _toSend = (BatchedHeader*)Take(ref next, capacity * sizeof(BatchedHeader));
        var vectors = (IoVector*)next;
        for (var i = 0; i < capacity; i++)
        {
            vectors[i] = new IoVector { Base = _packets + (i * PacketStride), Length = MaxPacketSize };
            _received[i].Header = new MessageHeader { Name = Address(i), Vectors = vectors + i, VectorCount = 1, Control = isWildcard ? Control(i) : null };
            vectors[capacity + i] = new IoVector { Base = _replies + (i * ReplyStride) };
            _toSend[i].Header = new MessageHeader { Vectors = vectors + capacity + i, VectorCount = 1 };
        }
    }

    private uint AddressSize => _isV6 ? 28u : 16u;

    /// <summary>Where the next reply is to be written: <see cref="DnsLimits.MaxUdpSize"/> bytes.</summary>
    public Span<byte> NextReply => new(_replies + (_ready * ReplyStride), DnsLimits.MaxUdpSize);

    /// <summary>True where the system has both calls.</summary>
    public static bool IsOffered(SafeSocketHandle socket)
    {
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess) return false;
        try
        {
            return ReceiveMany(socket, null, 0, WaitForOne, null) >= 0 && SendMany(socket, null, 0, 0) >= 0;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Waits for a datagram and takes as many as are there; replies not sent yet are forgotten. Returns how many; less than 0 for an error.</summary>
    public int Receive(SafeSocketHandle socket)
    {
        _ready = 0;
        for (var i = 0; i < _capacity; i++)
        {
            _received[i].Header.NameLength = AddressSize;
            if (_isWildcard) _received[i].Header.ControlLength = PacketInfo.ControlSize;
        }
        int count;
        while ((count = ReceiveMany(socket, _received, (uint)_capacity, WaitForOne, null)) < 0)
            if (Marshal.GetLastPInvokeError() != ErrorInterrupted) return -1;
        return count;
    }

    /// <summary>A received datagram.</summary>
    public ReadOnlySpan<byte> Packet(int index) => new(_packets + (index * PacketStride), (int)_received[index].Length);

    /// <summary>Its sender's sockaddr.</summary>
    public ReadOnlySpan<byte> Client(int index) => new(Address(index), (int)AddressSize);

    /// <summary>Where it was sent to.</summary>
    public LocalAddress Local(int index) => _isWildcard ? PacketInfo.Read(Control(index), _received[index].Header.ControlLength) : default;

    /// <summary>Takes what was written to <see cref="NextReply"/> as the reply to a datagram.</summary>
    public void Add(int index, int length)
    {
        ref var header = ref _toSend[_ready].Header;
        header.Vectors->Length = (nuint)length;
        header.Name = Address(index);
        header.NameLength = AddressSize;
        if (_isWildcard)
        {
            var local = Local(index);
            header.Control = _replyControls + (_ready * PacketInfo.ControlSize);
            header.ControlLength = local == default ? 0 : PacketInfo.Write(header.Control, local, _isV6);
        }
        _ready++;
    }

    /// <summary>Sends the replies; returns how many the system would not.</summary>
    public int Send(SafeSocketHandle socket)
    {
        var refused = 0;
        for (var at = 0; at < _ready;)
        {
            var sent = SendMany(socket, _toSend + at, (uint)(_ready - at), 0);
            if (sent > 0)
            {
                at += sent;
                continue;
            }
            if (Marshal.GetLastPInvokeError() == ErrorInterrupted) continue;
            // The error is the first one's; the others may still leave.
            refused++;
            at++;
        }
        _ready = 0;
        return refused;
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    private byte* Address(int index) => _addresses + (index * AddressStride);

    private byte* Control(int index) => _controls + (index * PacketInfo.ControlSize);

    private static byte* Take(ref byte* next, int bytes)
    {
        var taken = next;
        next += bytes;
        return taken;
    }

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    private static partial int ReceiveMany(SafeSocketHandle socket, BatchedHeader* messages, uint count, int flags, void* timeout);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    private static partial int SendMany(SafeSocketHandle socket, BatchedHeader* messages, uint count, int flags);

    // struct mmsghdr.
    [StructLayout(LayoutKind.Sequential)]
    private struct BatchedHeader
    {
        public MessageHeader Header;
        public uint Length;
    }
}
