using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>Client namespaces and capture by network: behaviour.md, queries, rules 2, 5 and 6.</summary>
public sealed class ClientTableTests
{
    private static readonly ClientView _others = new(null, true);

    [Theory]
    [InlineData("10.1.2.3", "inner")]
    [InlineData("10.1.3.3", "outer")]
    [InlineData("10.1.2.130", "host")]
    [InlineData("11.0.0.1", null)]
    [InlineData("2001:db8::1", "six")]
    [InlineData("2001:db9::1", null)]
    public void The_longest_network_gives_the_namespace(string client, string? expected)
    {
        var table = new ClientTable(_others, [Of("10.1.2.130/32", "host"), Of("10.0.0.0/8", "outer"), Of("2001:db8::/33", "six"), Of("10.1.2.0/23", "outer"), Of("10.1.2.0/24", "inner")]);
        Assert.Equal(expected, table.ViewOf(IPAddress.Parse(client).GetAddressBytes()).Namespace);
    }

    [Fact]
    public void A_client_of_whom_nothing_is_known_sees_what_others_see()
    {
        var table = new ClientTable(new ClientView(null, false), [Of("0.0.0.0/0", "all"), Of("::/0", "six")]);
        Assert.Equal(new ClientView(null, false), table.ViewOf([]));
        Assert.Equal("all", table.ViewOf([255, 255, 255, 255]).Namespace);
        Assert.Equal("six", table.ViewOf(IPAddress.IPv6Loopback.GetAddressBytes()).Namespace);
    }

    [Fact]
    public void A_network_of_mapped_addresses_is_one_of_IPv4()
    {
        var table = new ClientTable(_others, [Of("::ffff:10.0.0.0/104", "ten")]);
        Assert.Equal("ten", table.ViewOf([10, 1, 1, 1]).Namespace);
        Assert.Null(table.ViewOf([11, 1, 1, 1]).Namespace);
    }

    // Against a search through the list; few distinct bits, so that networks overlap.
    [Theory]
    [InlineData(1, 4)]
    [InlineData(2, 4)]
    [InlineData(3, 16)]
    public void Any_networks_are_found_as_a_search_through_them_finds_them(int seed, int size)
    {
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var networks = Enumerable.Range(0, random.Next(1, 40)).Select(i => (Network: RandomNetwork(random, size), View: new ClientView($"n{i}", i % 2 == 0))).DistinctBy(n => n.Network).ToList();
            var table = new ClientTable(_others, networks);
            for (var i = 0; i < 50; i++)
            {
                var client = RandomAddress(random, size);
                var expected = networks.Where(n => n.Network.Contains(new IPAddress(client))).OrderByDescending(n => n.Network.PrefixLength).Select(n => n.View).FirstOrDefault(_others);
                Assert.Equal(expected, table.ViewOf(client));
            }
        }
    }

    [Fact]
    public void Rule6_a_networks_own_switch_wins_over_that_of_all_and_both_change_while_queries_run()
    {
        var bench = new QueryBench(new MeshResolverOptions { Clients = new ClientTable(new ClientView(null, false), [Of("127.0.0.0/8", null)]) });
        bench.Apply(Declare("db.example", ["10.0.0.1"]));
        Assert.Equal(["10.0.0.1"], bench.Ask("db.example").AnswerData);
        bench.Resolver.Adopt(new MeshResolverOptions { Clients = new ClientTable(ClientView.Default, [(IPNetwork.Parse("127.0.0.0/8"), new ClientView(null, false))]) });
        bench.AssertForwarded("db.example");
    }

    [Fact]
    public void Rule5_what_a_namespace_does_not_see_is_unknown_to_it()
    {
        var bench = new QueryBench(new MeshResolverOptions { Clients = new ClientTable(ClientView.Default, [Of("127.0.0.0/8", "prod")]) });
        bench.Apply(Declare("own.mesh.internal", ["10.0.0.1"], ns: "prod", exportTo: ["."]), Declare("foreign.mesh.internal", ["10.0.0.2"], exportTo: ["."], name: "b"));
        Assert.Equal(["10.0.0.1"], bench.Ask("own.mesh.internal").AnswerData);
        Assert.Equal(Rcode.NXDomain, bench.Ask("foreign.mesh.internal").Rcode);
    }

    private static (IPNetwork Network, ClientView View) Of(string network, string? ns) => (IPNetwork.Parse(network), new ClientView(ns, true));

    private static IPNetwork RandomNetwork(Random random, int size)
    {
        var address = RandomAddress(random, size);
        var length = random.Next((size * 8) + 1);
        for (var bit = length; bit < size * 8; bit++) address[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(address), length);
    }

    private static byte[] RandomAddress(Random random, int size)
    {
        var address = new byte[size];
        for (var i = 0; i < size; i++) address[i] = (byte)(random.Next(4) * 85);
        return address;
    }
}
