using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>"Who gets a VIP": explicit addresses and CIDRs inside our ranges.</summary>
public sealed class ExplicitAddressTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    [Theory]
    [InlineData("four")]
    [InlineData("six")]
    public async Task An_explicit_address_wins_and_moves_the_automatic_holder_in_the_same_change(string family)
    {
        var (holder, claimant) = ($"holder-{family}.test", $"claimant-{family}.test");
        _ = (await Node.ApplyAsync(Manifest.Vip($"holder-{family}", holder))).Done;
        var old = (await VipOfAsync(holder))!.Value;
        var claimed = family == "four" ? old.IPv4 : old.IPv6;
        var reply = await Node.ApplyAsync(Manifest.Fixed($"claimant-{family}", claimant, claimed));
        Assert.Contains(holder, reply.Warnings);

        Assert.Equal([claimed], await Node.AddressesAsync(claimant, family == "four" ? "A" : "AAAA"));
        // The whole index is taken, both families.
        var moved = (await VipOfAsync(holder))!.Value;
        Assert.Equal("leased", moved.State);
        Assert.NotEqual((old.IPv4, old.IPv6), (moved.IPv4, moved.IPv6));
        Assert.Equal([moved.IPv4], await Node.AddressesAsync(holder));
        Assert.Equal("reserved", (string?)(await Node.GetAsync($"/v1/vips/{old.IPv4}")).Done["state"]);

        // A withdrawn claim rests like a lease.
        _ = (await Node.DeleteAsync($"claimant-{family}")).Done;
        Assert.Equal("quarantined", (string?)(await Node.GetAsync($"/v1/vips/{old.IPv4}")).Done["state"]);
        Assert.Equal([moved.IPv4], await Node.AddressesAsync(holder));
    }

    [Fact]
    public async Task Several_hosts_may_claim_one_address_with_a_warning()
    {
        _ = (await Node.ApplyAsync(Manifest.Fixed("claim-a", "a.claim.test", "240.240.100.1"))).Done;
        var reply = await Node.ApplyAsync(Manifest.Fixed("claim-b", "b.claim.test", "240.240.100.1"));
        Assert.Contains("a.claim.test", reply.Warnings);
        Assert.Equal(["240.240.100.1"], await Node.AddressesAsync("b.claim.test"));
        _ = (await Node.DeleteAsync("claim-a")).Done;
        Assert.Equal("reserved", (string?)(await Node.GetAsync("/v1/vips/240.240.100.1")).Done["state"]);
    }

    [Theory]
    [InlineData("240.240.77.1/32", "240.240.77.1", "A")]
    [InlineData("2001:2::4d02/128", "2001:2::4d02", "AAAA")]
    public async Task A_network_of_one_address_is_that_address_and_claims_it(string written, string address, string type)
    {
        var (name, excluded) = ($"one-{type.ToLowerInvariant()}", await PoolAsync("excluded"));
        _ = (await Node.ApplyAsync(Manifest.Fixed(name, $"{name}.test", written))).Done;
        Assert.Equal([address], await Node.AddressesAsync($"{name}.test", type));
        Assert.Equal("reserved", (string?)(await Node.GetAsync($"/v1/vips/{address}")).Done["state"]);
        Assert.Equal(excluded, await PoolAsync("excluded"));
        // Istio's own tasks are written so, outside of our ranges.
        _ = (await Node.ApplyAsync(Manifest.Fixed($"{name}-far", $"far.{name}.test", "192.168.198.177/32"))).Done;
        Assert.Equal(["192.168.198.177"], await Node.AddressesAsync($"far.{name}.test"));
    }

    [Fact]
    public async Task A_CIDR_inside_the_range_excludes_what_it_covers_and_moves_its_holders()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("covered", "covered.test"))).Done;
        var old = (await VipOfAsync("covered.test"))!.Value;
        var (excluded, capacity) = (await PoolAsync("excluded"), await PoolAsync("capacity"));
        _ = (await Node.ApplyAsync(Manifest.Fixed("network", "network.test", "240.240.200.0/24", Pair(old.IPv4)))).Done;
        // The holder's own address rests as well and counts as quarantined; the other one of its pair may be free.
        Assert.InRange((await PoolAsync("excluded")) - excluded, 254, 255);
        var all = await PoolAsync("excluded");
        Assert.Equal(all, await PoolAsync("excluded"));
        Assert.NotEqual("leased", (string?)(await Node.GetAsync($"/v1/vips/{old.IPv4}")).Done["state"]);
        Assert.Equal(capacity, await PoolAsync("capacity"));
        var moved = (await VipOfAsync("covered.test"))!.Value;
        Assert.NotEqual(old.IPv4, moved.IPv4);
        Assert.Equal([moved.IPv4], await Node.AddressesAsync("covered.test"));
        // Withdrawn, it rests like a lease.
        _ = (await Node.DeleteAsync("network")).Done;
        Assert.Equal(all, await PoolAsync("excluded"));
    }

    // The smallest network that is one: two addresses.
    private static string Pair(string address)
    {
        var cut = address.LastIndexOf('.') + 1;
        return $"{address[..cut]}{int.Parse(address[cut..], System.Globalization.CultureInfo.InvariantCulture) & ~1}/31";
    }

    [Fact]
    public async Task A_CIDR_that_contains_the_whole_range_excludes_nothing_and_warns()
    {
        var excluded = await PoolAsync("excluded");
        var reply = await Node.ApplyAsync(Manifest.Fixed("everything", "everything.test", "240.0.0.0/4"));
        Assert.Contains("240.0.0.0/4", reply.Warnings);
        Assert.Equal(excluded, await PoolAsync("excluded"));
    }
}
