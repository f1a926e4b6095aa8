using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>"Who gets a VIP": eligibility, one VIP a host, release and return.</summary>
public sealed class EligibilityTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    [Theory]
    [InlineData("static", "resolution: STATIC", "endpoints: [{ address: 192.0.2.1 }]")]
    [InlineData("dns", "resolution: DNS", "endpoints: [{ address: backend.test }]")]
    [InlineData("dns-itself", "resolution: DNS", "")]
    [InlineData("round-robin", "resolution: DNS_ROUND_ROBIN", "endpoints: [{ address: backend.test }]")]
    public async Task A_host_without_addresses_gets_a_vip_of_both_families(string name, params string[] spec)
    {
        var reply = await Node.ApplyAsync(Manifest.Entry(name, [$"{name}.one.test"], spec));
        var addresses = reply.Done["results"]![0]!["addresses"]!.AsArray().Select(address => (string)address!["value"]!).ToArray();
        Assert.Equal(addresses[0], Assert.Single(await Node.AddressesAsync($"{name}.one.test")));
        Assert.Equal(addresses[1], Assert.Single(await Node.AddressesAsync($"{name}.one.test", "AAAA")));
        // Shown where Istio shows them.
        var status = (await Node.GetAsync($"/v1/service-entries/default/{name}")).Done["status"]!["addresses"]!.AsArray();
        Assert.Equal(addresses, status.Select(address => (string)address!["value"]!));
        Assert.All(status, address => Assert.Equal($"{name}.one.test", (string)address!["host"]!));
    }

    [Fact]
    public async Task No_vip_for_NONE_wildcards_addresses_and_the_label()
    {
        var before = await PoolAsync("leased");
        var reply = await Node.ApplyAsync(
            Manifest.Entry("no-none", ["none.two.test"]) +
            Manifest.Entry("no-wild", ["*.two.test"], "resolution: STATIC", "endpoints: [{ address: 192.0.2.1 }]") +
            Manifest.Fixed("no-fixed", "fixed.two.test", "192.0.2.2") +
            Manifest.OptedOut(Manifest.Vip("no-label", "label.two.test")));
        Assert.Equal(4, reply.Actions.Length);
        Assert.Equal(before, await PoolAsync("leased"));
        Assert.All(reply.Done["results"]!.AsArray(), result => Assert.Empty(result!["addresses"]!.AsArray()));
    }

    [Fact]
    public async Task A_dynamic_wildcard_and_each_host_of_an_entry_get_one()
    {
        var before = await PoolAsync("leased");
        _ = (await Node.ApplyAsync(Manifest.Entry("dynamic", ["*.three.test"], "resolution: DYNAMIC_DNS") + Manifest.Entry("several", ["a.four.test", "b.four.test"], "resolution: DNS"))).Done;
        Assert.Equal(before + 3, await PoolAsync("leased"));
        Assert.NotEqual(await Node.AddressesAsync("a.four.test"), await Node.AddressesAsync("b.four.test"));
    }

    [Fact]
    public async Task One_host_one_vip_shared_by_its_entries_and_released_with_the_last()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("first", "shared.test"))).Done;
        var vip = await Node.AddressesAsync("shared.test");
        _ = (await Node.ApplyAsync(Manifest.Vip("second", "shared.test"))).Done;
        Assert.Equal(vip, await Node.AddressesAsync("shared.test"));
        _ = (await Node.DeleteAsync("first")).Done;
        Assert.Equal(vip, await Node.AddressesAsync("shared.test"));
        _ = (await Node.DeleteAsync("second")).Done;
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("shared.test A")).Status);
        Assert.Equal("quarantined", (await VipOfAsync("shared.test"))!.Value.State);
    }

    [Fact]
    public async Task In_one_namespace_the_older_entry_wins_a_conflicting_port_and_the_reply_warns()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("port-old", "port.test"))).Done;
        var reply = await Node.ApplyAsync(Manifest.Vip("port-new", "port.test").Replace("name: mysql", "name: other"));
        Assert.Contains("3306", reply.Warnings);
        Assert.Contains("port-old", reply.Warnings);
    }

    [Fact]
    public async Task The_oldest_visible_record_answers_across_namespaces()
    {
        _ = (await Node.ApplyAsync(Manifest.Fixed("ours", "spaces.test", "192.0.2.31"))).Done;
        _ = (await Node.ApplyAsync(Manifest.Fixed("theirs", "spaces.test", "192.0.2.32").Replace("{ name: theirs }", "{ name: theirs, namespace: other }"))).Done;
        Assert.Equal(["192.0.2.31"], await Node.AddressesAsync("spaces.test"));
        _ = (await Node.DeleteAsync("ours")).Done;
        Assert.Equal(["192.0.2.32"], await Node.AddressesAsync("spaces.test"));
    }

    [Theory]
    [InlineData("label")]
    [InlineData("none")]
    [InlineData("addresses")]
    [InlineData("host")]
    [InlineData("delete")]
    public async Task Ineligible_again_releases_through_quarantine_and_the_host_gets_the_same_vip_back(string way)
    {
        var (name, host) = ($"back-{way}", $"{way}.back.test");
        var eligible = Manifest.Vip(name, host);
        _ = (await Node.ApplyAsync(eligible)).Done;
        var vip = (await VipOfAsync(host))!.Value;
        Assert.Equal("leased", vip.State);
        _ = (way switch
        {
            "label" => await Node.ApplyAsync(Manifest.OptedOut(eligible)),
            "none" => await Node.ApplyAsync(Manifest.Entry(name, [host])),
            "addresses" => await Node.ApplyAsync(Manifest.Fixed(name, host, "192.0.2.50")),
            "host" => await Node.ApplyAsync(Manifest.Vip(name, "another-" + host)),
            _ => await Node.DeleteAsync(name),
        }).Done;
        Assert.Equal((vip.IPv4, vip.IPv6, "quarantined"), (await VipOfAsync(host))!.Value);
        Assert.DoesNotContain(vip.IPv4, (await Node.DigAsync($"{host} A")).Data);
        _ = (await Node.ApplyAsync(eligible)).Done;
        Assert.Equal(vip, (await VipOfAsync(host))!.Value);
        Assert.Equal([vip.IPv4], await Node.AddressesAsync(host));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("cluster-ip", "type: ClusterIP")]
    [InlineData("node-port", "type: NodePort")]
    [InlineData("balancer", "type: LoadBalancer")]
    public async Task A_Service_without_a_cluster_IP_gets_a_VIP_shown_where_Kubernetes_has_it(string name, params string[] spec)
    {
        var host = $"{name}.shop.svc.cluster.local";
        var service = Manifest.Service(name, ["ports: [{ name: http, port: 80 }]", .. spec]);
        _ = (await Node.ApplyAsync(service)).Done;
        var vip = (await VipOfAsync(host))!.Value;
        Assert.Equal("leased", vip.State);
        Assert.Equal([vip.IPv4], await Node.AddressesAsync(host));
        Assert.Equal([vip.IPv6], await Node.AddressesAsync(host, "AAAA"));
        var shown = (await Node.GetAsync($"/v1/services/shop/{name}")).Done["spec"]!;
        Assert.Equal(vip.IPv4, (string?)shown["clusterIP"]);
        Assert.Equal([vip.IPv4, vip.IPv6], shown["clusterIPs"]!.AsArray().Select(address => (string)address!));
        Assert.Contains($"{vip.IPv4},{vip.IPv6}", (await Node.CliAsync("get services")).Done());
        Assert.All((await Node.ApplyAsync(service)).Actions, action => Assert.EndsWith(" unchanged", action));

        // Opted out, with an address of its own, headless or gone: it rests, and comes back.
        foreach (var other in (string[])[
            service.Replace("namespace: shop }", "namespace: shop, labels: { networking.istio.io/enable-autoallocate-ip: \"False\" } }"),
            Manifest.Service(name, "clusterIP: 10.96.7.7", "ports: [{ name: http, port: 80 }]"),
            Manifest.Service(name, "clusterIP: None", "ports: [{ name: http, port: 80 }]"),
            Manifest.Service(name, "type: ExternalName", "externalName: target.up.test")])
        {
            _ = (await Node.ApplyAsync(other)).Done;
            Assert.Equal((vip.IPv4, vip.IPv6, "quarantined"), (await VipOfAsync(host))!.Value);
            _ = (await Node.ApplyAsync(service)).Done;
            Assert.Equal(vip, (await VipOfAsync(host))!.Value);
        }
    }

    [Fact]
    public async Task A_released_vip_is_not_the_next_one_granted()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("gone", "gone.test"))).Done;
        var vip = await Node.AddressesAsync("gone.test");
        _ = (await Node.DeleteAsync("gone")).Done;
        _ = (await Node.ApplyAsync(Manifest.Vip("next", "next.test"))).Done;
        Assert.NotEqual(vip, await Node.AddressesAsync("next.test"));
    }

    [Fact]
    public async Task The_pool_has_65024_addresses() => Assert.Equal(65_024, await PoolAsync("capacity"));

    [Fact]
    public async Task No_vip_ends_in_0_or_255_and_none_is_given_twice()
    {
        var hosts = Enumerable.Range(0, 600).Select(i => $"h{i}.bulk.test").ToArray();
        _ = (await Node.ApplyAsync(string.Concat(hosts.Chunk(200).Select((chunk, i) => Manifest.Entry($"bulk-{i}", chunk, "resolution: DNS"))))).Done;
        var vips = (await Node.GetAsync("/v1/vips?limit=10000&q=bulk.test")).Done["items"]!.AsArray().Select(vip => ((string)vip!["ipv4"]!, (string)vip["ipv6"]!)).ToList();
        Assert.Equal(600, vips.Count);
        Assert.Equal(600, vips.Select(vip => vip.Item1).Distinct().Count());
        foreach (var (four, six) in vips)
        {
            var bytes = System.Net.IPAddress.Parse(four).GetAddressBytes();
            Assert.Equal([240, 240], bytes[..2]);
            Assert.InRange(bytes[3], 1, 254);
            Assert.Equal(bytes[2..], System.Net.IPAddress.Parse(six).GetAddressBytes()[14..]);
        }
    }
}
