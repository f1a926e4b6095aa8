using System.Net;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Contracts.Tests.Vips;

/// <summary>Reverse zones against names that are made from addresses byte by byte (RFC 1035 section 3.5, RFC 3596 section 2.5).</summary>
public sealed class ReverseZonesTests
{
    private static IReadOnlyList<HostName> Of(string v4, string v6) => ReverseZones.Of(new VipRange(Cidr.Parse(v4), Cidr.Parse(v6)));

    [Fact]
    public void The_default_ranges_have_one_zone_each() =>
        Assert.Equal(["240.240.in-addr.arpa", "0.0.0.0.2.0.0.0.1.0.0.2.ip6.arpa"], ReverseZones.Of(VipRange.Default).Select(z => z.Text));

    [Fact]
    public void A_range_off_an_octet_has_one_zone_for_each_octet_it_covers() => Assert.Equal(
        Enumerable.Range(16, 16).Select(i => $"{i}.240.240.in-addr.arpa"), Of("240.240.16.0/20", "2001:2::/48").Select(z => z.Text).SkipLast(1));

    [Fact]
    public void A_range_off_a_nibble_has_one_zone_for_each_nibble_it_covers() => Assert.Equal(
        ["0", "1", "2", "3"], Of("240.240.0.0/16", "2001:2::/50").Skip(1).Select(z => z.Text.Split('.')[0]));

    [Theory]
    [InlineData("240.240.0.0/16", "2001:2::/48", 1, 1)]
    [InlineData("240.240.16.0/20", "2001:2::/50", 16, 4)]
    [InlineData("240.240.7.0/24", "2001:2::/112", 1, 1)]
    [InlineData("240.240.7.16/28", "2001:2:0:4000::/51", 16, 2)]
    public void Every_address_of_the_range_lies_in_the_zones_and_its_neighbours_do_not(string v4, string v6, int zonesOf4, int zonesOf6)
    {
        var range = new VipRange(Cidr.Parse(v4), Cidr.Parse(v6));
        var apexes = ReverseZones.Of(range);
        Assert.Equal((zonesOf4, zonesOf6), (apexes.Count(z => z.Text.EndsWith(".in-addr.arpa", StringComparison.Ordinal)), apexes.Count(z => z.Text.EndsWith(".ip6.arpa", StringComparison.Ordinal))));
        var zones = new MeshZones(apexes);
        foreach (var cidr in new[] { range.V4, range.V6 })
        {
            foreach (var inside in new[] { cidr.Bits, cidr.Bits + 1, cidr.Bits + ((cidr.LastBits - cidr.Bits) / 2), cidr.LastBits - 1, cidr.LastBits }) Assert.True(zones.Contains(Reverse(cidr, inside)), $"{inside:x}");
            foreach (var outside in new[] { cidr.Bits - 1, cidr.LastBits + 1 }) Assert.False(zones.Contains(Reverse(cidr, outside)), $"{outside:x}");
        }
    }

    [Fact]
    public void A_real_reverse_name_of_each_family()
    {
        var zones = new MeshZones(ReverseZones.Of(VipRange.Default));
        Assert.True(zones.Contains(HostName.Parse("2.1.240.240.in-addr.arpa").ToWire()));
        Assert.True(zones.Contains(HostName.Parse("2.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.2.ip6.arpa").ToWire()));
        Assert.False(zones.Contains(HostName.Parse("240.240.1.2.in-addr.arpa").ToWire()));
    }

    private static byte[] Reverse(Cidr cidr, UInt128 bits)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, bits);
        var isV4 = cidr.Family == System.Net.Sockets.AddressFamily.InterNetwork;
        var labels = isV4
            ? new IPAddress(bytes[12..]).ToString().Split('.')
            : [.. Convert.ToHexStringLower(bytes).Select(c => c.ToString())];
        return HostName.Parse(string.Join('.', labels.Reverse()) + (isV4 ? ".in-addr.arpa" : ".ip6.arpa")).ToWire();
    }
}
