using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>A mesh moves to a fresh node, from one like it or from Istio, without one VIP changing or a quarantine cut short.</summary>
public sealed class MovedMeshTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly MeshNode _mesh = new DefaultNode();
    private readonly MeshNode _other = new DefaultNode();

    private NodeProcess There => _mesh.Node;

    private NodeProcess Here => _other.Node;

    public async Task InitializeAsync()
    {
        await _mesh.StartAsync();
        await _other.StartAsync();
    }

    public async Task DisposeAsync()
    {
        output.WriteLine($"The log of there:\n{There.Log}\nThe log of here:\n{Here.Log}");
        await _mesh.DisposeAsync();
        await _other.DisposeAsync();
    }

    private static async Task<string[]> VipsAsync(NodeProcess node) =>
        [.. (await node.GetAsync("/v1/vips?limit=10000")).Done["items"]!.AsArray().Select(vip => $"{vip!["host"]} {vip["ipv4"]} {vip["ipv6"]} {vip["state"]} {vip["until"]}")];

    private async Task<string> DeclareAsync()
    {
        // VIPs in another order than an export has the documents, one host with two of its own at rest, a claim and a network that are gone.
        foreach (var name in (string[])["z", "m", "a", "gone", "moved"]) _ = (await There.ApplyAsync(Manifest.Vip(name, $"{name}.test"))).Done;
        _ = (await There.ApplyAsync(Manifest.Service("web", "ports: [{ port: 80 }]") + Manifest.Service("node", "type: NodePort", "ports: [{ port: 80 }]"))).Done;
        var moved = (await There.AddressesAsync("moved.test"))[0];
        _ = (await There.ApplyAsync(Manifest.Fixed("network", "network.test", "240.240.77.0/24", $"{moved}/31"))).Done;
        _ = (await There.ApplyAsync(Manifest.Fixed("claim", "claim.test", "240.240.50.1") + Manifest.Fixed("claims", "claims.test", "240.240.50.2"))).Done;
        foreach (var name in (string[])["gone", "claim", "network", "moved"]) _ = (await There.DeleteAsync(name)).Done;
        return (await There.CliAsync("export")).Done();
    }

    [Fact]
    public async Task An_export_applied_to_a_fresh_node_gives_every_VIP_and_every_rest_the_same()
    {
        var export = await DeclareAsync();
        Assert.Contains("# resting: 240.240.77.0/24 - ", export);
        Assert.Contains("# resting: 240.240.50.1 - ", export);
        Assert.Equal(2, export.Split('\n').Count(line => line.StartsWith("# resting: ", StringComparison.Ordinal) && line.Contains(" moved.test ", StringComparison.Ordinal)));

        var file = _other["export.yaml"];
        await File.WriteAllTextAsync(file, export);
        var applied = await Here.CliAsync($"apply -f {file}");
        Assert.DoesNotContain("VIP", applied.Error);
        Assert.Contains("service/shop/web created  web.shop.svc.cluster.local -> 240.240.0.6, 2001:2::6", applied.Done());
        var vips = await VipsAsync(There);
        Assert.Contains(vips, vip => vip.Contains(" quarantined 2", StringComparison.Ordinal));
        Assert.Equal(vips, await VipsAsync(Here));
        Assert.Equal(export, (await Here.CliAsync("export")).Done());
        foreach (var host in (string[])["z.test", "m.test", "a.test", "web.shop.svc.cluster.local", "node.shop.svc.cluster.local"])
        {
            Assert.Equal(await There.AddressesAsync(host), await Here.AddressesAsync(host));
            Assert.Equal(await There.AddressesAsync(host, "AAAA"), await Here.AddressesAsync(host, "AAAA"));
        }

        // A second time it changes nothing, and a kill loses nothing.
        var events = await Here.EventsAsync();
        Assert.All((await Here.ApplyAsync(export)).Actions, action => Assert.EndsWith(" unchanged", action));
        Assert.Equal(events, await Here.EventsAsync());
        await Here.KillAsync();
        await Verify.CleanAsync(_other.DataDirectory);
        await _other.StartAsync();
        Assert.Equal(vips, await VipsAsync(Here));

        // What rests is still only for its host, which gets the same one back in both places.
        _ = (await Here.ApplyAsync(string.Concat(Enumerable.Range(0, 20).Select(i => Manifest.Vip($"new-{i}", $"new-{i}.test"))))).Done;
        var taken = (await VipsAsync(Here)).Where(vip => vip.StartsWith("new-", StringComparison.Ordinal)).Select(vip => vip.Split(' ')[1]).ToArray();
        Assert.Equal(20, taken.Length);
        Assert.Empty(taken.Intersect(vips.Select(vip => vip.Split(' ')[1])));
        foreach (var node in (NodeProcess[])[There, Here]) _ = (await node.ApplyAsync(Manifest.Vip("gone", "gone.test"))).Done;
        var back = Assert.Single(await Here.AddressesAsync("gone.test"));
        Assert.Equal([back], await There.AddressesAsync("gone.test"));
        Assert.Contains(vips, vip => vip.StartsWith($"gone.test {back} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_line_of_what_rests_refuses_the_whole_set()
    {
        var reply = await Here.ApplyAsync(Manifest.Vip("good", "good.test") + "# resting: 10.0.0.1 - 2026-01-31T08:00:00Z\n");
        Assert.Contains("10.0.0.1", (string?)reply.Refused(System.Net.HttpStatusCode.UnprocessableEntity)["errors"]![0]!["reason"]);
        Assert.Equal("NXDOMAIN", (await Here.DigAsync("good.test A")).Status);
    }

    [Fact]
    public async Task A_mesh_comes_from_Istio_by_the_status_that_Istio_wrote()
    {
        var file = _other["istio.yaml"];
        await File.WriteAllTextAsync(file, FromIstio);
        var applied = await Here.CliAsync($"apply -f {file}");
        Assert.Contains("serviceentry/prod/payments created  api.pay.example -> 240.240.3.7, 2001:2::307; cards.pay.example -> 240.240.1.9, 2001:2::109", applied.Done());
        Assert.Equal(["240.240.3.7"], await Here.AddressesAsync("api.pay.example"));
        Assert.Equal(["2001:2::307"], await Here.AddressesAsync("api.pay.example", "AAAA"));
        Assert.Equal(["240.240.1.9"], await Here.AddressesAsync("cards.pay.example"));
        // Istio uses addresses that end in .255, and its two families need not be a pair.
        Assert.Contains("240.240.0.255 is not taken for odd.example: it is no VIP", applied.Error);
        Assert.Contains("2001:2::99 is not taken for pair.example: 240.240.0.5 goes with 2001:2::5", applied.Error);
        Assert.Equal(["240.240.0.5"], await Here.AddressesAsync("pair.example"));
        Assert.Single(await Here.AddressesAsync("odd.example"));
        // Without a word of where it was, a newcomer takes nobody's.
        Assert.DoesNotContain((await Here.AddressesAsync("newcomer.example"))[0], (string[])["240.240.3.7", "240.240.1.9", "240.240.0.5"]);
    }

    private const string FromIstio = """
        apiVersion: v1
        kind: List
        metadata: { resourceVersion: "" }
        items:
        - apiVersion: networking.istio.io/v1
          kind: ServiceEntry
          metadata: { name: newcomer, namespace: prod }
          spec: { hosts: [newcomer.example], resolution: DNS }
        - apiVersion: networking.istio.io/v1
          kind: ServiceEntry
          metadata:
            creationTimestamp: "2025-11-03T09:12:44Z"
            generation: 2
            name: payments
            namespace: prod
            resourceVersion: "71522"
            uid: 0c0f4a4e-6f0f-4a07-8f5e-1f7a3f0f6b1d
          spec:
            hosts: [api.pay.example, cards.pay.example]
            ports: [{ name: https, number: 443, protocol: TLS }]
            resolution: DNS
          status:
            addresses:
            - { host: api.pay.example, value: 240.240.3.7 }
            - { host: api.pay.example, value: "2001:2::307" }
            - { host: cards.pay.example, value: 240.240.1.9 }
            - { host: cards.pay.example, value: "2001:2::109" }
            conditions:
            - { lastTransitionTime: "2025-11-03T09:12:44Z", message: Successfully reconciled, reason: Ready, status: "True", type: networking.istio.io/WorkloadsBound }
        - apiVersion: networking.istio.io/v1
          kind: ServiceEntry
          metadata: { name: pair, namespace: prod }
          spec: { hosts: [pair.example], resolution: DNS }
          status: { addresses: [{ host: pair.example, value: 240.240.0.5 }, { host: pair.example, value: "2001:2::99" }] }
        - apiVersion: networking.istio.io/v1
          kind: ServiceEntry
          metadata: { name: odd, namespace: prod }
          spec: { hosts: [odd.example], resolution: DNS }
          status: { addresses: [{ host: odd.example, value: 240.240.0.255 }] }

        """;
}
