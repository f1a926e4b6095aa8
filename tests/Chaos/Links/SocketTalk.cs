using System.Net.Sockets;

namespace MeshDns.Chaos.Links;

/// <summary>What the tests of links say over sockets: a byte at a time, with a deadline.</summary>
internal static class SocketTalk
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    public static async Task ExchangeAsync(Socket from, Socket to, byte value)
    {
        await from.SendAsync(new[] { value });
        Assert.Equal(value, await ReceiveByteAsync(to));
    }

    public static async Task<byte> ReceiveByteAsync(Socket socket)
    {
        var buffer = new byte[1];
        Assert.Equal(1, await socket.ReceiveAsync(buffer).WaitAsync(_deadline));
        return buffer[0];
    }

    public static Task<int> ReceiveAsync(Socket socket) => socket.ReceiveAsync(new byte[1]).WaitAsync(_deadline);
}
