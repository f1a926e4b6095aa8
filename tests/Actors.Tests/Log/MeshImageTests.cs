using MeshDns.Actors.Log;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Log;

public sealed class MeshImageTests
{
    private static readonly VipLedgerCore _vips = new(LogRows.Range);

    [Fact]
    public void An_image_and_the_rows_after_it_give_what_all_rows_give()
    {
        var log = Filled();
        var image = MeshImage.Of(log.State, LogRows.Buckets, _vips);
        log.Grant(4, "later.example");
        log.Write([LogRows.Put("d3", 20)], new RememberedKey("k3", "d", [9]));
        var folded = LogRows.Read(log.Rows).Aggregate(LogRows.Fold.Empty, LogRows.Fold.Apply);
        var shortened = LogRows.Read(log.Rows.Skip((int)image.Position.Number), image.Position).Aggregate(image.Read(LogRows.Buckets, _vips), LogRows.Fold.Apply);
        Assert.Equal(Digest(log.State), Digest(folded));
        Assert.Equal(Digest(log.State), Digest(shortened));
        Assert.NotEqual(image.Digest, Digest(folded));
    }

    [Fact]
    public void A_replay_gives_what_all_rows_give_and_makes_no_table_that_rests()
    {
        var log = Filled();
        var image = MeshImage.Of(log.State, LogRows.Buckets, _vips);
        log.Grant(4, "later.example");
        log.Write([LogRows.Put("d3", 20)]);
        log.Write([LogRows.Put("d3", 21)]);
        var rows = LogRows.Read(log.Rows.Skip((int)image.Position.Number), image.Position).ToArray();
        var replayed = rows.Aggregate(image.Read(LogRows.Buckets, _vips), LogRows.Fold.Replay);
        Assert.All(Enumerable.Range(0, LogRows.Buckets.Count), bucket => Assert.True(replayed.Tables.Rests(bucket)));
        Assert.Equal(Digest(log.State), Digest(replayed));
        // A change to a table that it has made is seen with what was read before it.
        log.Write([LogRows.Put("d3", 22)]);
        Assert.Equal(Digest(log.State), Digest(LogRows.Read(log.Rows.Skip((int)replayed.Position.Number), replayed.Position).Aggregate(replayed, LogRows.Fold.Apply)));
    }

    [Fact]
    public void A_replay_of_more_than_a_table_should_wait_with_makes_the_table()
    {
        var log = Filled();
        var image = MeshImage.Of(log.State, LogRows.Buckets, _vips);
        for (var version = 100; version < 1300; version += 100) log.Write([.. Enumerable.Range(version, 100).Select(v => LogRows.Put("d3", v))]);
        var replayed = LogRows.Read(log.Rows.Skip((int)image.Position.Number), image.Position).Aggregate(image.Read(LogRows.Buckets, _vips), LogRows.Fold.Replay);
        Assert.Equal(1, Enumerable.Range(0, LogRows.Buckets.Count).Count(bucket => !replayed.Tables.Rests(bucket)));
        Assert.Equal(Digest(log.State), Digest(replayed));
    }

    [Fact]
    public void What_contradicts_a_table_that_rests_is_damage_once_that_is_asked_for()
    {
        var log = Filled();
        var state = MeshImage.Of(log.State, LogRows.Buckets, _vips).Read(LogRows.Buckets, _vips);
        var put = LogRows.Put("d3", 1);
        var bucket = LogRows.Buckets.Of(put)!.Value;
        Assert.Throws<BrokenLogException>(() => state.Tables.WithUnread(bucket, [put, put])[bucket]);
    }

    [Fact]
    public void The_digest_is_of_every_part_and_of_the_place()
    {
        var image = MeshImage.Of(Filled().State, LogRows.Buckets, _vips);
        foreach (var name in image.Parts.Keys)
        {
            var other = new Dictionary<string, PackedBytes>(image.Parts) { [name] = PackedBytes.Of([.. image.Parts[name].Unpack(), 32]) };
            Assert.NotEqual(image.Digest, (image with { Parts = other }).Digest);
        }
        Assert.NotEqual(image.Digest, (image with { Position = image.Position with { Term = LogRows.TermA } }).Digest);
        Assert.NotEqual(image.Digest, (image with { Position = image.Position with { Number = 1 } }).Digest);
    }

    [Fact]
    public void A_part_that_is_missing_or_cut_is_damage()
    {
        var image = MeshImage.Of(Filled().State, LogRows.Buckets, _vips);
        foreach (var name in image.Parts.Keys)
        {
            var without = image.Parts.Where(p => p.Key != name).ToDictionary();
            Assert.Throws<FormatException>(() => (image with { Parts = without }).Read(LogRows.Buckets, _vips));
            byte[] unpacked = image.Parts[name].Unpack(), stored = image.Parts[name].Stored;
            foreach (var cut in (PackedBytes[])[PackedBytes.Of(unpacked.AsSpan(..(unpacked.Length / 2))), PackedBytes.OfStored(stored[..(stored.Length / 2)]), PackedBytes.OfStored([]), PackedBytes.OfStored([1, .. stored[1..]])])
                AssertDamaged(() =>
                {
                    // Tables rest until they are asked for.
                    var state = (image with { Parts = new Dictionary<string, PackedBytes>(image.Parts) { [name] = cut } }).Read(LogRows.Buckets, _vips);
                    for (var bucket = 0; bucket < state.Tables.Count; bucket++) _ = state.Tables[bucket];
                });
        }
    }

    [Fact]
    public void An_image_of_another_number_of_buckets_is_refused() =>
        Assert.Throws<FormatException>(() => MeshImage.Of(Filled().State, LogRows.Buckets, _vips).Read(new Buckets(16), _vips));

    private static void AssertDamaged(Action read) => Assert.True(Record.Exception(read) is FormatException or BrokenLogException);

    private static string Digest(MeshState state) => MeshImage.Of(state, LogRows.Buckets, _vips).Digest;

    private static LogRows Filled()
    {
        var log = new LogRows();
        log.Write([
            new ClusterFounded("c", LogRows.Range.V4.ToString(), LogRows.Range.V6.ToString(), LogRows.Buckets.Count) { At = 0 },
            new SettingsChanged(30_000, ["mesh.example"], "cluster.local") { At = 0 },
            new SourceStarted("kubernetes:c", 1) { At = 0 },
        ]);
        log.Write([.. LogRows.Puts(9)], new RememberedKey("k1", "d", [1]), new RememberedKey(" n1/1", "d", [2]));
        log.Grant(1, "a.example");
        log.Grant(2, "b.example");
        log.Write([new VipReleased(1, HostName.Parse("a.example"), 100_000, ReleaseReason.Withdrawn) { At = log.State.At + 1 }], new RememberedKey("k2", "d", [1, 2]));
        log.Begin(LogRows.TermB);
        return log;
    }
}
