using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MeshDns.Host.Net;

/// <summary>
/// recvmsg and sendmsg of 64-bit Linux with the local address beside the packet: IP_PKTINFO (ip(7)) and IPV6_PKTINFO (RFC 3542 section 6). By hand,
/// because the framework's ReceiveMessageFrom allocates for every packet and it has no call at all that sends from a chosen address.
/// </summary>
internal static unsafe partial class PacketInfo
{
    private const int IpProtoIp = 0;
    private const int IpPktInfo = 8;
    private const int IpProtoIPv6 = 41;
    private const int IPv6RecvPktInfo = 49;
    private const int IPv6PktInfo = 50;
    private const int ErrorInterrupted = 4;

    /// <summary>Room for the one control message that comes or goes with a packet, bytes.</summary>
    public const int ControlSize = 64;

    /// <summary>Asks for the local address of every packet, if the socket is bound to a wildcard; false if not.</summary>
    /// <exception cref="SocketException">The system does not offer it.</exception>
    public static bool TryEnable(Socket socket)
    {
        if (!Environment.Is64BitProcess || socket.LocalEndPoint is not IPEndPoint { Address: var address }) return false;
        var isV6 = address.Equals(IPAddress.IPv6Any);
        if (!isV6 && !address.Equals(IPAddress.Any)) return false;
        socket.SetRawSocketOption(isV6 ? IpProtoIPv6 : IpProtoIp, isV6 ? IPv6RecvPktInfo : IpPktInfo, BitConverter.GetBytes(1));
        return true;
    }

    /// <summary>Waits for a packet.</summary>
    /// <exception cref="SocketException">recvmsg failed.</exception>
    public static int Receive(Socket socket, Span<byte> packet, SocketAddress client, out LocalAddress local)
    {
        var control = stackalloc byte[ControlSize];
        fixed (byte* bytes = packet, name = client.Buffer.Span)
        {
            while (true)
            {
                var vector = new IoVector { Base = bytes, Length = (nuint)packet.Length };
                var message = new MessageHeader { Name = name, NameLength = (uint)client.Buffer.Length, Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlSize };
                var length = ReceiveMessage(socket.SafeHandle, &message, 0);
                if (length >= 0)
                {
                    client.Size = (int)message.NameLength;
                    local = Read(control, message.ControlLength);
                    return (int)length;
                }
                if (Marshal.GetLastPInvokeError() != ErrorInterrupted) throw new SocketException((int)SocketError.SocketError);
            }
        }
    }

    /// <summary>Sends; false when sendmsg failed, as when the address is not the host's any more.</summary>
    public static bool TrySend(Socket socket, ReadOnlySpan<byte> packet, SocketAddress client, in LocalAddress local)
    {
        var control = stackalloc byte[ControlSize];
        new Span<byte>(control, ControlSize).Clear();
        fixed (byte* bytes = packet, name = client.Buffer.Span)
        {
            var vector = new IoVector { Base = bytes, Length = (nuint)packet.Length };
            var message = new MessageHeader { Name = name, NameLength = (uint)client.Size, Vectors = &vector, VectorCount = 1, Control = control };
            if (local != default) message.ControlLength = Write(control, local, client.Family == AddressFamily.InterNetworkV6);
            while (SendMessage(socket.SafeHandle, &message, 0) < 0)
                if (Marshal.GetLastPInvokeError() != ErrorInterrupted) return false;
            return true;
        }
    }

    /// <summary>The local address that came beside a packet; the default when none did.</summary>
    public static LocalAddress Read(byte* control, nuint length)
    {
        // The two options asked for are the only ones that come, and only one of them: the first header is the one.
        var header = (ControlHeader*)control;
        var data = new ReadOnlySpan<byte>(header + 1, ControlSize - sizeof(ControlHeader));
        if (length >= (nuint)sizeof(ControlHeader) + 12 && header->Level == IpProtoIp && header->Type == IpPktInfo)
        {
            // Interface, the address to answer from, the packet's destination: they differ for a broadcast only.
            return new LocalAddress((UInt128)BinaryPrimitives.ReadUInt32BigEndian(data[4..]) << 96, 0);
        }
        if (length >= (nuint)sizeof(ControlHeader) + 20 && header->Level == IpProtoIPv6 && header->Type == IPv6PktInfo)
        {
            // Only a link-local address needs its interface; for others the routes decide, as an answer need not leave where the query came in.
            var isLinkLocal = data[0] == 0xfe && (data[1] & 0xc0) == 0x80;
            // On a socket for both families an IPv4 packet's destination comes mapped, and goes back likewise; a broadcast's is nobody's source.
            var isMulticast = data[0] == 0xff || (ClientAddress.IsMapped(data[..16]) && data[12] >= 224 && (data[12] < 240 || data[12..16].IndexOfAnyExcept((byte)255) < 0));
            return isMulticast ? default : new LocalAddress(BinaryPrimitives.ReadUInt128BigEndian(data), isLinkLocal ? BitConverter.ToInt32(data[16..]) : 0);
        }
        return default;
    }

    /// <summary>Writes the control message that makes a packet leave from a local address; returns its length. The buffer's bytes must be zero at first.</summary>
    public static nuint Write(byte* control, in LocalAddress local, bool isV6)
    {
        var header = (ControlHeader*)control;
        var data = new Span<byte>(header + 1, ControlSize - sizeof(ControlHeader));
        if (isV6)
        {
            *header = new ControlHeader { Length = (nuint)sizeof(ControlHeader) + 20, Level = IpProtoIPv6, Type = IPv6PktInfo };
            BinaryPrimitives.WriteUInt128BigEndian(data, local.Address);
            BitConverter.TryWriteBytes(data[16..], local.Interface);
            return (nuint)sizeof(ControlHeader) + 24;
        }
        *header = new ControlHeader { Length = (nuint)sizeof(ControlHeader) + 12, Level = IpProtoIp, Type = IpPktInfo };
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], (uint)(local.Address >> 96));
        return (nuint)sizeof(ControlHeader) + 16;
    }

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(SafeSocketHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(SafeSocketHandle socket, MessageHeader* message, int flags);

    // struct cmsghdr.
    [StructLayout(LayoutKind.Sequential)]
    private struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }
}
