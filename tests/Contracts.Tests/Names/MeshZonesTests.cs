using MeshDns.Contracts.Names;

namespace MeshDns.Contracts.Tests.Names;

public sealed class MeshZonesTests
{
    private static readonly MeshZones _zones = new([HostName.Parse("cluster.local"), HostName.Parse("mesh.example"), HostName.Parse("deep.mesh.example")]);

    [Theory]
    [InlineData("cluster.local", 0)]
    [InlineData("web.shop.svc.cluster.local", 13)]
    [InlineData("a.mesh.example", 2)]
    [InlineData("a.deep.mesh.example", 2)]
    [InlineData("deep.mesh.example", 0)]
    public void The_closest_enclosing_zone_is_found(string name, int offset)
    {
        Assert.True(_zones.TryMatch(HostName.Parse(name).ToWire(), out var found));
        Assert.Equal(offset, found);
    }

    [Theory]
    [InlineData("example")]
    [InlineData("local")]
    [InlineData("xcluster.local")]
    [InlineData("cluster.local.example")]
    [InlineData("notmesh.example")]
    public void Other_names_are_in_none(string name)
    {
        Assert.False(_zones.TryMatch(HostName.Parse(name).ToWire(), out var offset));
        Assert.Equal(-1, offset);
    }

    [Fact]
    public void The_root_is_in_none() => Assert.False(_zones.Contains([0]));

    // A label may hold any byte, also one that looks like the length of the zone's first label.
    [Fact]
    public void A_label_that_looks_like_the_zones_wire_form_is_not_the_zone()
    {
        byte[] name = [15, 7, .. "cluster"u8, 5, .. "local"u8, 0];
        name[0] = (byte)(name.Length - 2);
        Assert.False(_zones.Contains([.. name, 0]));
    }

    [Fact]
    public void Duplicates_are_one_and_the_order_is_by_text()
    {
        var zones = new MeshZones([HostName.Parse("b"), HostName.Parse("a"), HostName.Parse("B")]);
        Assert.Equal(["a", "b"], zones.Apexes.Select(a => a.Text));
    }

    [Fact]
    public void Wildcards_and_too_many_zones_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new MeshZones([HostName.Parse("*.a")]));
        Assert.Throws<ArgumentException>(() => new MeshZones(Enumerable.Range(0, MeshZones.MaxZones + 1).Select(i => HostName.Parse("z" + i))));
    }

    [Fact]
    public void No_zones_match_nothing() => Assert.False(new MeshZones([]).Contains(HostName.Parse("a").ToWire()));
}
