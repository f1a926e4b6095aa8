using System.IO.Compression;

namespace MeshDns.Actors.Runtime;

/// <summary>A snapshot, deflated: JSON of many similar records shrinks to a tenth.</summary>
internal sealed class PackedSnapshot
{
    private readonly byte[] _packed;
    private readonly int _length;

    private PackedSnapshot(byte[] packed, int length)
    {
        _packed = packed;
        _length = length;
    }

    public static PackedSnapshot Of(byte[] snapshot)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest)) deflate.Write(snapshot);
        return new PackedSnapshot(packed.ToArray(), snapshot.Length);
    }

    public byte[] Unpack()
    {
        var snapshot = new byte[_length];
        using var inflate = new DeflateStream(new MemoryStream(_packed), CompressionMode.Decompress);
        inflate.ReadExactly(snapshot);
        return snapshot;
    }
}
