using System.IO.Compression;

namespace MeshDns.Actors.Log;

/// <summary>A table's snapshot, deflated: JSON of many similar records shrinks to a tenth.</summary>
internal sealed class PackedTable
{
    private readonly byte[] _packed;
    private readonly int _length;

    private PackedTable(byte[] packed, int length)
    {
        _packed = packed;
        _length = length;
    }

    public static PackedTable Of(byte[] snapshot)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest)) deflate.Write(snapshot);
        return new PackedTable(packed.ToArray(), snapshot.Length);
    }

    public byte[] Unpack()
    {
        var snapshot = new byte[_length];
        using var inflate = new DeflateStream(new MemoryStream(_packed), CompressionMode.Decompress);
        inflate.ReadExactly(snapshot);
        return snapshot;
    }
}
