using System.Net;
using System.Net.Sockets;
using MeshDns.Host.Net;

namespace MeshDns.Host.Edge;

/// <summary>
/// A UDP socket of the edge. On a wildcard address it answers from the address that was asked, which the system would otherwise choose by its routes,
/// and clients take nothing from another (RFC 2181 section 4.1). Only Linux offers what that takes; elsewhere, and on
/// specific addresses, which need none of it, the framework's calls serve.
/// </summary>
internal sealed class UdpSocket(Socket socket) : IDisposable
{
    /// <summary>True when the local address of every packet comes beside it.</summary>
    public bool IsWildcard { get; } = OperatingSystem.IsLinux() && PacketInfo.TryEnable(socket);

    public AddressFamily AddressFamily => socket.AddressFamily;

    /// <summary>For calls that the framework lacks; the socket is blocking.</summary>
    public SafeSocketHandle Handle => socket.SafeHandle;

    /// <summary>Waits for a packet; its sender is written over <paramref name="client"/>.</summary>
    /// <exception cref="SocketException">It could not be received.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public int Receive(Span<byte> packet, SocketAddress client, out LocalAddress local)
    {
        client.Size = client.Buffer.Length;
        if (IsWildcard) return PacketInfo.Receive(socket, packet, client, out local);
        local = default;
        return socket.ReceiveFrom(packet, SocketFlags.None, client);
    }

    /// <summary>Sends a reply from the address that its query was sent to. False when the system would not. Any thread.</summary>
    public bool TrySend(ReadOnlySpan<byte> reply, SocketAddress client, in LocalAddress local)
    {
        try
        {
            // Nobody listens on port 0; the system would refuse with an exception, which is dear.
            if (ClientAddress.PortOf(client) == 0) return false;
            if (IsWildcard) return PacketInfo.TrySend(socket, reply, client, local);
            socket.SendTo(reply, SocketFlags.None, client);
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Wakes who waits in <see cref="Receive"/>; sending goes on.</summary>
    public void StopReceiving()
    {
        // The system wakes the blocked receive and then says that the socket is not connected.
        try { socket.Shutdown(SocketShutdown.Receive); }
        catch (SocketException) { }
    }

    public void Dispose() => socket.Dispose();
}
