using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Edge;

/// <summary>Reads a sockaddr in place: family, port, then the address (and for IPv6 the flow label before it).</summary>
internal static class ClientAddress
{
    /// <summary>The address: 4 or 16 bytes, a slice of the argument.</summary>
    public static ReadOnlySpan<byte> Of(SocketAddress address) => Of(address.Buffer.Span, address.Family == AddressFamily.InterNetworkV6);

    /// <summary>The address in the bytes of a sockaddr.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> sockaddr, bool isV6) => isV6 ? sockaddr.Slice(8, 16) : sockaddr.Slice(4, 4);

    /// <summary>The port.</summary>
    public static ushort PortOf(SocketAddress address) => BinaryPrimitives.ReadUInt16BigEndian(address.Buffer.Span[2..]);
}
