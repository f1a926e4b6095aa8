using System.Net;
using System.Net.Sockets;

namespace MeshDns.Tests.Shared;

/// <summary>
/// Ports for servers that have to know theirs beforehand. They are below those that the system gives to clients and to port 0 (Linux: from 32,768), so that nobody takes one before its server does;
/// none comes twice in a process.
/// </summary>
public static class FreePort
{
    private const int First = 10_000;
    private const int Count = 22_000;

    // Several runs may go on at once.
    private static int _last = Random.Shared.Next(Count);

    /// <summary>One that is free for TCP and UDP on all addresses.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _last) % Count);
            if (IsFree(SocketType.Stream, ProtocolType.Tcp, port) && IsFree(SocketType.Dgram, ProtocolType.Udp, port)) return port;
        }
    }

    private static bool IsFree(SocketType type, ProtocolType protocol, int port)
    {
        // Without a family it is one for both where there are both.
        using var socket = new Socket(type, protocol);
        try
        {
            socket.Bind(new IPEndPoint(socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
