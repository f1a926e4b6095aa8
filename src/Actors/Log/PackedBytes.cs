using System.Buffers.Binary;
using System.IO.Compression;

namespace MeshDns.Actors.Log;

/// <summary>Bytes, deflated: JSON of many similar records shrinks to a tenth.</summary>
internal sealed class PackedBytes
{
    private const int MostBytes = 1 << 30;

    private PackedBytes(byte[] stored) => Stored = stored;

    /// <summary>As they are stored: their length in 4 bytes, most significant first, then what was deflated.</summary>
    public byte[] Stored { get; }

    /// <summary>Packs.</summary>
    public static PackedBytes Of(ReadOnlySpan<byte> bytes)
    {
        using var packed = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        packed.Write(length);
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true)) deflate.Write(bytes);
        return new PackedBytes(packed.ToArray());
    }

    /// <summary>Takes what was stored; whether it is whole is seen when it is unpacked.</summary>
    public static PackedBytes OfStored(byte[] stored) => new(stored);

    /// <summary>The bytes.</summary>
    /// <exception cref="FormatException">What was stored is damaged.</exception>
    public byte[] Unpack()
    {
        if (Stored.Length < sizeof(int) || BinaryPrimitives.ReadInt32BigEndian(Stored) is not (>= 0 and <= MostBytes and var length)) throw new FormatException("what is packed has no length");
        try
        {
            using var inflate = new DeflateStream(new MemoryStream(Stored, sizeof(int), Stored.Length - sizeof(int)), CompressionMode.Decompress);
            using var bytes = new MemoryStream();
            // A length that lies must not ask for memory, nor what is packed for more than its length.
            var buffer = new byte[Math.Min(length + 1, 1 << 16)];
            for (int read; bytes.Length <= length && (read = inflate.Read(buffer)) > 0;) bytes.Write(buffer, 0, read);
            return bytes.Length == length ? bytes.ToArray() : throw new FormatException($"what is packed has not the {length} bytes that it says");
        }
        catch (InvalidDataException e) { throw new FormatException("what is packed is damaged: " + e.Message, e); }
    }
}
