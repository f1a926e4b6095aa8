using System.Buffers;

namespace MeshDns.Host.Edge;

/// <summary>Pooled buffers for messages with their length before them. The pool would give one of 128 KiB for the largest message, which is one of its own instead.</summary>
internal static class TcpBuffer
{
    /// <summary>The bytes of a length (RFC 1035 section 4.2.2).</summary>
    public const int PrefixSize = 2;

    /// <summary>The most that any buffer holds.</summary>
    public const int MaxSize = PrefixSize + ushort.MaxValue;

    private const int MaxPooled = 64 << 10;

    public static byte[] Rent(int size) => size > MaxPooled ? new byte[size] : ArrayPool<byte>.Shared.Rent(size);

    public static void Return(byte[] buffer)
    {
        if (buffer.Length <= MaxPooled) ArrayPool<byte>.Shared.Return(buffer);
    }
}
