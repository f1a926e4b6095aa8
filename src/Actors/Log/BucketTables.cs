using System.Collections.Immutable;
using System.IO.Compression;
using MeshDns.Actors.Shards;

namespace MeshDns.Actors.Log;

/// <summary>
/// The table of every bucket. Immutable. A table that nobody needs rests packed (60 bytes a host): its snapshot, deflated; it is made anew for whoever asks for it.
/// </summary>
internal sealed class BucketTables
{
    private readonly ImmutableArray<Held> _tables;

    private BucketTables(ImmutableArray<Held> tables) => _tables = tables;

    /// <summary>So many empty tables.</summary>
    public static BucketTables Empty(int count) => new([.. Enumerable.Repeat(new Held(ShardTable.Empty, null), count)]);

    /// <summary>Tables as an image has them, packed.</summary>
    public static BucketTables Of(IEnumerable<byte[]> snapshots) => new([.. snapshots.Select(s => new Held(null, PackedTable.Of(s)))]);

    /// <summary>How many there are.</summary>
    public int Count => _tables.Length;

    /// <summary>The table of a bucket. One that rests is made anew each time.</summary>
    /// <exception cref="FormatException">What is packed is damaged.</exception>
    public ShardTable this[int bucket] => _tables[bucket] is var held && held.Live is { } live ? live : ShardTableSnapshot.Read(held.Packed!.Unpack());

    /// <summary>True when the table is packed.</summary>
    public bool Rests(int bucket) => _tables[bucket].Live is null;

    /// <summary>The same with another table.</summary>
    public BucketTables With(int bucket, ShardTable table) => new(_tables.SetItem(bucket, new Held(table, null)));

    /// <summary>The same with those tables packed that are the same objects as they were earlier: nobody has needed or changed them since.</summary>
    public BucketTables Rested(BucketTables earlier)
    {
        var tables = _tables.ToBuilder();
        for (var bucket = 0; bucket < tables.Count; bucket++)
            if (tables[bucket].Live is { } live && ReferenceEquals(live, earlier._tables[bucket].Live)) tables[bucket] = new Held(null, PackedTable.Of(ShardTableSnapshot.Write(live)));
        return new BucketTables(tables.ToImmutable());
    }

    /// <summary>A table's snapshot; equal tables give equal bytes.</summary>
    public byte[] Snapshot(int bucket) => _tables[bucket] is var held && held.Live is { } live ? ShardTableSnapshot.Write(live) : held.Packed!.Unpack();

    private readonly record struct Held(ShardTable? Live, PackedTable? Packed);
}

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
