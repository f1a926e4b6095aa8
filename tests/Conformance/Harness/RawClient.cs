using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>Sends bytes that no well-behaved client would send.</summary>
internal static class RawClient
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(30);

    /// <summary>A plain query.</summary>
    public static byte[] Query(string name, DnsType type = DnsType.A, ushort id = 0x2a2a, bool edns = false)
    {
        var buffer = new byte[512];
        var writer = new MessageWriter(buffer);
        DnsHeader.SetId(buffer, id);
        DnsHeader.SetFlags(buffer, DnsFlags.RecursionDesired);
        writer.TryWriteQuestion(FakeRecord.Name(name), type);
        if (edns) writer.TryWriteOpt(new OptRecord());
        return buffer[..writer.Length];
    }

    /// <summary>
    /// Sends packets in turn and then a sentinel query from the same socket; gives every reply up to the sentinel's. One socket's packets go to
    /// one loop in order, so a packet that has had no reply by then was dropped: no test waits for a timeout.
    /// </summary>
    public static Task<List<byte[]>> SendUdpAsync(IPEndPoint server, params byte[][] packets) => SendUdpAsync(server, IPAddress.Any, packets);

    /// <summary>The same from one of our addresses.</summary>
    public static async Task<List<byte[]>> SendUdpAsync(IPEndPoint server, IPAddress from, byte[][] packets)
    {
        using var socket = new UdpClient(new IPEndPoint(from, 0));
        socket.Connect(server);
        foreach (var packet in packets) await socket.SendAsync(packet);
        const ushort SentinelId = 0x7e57;
        await socket.SendAsync(Query("localhost", id: SentinelId));
        using var deadline = new CancellationTokenSource(_deadline);
        var replies = new List<byte[]>();
        while (true)
        {
            var reply = (await socket.ReceiveAsync(deadline.Token)).Buffer;
            if (DnsHeader.GetId(reply) == SentinelId) return replies;
            replies.Add(reply);
        }
    }

    /// <summary>The one reply to a packet.</summary>
    public static async Task<byte[]> AskUdpAsync(IPEndPoint server, byte[] packet) => Assert.Single(await SendUdpAsync(server, packet));

    /// <summary>Writes all queries to one connection at once, then reads as many replies (RFC 7766 section 6.2.1.1).</summary>
    public static async Task<List<byte[]>> PipelineAsync(IPEndPoint server, params byte[][] queries)
    {
        using var client = new TcpClient();
        using var deadline = new CancellationTokenSource(_deadline);
        await client.ConnectAsync(server, deadline.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(queries.SelectMany(Framed).ToArray(), deadline.Token);
        var replies = new List<byte[]>();
        while (replies.Count < queries.Length) replies.Add(await ReadAsync(stream, deadline.Token));
        return replies;
    }

    /// <summary>A message behind its length.</summary>
    public static byte[] Framed(byte[] message) => [(byte)(message.Length >> 8), (byte)message.Length, .. message];

    /// <summary>The next message of a connection.</summary>
    public static async Task<byte[]> ReadAsync(Stream stream, CancellationToken cancel)
    {
        var prefix = new byte[2];
        await stream.ReadExactlyAsync(prefix, cancel);
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        await stream.ReadExactlyAsync(message, cancel);
        return message;
    }
}
