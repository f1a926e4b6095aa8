using System.Net;
using MeshDns.Contracts.Vips;

namespace MeshDns.Contracts.Tests.Vips;

public class VipRangeTests
{
    private static VipRange Of(string v4, string v6 = "2001:2::/48") => new(Cidr.Parse(v4), Cidr.Parse(v6));

    [Theory]
    [InlineData("240.240.0.0/16", 65_024)]
    [InlineData("240.240.7.0/24", 254)]
    [InlineData("240.240.6.0/23", 508)]
    [InlineData("240.240.7.0/28", 15)]
    [InlineData("240.240.7.16/28", 16)]
    [InlineData("240.240.7.240/28", 15)]
    [InlineData("240.240.7.4/30", 4)]
    public void The_capacity_leaves_octets_0_and_255_out(string v4, int capacity) => Assert.Equal(capacity, Of(v4).Capacity);

    [Theory]
    [InlineData(0x0001, "240.240.0.1", "2001:2::1")]
    [InlineData(0x0102, "240.240.1.2", "2001:2::102")]
    [InlineData(0xfffe, "240.240.255.254", "2001:2::fffe")]
    public void An_index_is_the_same_16_bits_in_both_families(int index, string v4, string v6)
    {
        var range = VipRange.Default;
        Assert.Equal((v4, v6), (range.IPv4(index).ToString(), range.IPv6(index).ToString()));
        Assert.True(range.TryIndexOf(IPAddress.Parse(v4), out var of4));
        Assert.True(range.TryIndexOf(IPAddress.Parse(v6), out var of6));
        Assert.Equal((index, index), (of4, of6));
    }

    [Fact]
    public void Every_usable_index_survives_the_round_trip_and_no_other_is_one()
    {
        var range = VipRange.Default;
        var usable = 0;
        for (var index = 0; index <= 0xffff; index++)
        {
            var known = range.TryIndexOf(range.IPv4(index), out var of4) & range.TryIndexOf(range.IPv6(index), out var of6);
            Assert.Equal(range.IsUsable(index), known);
            if (!known) continue;
            usable++;
            Assert.Equal((index, index), (of4, of6));
        }
        Assert.Equal(range.Capacity, usable);
    }

    [Theory]
    [InlineData("240.240.7.0")]
    [InlineData("240.240.7.255")]
    [InlineData("240.241.7.1")]
    [InlineData("10.0.0.1")]
    [InlineData("2001:2::700")]
    [InlineData("2001:2:0:1::701")]
    [InlineData("2001:2::1:701")]
    [InlineData("2001:3::701")]
    [InlineData("::701")]
    public void Other_addresses_have_no_index(string address) => Assert.False(VipRange.Default.TryIndexOf(IPAddress.Parse(address), out _));

    [Fact]
    public void A_smaller_range_has_the_indexes_of_its_addresses_only()
    {
        var range = Of("240.240.7.0/28");
        Assert.Equal((0x0700, 0x070f), (range.First, range.Last));
        Assert.True(range.TryIndexOf(IPAddress.Parse("2001:2::70f"), out _));
        Assert.False(range.TryIndexOf(IPAddress.Parse("2001:2::710"), out _));
        Assert.False(range.TryIndexOf(IPAddress.Parse("240.240.7.16"), out _));
    }

    [Theory]
    [InlineData("240.240.7.0", true)]
    [InlineData("2001:2:0:9::1", true)]
    [InlineData("240.241.0.1", false)]
    [InlineData("2001:3::1", false)]
    public void It_contains_what_lies_in_either_range_usable_or_not(string address, bool contained) =>
        Assert.Equal(contained, VipRange.Default.Contains(IPAddress.Parse(address)));

    [Theory]
    [InlineData("240.240.0.0/15", "2001:2::/48")]
    [InlineData("240.240.0.0/31", "2001:2::/48")]
    [InlineData("240.240.0.0/16", "2001:2::/113")]
    [InlineData("2001:2::/48", "2001:2::/48")]
    [InlineData("240.240.0.0/16", "240.240.0.0/16")]
    public void Ranges_of_another_size_or_family_are_refused(string v4, string v6) => Assert.Throws<ArgumentException>(() => Of(v4, v6));

    [Theory]
    [InlineData("240.240.7.0/24", 0x0700, 0x07ff)]
    [InlineData("240.240.128.0/17", 0x8000, 0xffff)]
    [InlineData("2001:2::700/120", 0x0700, 0x07ff)]
    [InlineData("240.240.7.9/32", 0x0709, 0x0709)]
    [InlineData("2001:2::709/128", 0x0709, 0x0709)]
    public void A_CIDR_inside_covers_its_indexes(string cidr, int first, int last)
    {
        Assert.True(VipRange.Default.TryCovered(Cidr.Parse(cidr), out var from, out var to, out var whole));
        Assert.Equal((first, last, false), (from, to, whole));
    }

    [Theory]
    [InlineData("240.240.0.0/16")]
    [InlineData("240.0.0.0/4")]
    [InlineData("2001:2::/48")]
    [InlineData("2001:2::/112")]
    [InlineData("::/0")]
    public void A_CIDR_over_every_usable_index_is_whole(string cidr)
    {
        Assert.True(VipRange.Default.TryCovered(Cidr.Parse(cidr), out _, out _, out var whole));
        Assert.True(whole);
    }

    [Theory]
    [InlineData("10.0.0.0/8")]
    [InlineData("240.241.0.0/16")]
    [InlineData("2001:2:0:1::/64")]
    [InlineData("2001:2::1:0/112")]
    public void A_CIDR_beside_covers_nothing(string cidr) => Assert.False(VipRange.Default.TryCovered(Cidr.Parse(cidr), out _, out _, out _));

    [Fact]
    public void Covering_agrees_with_asking_each_index()
    {
        var range = Of("240.240.7.0/24");
        for (var prefix = 20; prefix <= 32; prefix++)
        {
            for (var octet = 0; octet < 256; octet++)
            {
                var cidr = Cidr.Parse($"240.240.7.{octet}/{prefix}");
                Assert.True(range.TryCovered(cidr, out var first, out var last, out var whole));
                var covered = Enumerable.Range(range.First, 256).Where(index => cidr.Contains(range.IPv4(index)));
                Assert.Equal(covered, Enumerable.Range(first, last - first + 1));
                Assert.Equal(prefix <= 24, whole);
            }
        }
    }
}
