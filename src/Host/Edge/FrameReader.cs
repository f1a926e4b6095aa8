using System.Buffers.Binary;

namespace MeshDns.Host.Edge;

/// <summary>
/// Takes a stream apart into messages, each with its length before it (RFC 1035 section 4.2.2). Most queries are small and most connections idle,
/// so the buffer grows only for who sends much at once, or for a message that announces that it needs it. One of unusual size is counted, and not
/// kept longer than its message. For one reader.
/// </summary>
/// <param name="stream">Where they come from.</param>
/// <param name="place">To whom a large buffer counts.</param>
internal sealed class FrameReader(Stream stream, TcpPlace place) : IDisposable
{
    private const int FirstBufferSize = 512;
    private const int BusyBufferSize = 4096;

    private byte[] _buffer = TcpBuffer.Rent(FirstBufferSize);
    private int _taken;
    private int _received;

    /// <summary>Waits for bytes, and says how many came; 0 at the stream's end. The wait is the stream's own: it must cost nothing here.</summary>
    public ValueTask<int> ReceiveAsync(CancellationToken cancel) => stream.ReadAsync(_buffer.AsMemory(_received), cancel);

    /// <summary>So many came.</summary>
    public void Advance(int bytes) => _received += bytes;

    /// <summary>The next whole message; good until <see cref="MakeRoomAsync"/>.</summary>
    public bool TryRead(out ReadOnlyMemory<byte> message)
    {
        var size = NextSize();
        message = size <= _received - _taken ? _buffer.AsMemory((_taken + TcpBuffer.PrefixSize)..(_taken + size)) : default;
        if (size > _received - _taken) return false;
        _taken += size;
        return true;
    }

    /// <summary>Makes room for more, when there is no whole message left. Where large buffers have no room it waits.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async ValueTask MakeRoomAsync(CancellationToken cancel)
    {
        var left = _received - _taken;
        var needed = Math.Max(Math.Max(left, NextSize()), _received == _buffer.Length ? BusyBufferSize : FirstBufferSize);
        var isKept = needed <= _buffer.Length && (_buffer.Length <= BusyBufferSize || needed > BusyBufferSize);
        var next = isKept ? _buffer : TcpBuffer.Rent(needed);
        if (!isKept) await place.TakeForAsync(next, HeldBy(next), cancel);
        _buffer.AsSpan(_taken, left).CopyTo(next);
        if (!isKept) Dispose();
        (_buffer, _taken, _received) = (next, 0, left);
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        TcpBuffer.Return(_buffer);
        place.Bytes.Give(HeldBy(_buffer));
    }

    // The next message with its length, as far as that is known.
    private int NextSize() => _received - _taken < TcpBuffer.PrefixSize
        ? TcpBuffer.PrefixSize
        : TcpBuffer.PrefixSize + BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(_taken));

    // What every connection may have is bounded by their number.
    private static int HeldBy(byte[] buffer) => buffer.Length > BusyBufferSize ? buffer.Length : 0;
}
