using System.Net;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Actors.Tests.Directory;

public sealed class AddressIndexTests
{
    private readonly MeshDirectory _directory = new(VipRange.Default, new MeshZones([HostName.Parse("cluster.local")]), ShardCount, new ManualTimeProvider());

    [Fact]
    public void Every_host_of_an_address_is_found_until_it_leaves()
    {
        _directory.Apply(Batch(1, Declare("a.x", ["10.0.0.1", "2001:db8::1"]), Declare("b.x", ["10.0.0.1"]), Declare("*.w.x", ["10.0.0.1"])));
        Assert.Equal(["a.x", "b.x"], HostsOf("10.0.0.1"));
        Assert.Equal(["a.x"], HostsOf("2001:db8::1"));
        _directory.Apply(Batch(2, Declare("a.x", ["10.0.0.2", "2001:db8::1"])));
        Assert.Equal(["b.x"], HostsOf("10.0.0.1"));
        Assert.Equal(["a.x"], HostsOf("10.0.0.2"));
        _directory.Apply(Batch(3, Withdraw("a.x"), Withdraw("b.x")));
        Assert.Empty(HostsOf("10.0.0.1"));
        Assert.Empty(HostsOf("2001:db8::1"));
    }

    [Fact]
    public void Of_an_address_with_very_many_hosts_some_are_shown()
    {
        _directory.Apply(Batch(1, [.. Enumerable.Range(0, 1000).Select(i => Declare($"h{i}.x", ["10.0.0.1"]))]));
        Assert.Equal(AddressIndex.MaxShown, HostsOf("10.0.0.1").Count);
        _directory.Apply(Batch(2, [.. Enumerable.Range(0, 998).Select(i => Withdraw($"h{i}.x"))]));
        Assert.Equal(["h998.x", "h999.x"], HostsOf("10.0.0.1"));
        _directory.Apply(Batch(3, Withdraw("h998.x")));
        Assert.Equal(["h999.x"], HostsOf("10.0.0.1"));
    }

    // Addresses whose bytes differ in the case of a letter only have one hash (65 is A, 97 is a).
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Whatever_changes_it_is_what_the_entries_say(int seed)
    {
        var random = new Random(seed);
        string[] addresses = ["10.0.0.65", "10.0.0.97", "10.0.0.1", "10.0.0.2", "2001:db8::41", "2001:db8::61", "2001:db8::1"];
        var model = new Dictionary<string, string[]>();
        for (var step = 0; step < 3000; step++)
        {
            var host = $"h{random.Next(30)}.x";
            if (random.Next(3) == 0)
            {
                model.Remove(host);
                _directory.Apply(Batch(step, Withdraw(host)));
            }
            else
            {
                model[host] = [.. addresses.Where(_ => random.Next(6) == 0)];
                _directory.Apply(Batch(step, Declare(host, model[host])));
            }
            var asked = addresses[random.Next(addresses.Length)];
            var expected = model.Where(pair => pair.Value.Contains(asked)).Select(pair => pair.Key).Order(StringComparer.Ordinal).ToList();
            if (expected.Count <= AddressIndex.MaxShown) Assert.Equal(expected, HostsOf(asked));
            else Assert.Equal(AddressIndex.MaxShown, HostsOf(asked).Intersect(expected).Count());
        }
    }

    private List<string> HostsOf(string address)
    {
        var holders = _directory.HoldersOf(IPAddress.Parse(address).GetAddressBytes());
        var hosts = new List<string>();
        for (var i = 0; i < holders.Count; i++) hosts.Add(holders[i].Host.Text);
        hosts.Sort(StringComparer.Ordinal);
        return hosts;
    }
}
