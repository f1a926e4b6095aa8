using System.Buffers.Binary;

namespace MeshDns.Host.Edge;

/// <summary>A reply with its length before it, to leave by one write (RFC 7766 section 8). Its whole buffer counts as held.</summary>
internal readonly record struct ReplyFrame(byte[] Bytes, int Length)
{
    /// <summary>The bytes that it holds.</summary>
    public int Held => Bytes.Length;

    /// <summary>The reply.</summary>
    public ReadOnlySpan<byte> Message => Bytes.AsSpan(TcpBuffer.PrefixSize, Length - TcpBuffer.PrefixSize);

    /// <summary>Copies a reply.</summary>
    public static ReplyFrame Of(ReadOnlySpan<byte> message)
    {
        var bytes = TcpBuffer.Rent(TcpBuffer.PrefixSize + message.Length);
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)message.Length);
        message.CopyTo(bytes.AsSpan(TcpBuffer.PrefixSize));
        return new ReplyFrame(bytes, TcpBuffer.PrefixSize + message.Length);
    }

    /// <summary>Gives the buffer back.</summary>
    public void Free() => TcpBuffer.Return(Bytes);
}
