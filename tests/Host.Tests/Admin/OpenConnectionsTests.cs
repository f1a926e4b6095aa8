using System.Net;
using MeshDns.Host.Admin;

namespace MeshDns.Host.Tests.Admin;

/// <summary>Who gives his place to a newcomer when all places are taken.</summary>
public sealed class OpenConnectionsTests
{
    private readonly List<string> _aborted = [];

    [Fact]
    public void Of_one_network_the_one_that_has_kept_the_server_waiting_longest_goes()
    {
        var all = new OpenConnections(3);
        var (a, b, c) = (Open(all, "a", "192.0.2.1"), Open(all, "b", "192.0.2.1"), Open(all, "c", "192.0.2.1"));
        a!.Serve();
        a.Await();
        Assert.NotNull(Open(all, "d", "192.0.2.1"));
        Assert.Equal(["b"], _aborted);
        c!.Serve();
        Assert.NotNull(Open(all, "e", "192.0.2.1"));
        Assert.Equal(["b", "a"], _aborted);
        Assert.Equal((3, 2), (all.Count, all.Displaced));
        b!.Dispose();
        Assert.Equal(3, all.Count);
    }

    [Fact]
    public void Of_several_networks_one_of_that_with_the_most_goes()
    {
        var all = new OpenConnections(5);
        Open(all, "good", "192.0.2.1");
        for (var i = 0; i < 4; i++) Open(all, $"bad-{i}", "192.0.2.66");
        for (var i = 0; i < 2; i++) Assert.NotNull(Open(all, $"probe-{i}", "192.0.2.2"));
        Assert.Equal(["bad-0", "bad-1"], _aborted);
    }

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.2", false)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void A_network_is_an_IPv4_address_or_64_bits_of_IPv6(string one, string other, bool isSame) =>
        Assert.Equal(isSame, OpenConnections.NetworkOf(IPAddress.Parse(one)).Equals(OpenConnections.NetworkOf(IPAddress.Parse(other))));

    [Fact]
    public void Those_that_are_served_keep_their_places()
    {
        var all = new OpenConnections(2);
        var (a, b) = (Open(all, "a", "192.0.2.1"), Open(all, "b", "192.0.2.1"));
        a!.Serve();
        b!.Serve();
        Assert.Null(Open(all, "c", "192.0.2.2"));
        Assert.Equal((2, 0, 1), (all.Count, all.Displaced, all.Refused));
        a.Dispose();
        a.Await();
        Assert.NotNull(Open(all, "d", "192.0.2.2"));
        Assert.NotNull(Open(all, "e", "192.0.2.2"));
        Assert.Equal(["d"], _aborted);
    }

    private OpenConnection? Open(OpenConnections all, string name, string address) => all.TryOpen(IPAddress.Parse(address), () => _aborted.Add(name));
}
