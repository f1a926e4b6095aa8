using System.Net;
using MeshDns.Host.Edge;

namespace MeshDns.Host.Tests.Edge;

/// <summary>Messages with their length before them (RFC 1035 section 4.2.2), of whatever stream.</summary>
public sealed class FrameReaderTests
{
    private static readonly int[] _sizes = [12, 0, 1, 600, 65535, 17, 4094, 4095, 4096, 30, 65535];
    private readonly TcpPlace _place = new TcpLimits(new EdgeOptions(), TimeProvider.System).TryEnter(IPAddress.Loopback)!;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(513)]
    [InlineData(5000)]
    [InlineData(int.MaxValue)]
    public async Task Messages_come_whole_however_the_stream_is_cut(int most)
    {
        byte[][] messages = [.. _sizes.Select((size, i) => Enumerable.Repeat((byte)(i + 1), size).ToArray())];
        var sent = messages.SelectMany(m => (byte[])[(byte)(m.Length >> 8), (byte)m.Length, .. m]);
        // The last one's end never comes.
        using var stream = new CutStream([.. sent, 0, 9, 1], most);
        var taken = new List<byte[]>();
        using (var frames = new FrameReader(stream, _place))
        {
            while (await frames.ReceiveAsync(default) is > 0 and var received)
            {
                frames.Advance(received);
                while (frames.TryRead(out var message)) taken.Add(message.ToArray());
                await frames.MakeRoomAsync(default);
            }
        }
        Assert.Equal(messages, taken);
        Assert.Equal(0, _place.Bytes.Held);
    }

    [Fact]
    public async Task A_buffer_of_unusual_size_counts_until_its_message_is_read()
    {
        using var stream = new CutStream([0xff, 0xff, .. new byte[65535], 0], 40_000);
        using var frames = new FrameReader(stream, _place);
        var held = new List<long>();
        while (await frames.ReceiveAsync(default) is > 0 and var received)
        {
            frames.Advance(received);
            while (frames.TryRead(out _)) { }
            await frames.MakeRoomAsync(default);
            held.Add(_place.Bytes.Held);
        }
        Assert.Equal(TcpBuffer.MaxSize, held[0]);
        Assert.Equal(0, held[^1]);
    }

    private sealed class CutStream(byte[] bytes, int most) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, most)], cancellationToken);
    }
}
