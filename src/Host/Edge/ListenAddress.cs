using System.Net;
using System.Net.Sockets;
using MeshDns.Host.Net;

namespace MeshDns.Host.Edge;

/// <summary>
/// One address to listen on. <c>[::]</c> is for IPv4 too, as it is for most servers, unless an IPv4 address with the same port is to be listened on
/// besides: then each has its own.
/// </summary>
/// <param name="Endpoint">Address and port.</param>
/// <param name="IsDual">True when IPv4 clients are to be answered by it as well.</param>
internal readonly record struct ListenAddress(IPEndPoint Endpoint, bool IsDual)
{
    /// <summary>The same for every address of a list.</summary>
    public static IEnumerable<ListenAddress> Of(IReadOnlyList<IPEndPoint> listen) => listen.Select(each => new IPEndPoint(ClientAddress.Unmapped(each.Address), each.Port)).Select(each =>
        new ListenAddress(each, each.Address.Equals(IPAddress.IPv6Any) && !listen.Any(other => other.Port == each.Port && other.Port != 0 && other.AddressFamily == AddressFamily.InterNetwork)));

    /// <summary>A socket to be bound to it.</summary>
    /// <exception cref="SocketException">The system does not have the family.</exception>
    public Socket NewSocket(SocketType type, ProtocolType protocol)
    {
        var socket = new Socket(Endpoint.AddressFamily, type, protocol);
        try
        {
            if (IsDual) socket.DualMode = true;
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
