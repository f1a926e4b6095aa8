using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MeshDns.Host.Net;

/// <summary>
/// Reads a sockaddr in place: family, port, then the address (and for IPv6 the flow label before it). The address of an IPv4 client is 4 bytes whatever the
/// socket: one for both families has it mapped (RFC 4291 section 2.5.5.2), and would be another client to networks, limits and cookies.
/// </summary>
internal static class ClientAddress
{
    /// <summary>The address: 4 or 16 bytes, a slice of the argument.</summary>
    public static ReadOnlySpan<byte> Of(SocketAddress address) => Of(address.Buffer.Span, address.Family == AddressFamily.InterNetworkV6);

    /// <summary>The address in the bytes of a sockaddr.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> sockaddr, bool isV6) => !isV6 ? sockaddr.Slice(4, 4) : IsMapped(sockaddr.Slice(8, 16)) ? sockaddr.Slice(20, 4) : sockaddr.Slice(8, 16);

    /// <summary>The address itself.</summary>
    public static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>True for an IPv4 address in IPv6 form.</summary>
    public static bool IsMapped(ReadOnlySpan<byte> address) => BinaryPrimitives.ReadUInt64LittleEndian(address) == 0 && BinaryPrimitives.ReadUInt32BigEndian(address[8..]) == 0xffff;

    /// <summary>The port.</summary>
    public static ushort PortOf(SocketAddress address) => BinaryPrimitives.ReadUInt16BigEndian(address.Buffer.Span[2..]);
}
