using System.Collections.Immutable;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Events;

namespace MeshDns.Actors.Log;

/// <summary>
/// The table of every bucket. Immutable. A table that nobody needs rests packed (60 bytes a host): its snapshot, deflated, and what a replay has read of it since; it is made anew for whoever asks for it.
/// </summary>
internal sealed class BucketTables
{
    // Read, they are bytes; unread, objects, for as long as nobody asks for the table.
    private const int MostUnread = 1000;

    private readonly ImmutableArray<Held> _tables;

    private BucketTables(ImmutableArray<Held> tables) => _tables = tables;

    /// <summary>So many empty tables.</summary>
    public static BucketTables Empty(int count) => new([.. Enumerable.Repeat(Held.Of(ShardTable.Empty), count)]);

    /// <summary>Tables as an image has them, packed.</summary>
    public static BucketTables Of(IEnumerable<PackedBytes> snapshots) => new([.. snapshots.Select(Held.Resting)]);

    /// <summary>How many there are.</summary>
    public int Count => _tables.Length;

    /// <summary>The table of a bucket. One that rests is made anew each time.</summary>
    /// <exception cref="BrokenLogException">What is packed, or what a replay has read since, is damaged.</exception>
    public ShardTable this[int bucket] => _tables[bucket].Read();

    /// <summary>True when the table is packed.</summary>
    public bool Rests(int bucket) => _tables[bucket].Live is null;

    /// <summary>The memory that was let go when tables came to rest since an earlier state, in bytes by estimate.</summary>
    public long LeftBehind(BucketTables earlier) => ReferenceEquals(this, earlier) ? 0 : Enumerable.Range(0, Count).Sum(bucket => Rests(bucket) ? earlier._tables[bucket].Live?.Weight ?? 0 : 0);

    /// <summary>The same with another table.</summary>
    public BucketTables With(int bucket, ShardTable table) => new(_tables.SetItem(bucket, Held.Of(table)));

    /// <summary>The same after what a replay reads of a bucket: a table that rests is not made for it, since few of them are ever asked for.</summary>
    /// <exception cref="InvalidOperationException">It contradicts the table: the log is damaged.</exception>
    /// <exception cref="BrokenLogException">The table is damaged.</exception>
    public BucketTables WithUnread(int bucket, IReadOnlyList<MeshEvent> facts)
    {
        var held = _tables[bucket];
        if (held.Live is not null || held.Unread.Count + facts.Count > MostUnread) return With(bucket, facts.Aggregate(held.Read(), (table, fact) => table.Apply(fact)));
        return new(_tables.SetItem(bucket, held with { Unread = held.Unread.AddRange(facts) }));
    }

    /// <summary>The same with those tables packed that are the same objects as they were earlier: nobody has needed or changed them since.</summary>
    public BucketTables Rested(BucketTables earlier)
    {
        var tables = _tables.ToBuilder();
        for (var bucket = 0; bucket < tables.Count; bucket++)
            if (tables[bucket].Live is { } live && ReferenceEquals(live, earlier._tables[bucket].Live)) tables[bucket] = Held.Resting(PackedBytes.Of(ShardTableSnapshot.Write(live)));
        return new BucketTables(tables.ToImmutable());
    }

    /// <summary>A table's snapshot; equal tables give equal bytes.</summary>
    public PackedBytes Snapshot(int bucket) =>
        _tables[bucket] is { Packed: { } packed, Unread.IsEmpty: true } ? packed : PackedBytes.Of(ShardTableSnapshot.Write(this[bucket]));

    private sealed record Held(ShardTable? Live, PackedBytes? Packed, ImmutableList<MeshEvent> Unread)
    {
        public static Held Of(ShardTable live) => new(live, null, []);

        public static Held Resting(PackedBytes packed) => new(null, packed, []);

        public ShardTable Read()
        {
            if (Live is not null) return Live;
            try { return Unread.Aggregate(ShardTableSnapshot.Read(Packed!.Unpack()), (table, fact) => table.Apply(fact)); }
            catch (Exception e) when (e is FormatException or InvalidOperationException) { throw new BrokenLogException("a table of the log is damaged: " + e.Message); }
        }
    }
}
