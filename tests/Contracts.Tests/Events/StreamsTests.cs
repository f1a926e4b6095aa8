using FsCheck;
using FsCheck.Fluent;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Services;
using HostName = MeshDns.Contracts.Names.HostName;

namespace MeshDns.Contracts.Tests.Events;

/// <summary>Where things live. These values are in every journal that exists; they can never change.</summary>
public sealed class StreamsTests
{
    [Theory]
    [InlineData("a.example", 64, 9)]
    [InlineData("db.example.com", 64, 28)]
    [InlineData("*.example.com", 64, 16)]
    [InlineData("xn--bcher-kva.example", 64, 56)]
    [InlineData("db.example.com", 8, 4)]
    [InlineData("db.example.com", 1, 0)]
    public void The_shard_of_a_host(string host, int shards, int shard) => Assert.Equal(shard, Streams.ShardOf(HostName.Parse(host), shards));

    [Theory]
    [InlineData("ServiceEntry/default/db", 64, 34)]
    [InlineData("Service/shop/web", 64, 54)]
    [InlineData("ServiceEntry/shop/web", 64, 32)]
    [InlineData("ServiceEntry/default/db", 8, 2)]
    public void The_shard_of_a_document(string key, int shards, int shard) => Assert.Equal(shard, Streams.ShardOf(DocumentKey.Parse(key), shards));

    [Fact]
    public void The_names_of_streams()
    {
        Assert.Equal(["shard-00", "shard-01", "vips"], Streams.All(2));
        Assert.Equal("shard-63", Streams.Shard(63, 64));
        Assert.Equal("shard-99", Streams.Shard(99, 100));
        Assert.Equal("shard-0007", Streams.Shard(7, 101));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(1000)]
    public void Ordinal_order_is_the_order_in_which_a_change_takes_them_and_the_allocator_is_last(int shards)
    {
        var all = Streams.All(shards);
        Assert.Equal(shards + 1, all.Distinct().Count());
        Assert.Equal(all.Order(StringComparer.Ordinal), all);
        Assert.Equal(Streams.Vips, all[^1]);
    }

    [Fact]
    public void Hosts_spread_evenly()
    {
        var counts = new int[64];
        for (var i = 0; i < 64_000; i++) counts[Streams.ShardOf(HostName.Parse($"h{i}.example.com"), 64)]++;
        Assert.All(counts, c => Assert.InRange(c, 850, 1150));
    }

    [Fact]
    public void Every_document_has_a_shard_in_range() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), Gen.Choose(1, 2000).ToArbitrary(), (name, shards) =>
            Streams.ShardOf(new DocumentKey(DocumentKind.Service, name.Get, name.Get), shards) is var shard && shard >= 0 && shard < shards).QuickCheckThrowOnFailure();
}
