using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Edge;

/// <summary>Reads a sockaddr in place: family, port, then the address (and for IPv6 the flow label before it).</summary>
internal static class ClientAddress
{
    /// <summary>The address: 4 or 16 bytes, a slice of the argument.</summary>
    public static ReadOnlySpan<byte> Of(SocketAddress address) =>
        address.Family == AddressFamily.InterNetwork ? address.Buffer.Span.Slice(4, 4) : address.Buffer.Span.Slice(8, 16);

    /// <summary>The port.</summary>
    public static ushort PortOf(SocketAddress address) => BinaryPrimitives.ReadUInt16BigEndian(address.Buffer.Span[2..]);

    /// <summary>A copy that the next receive does not change.</summary>
    public static SocketAddress Copy(SocketAddress address)
    {
        var copy = new SocketAddress(address.Family, address.Size);
        address.Buffer.Span[..address.Size].CopyTo(copy.Buffer.Span);
        return copy;
    }
}
