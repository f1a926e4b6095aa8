using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>What real files hold beside plain declarations: other kinds, lists, anchors, and what has no effect, which is said.</summary>
public sealed class RealManifestTests(DefaultNode fixture, ITestOutputHelper output) : MeshTest(fixture, output), IClassFixture<DefaultNode>
{
    private const string Route = "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: route }\nspec: { hosts: [x] }\n";

    [Fact]
    public async Task A_file_with_other_kinds_is_applied_without_them()
    {
        var yaml = Route + Manifest.Fixed("mixed", "mixed.test", "192.0.2.1");
        (await Node.CliAsync("apply --strict -f -", yaml)).Failed(1, "document 1", "VirtualService");
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("mixed.test A")).Status);
        var run = await Node.CliAsync("apply -f -", yaml);
        Assert.StartsWith("serviceentry/default/mixed created", run.Done());
        Assert.Equal("-: document 1: VirtualService (networking.istio.io/v1) route is skipped: its kind means nothing for names\n", run.Error);
        Assert.Equal(["192.0.2.1"], await Node.AddressesAsync("mixed.test"));
        Assert.Equal("VirtualService", (string?)(await Node.ApplyAsync(yaml)).Done["skipped"]![0]!["kind"]);
    }

    [Fact]
    public async Task A_list_of_entries_and_its_anchors_are_read()
    {
        _ = (await Node.ApplyAsync("""
            apiVersion: networking.istio.io/v1
            kind: ServiceEntryList
            items:
            - metadata: { name: listed-a }
              spec: &spec { hosts: [a.listed.test], addresses: &addresses [192.0.2.7], resolution: NONE }
            - metadata: { name: listed-b }
              spec: { <<: *spec, hosts: [b.listed.test] }
            - metadata: { name: listed-c }
              spec: { hosts: [c.listed.test], addresses: *addresses }
            """)).Done;
        foreach (var host in new[] { "a", "b", "c" }) Assert.Equal(["192.0.2.7"], await Node.AddressesAsync($"{host}.listed.test"));
    }

    [Fact]
    public async Task A_name_below_localhost_is_answered_as_declared_and_the_reserved_ones_are_refused()
    {
        _ = (await Node.ApplyAsync(Manifest.Vip("local", "app.localhost") + Manifest.Fixed("local-wild", "*.dev.localhost", "192.0.2.8"))).Done;
        Assert.Equal([(await VipOfAsync("app.localhost"))!.Value.IPv4], await Node.AddressesAsync("app.localhost"));
        Assert.Equal(["192.0.2.8"], await Node.AddressesAsync("x.dev.localhost"));
        Assert.Equal(["127.0.0.1"], await Node.AddressesAsync("other.localhost"));
        foreach (var host in new[] { "localhost", "invalid", "x.invalid", "*.invalid" }) (await Node.ApplyAsync(Manifest.Vip("reserved", host))).Refused(System.Net.HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task What_has_no_effect_is_taken_with_a_warning_and_kept()
    {
        var leased = await PoolAsync("leased");
        var reply = await Node.ApplyAsync(Manifest.Entry("pattern", ["*x.pattern.test"], "resolution: STATIC", "endpoints: [{ address: 'unix:///run/s' }]"));
        Assert.Contains("matches no DNS name", reply.Warnings);
        Assert.Equal(leased, await PoolAsync("leased"));
        Assert.Equal("*x.pattern.test", (string?)(await Node.GetAsync("/v1/service-entries/default/pattern")).Done["spec"]!["hosts"]![0]);
        // What it declared before is gone, since the document says so now.
        _ = (await Node.ApplyAsync(Manifest.Fixed("pattern", "was.pattern.test", "192.0.2.9"))).Done;
        Assert.Equal(["192.0.2.9"], await Node.AddressesAsync("was.pattern.test"));
        _ = (await Node.ApplyAsync(Manifest.Entry("pattern", ["*x.pattern.test"]))).Done;
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("was.pattern.test A")).Status);
        Assert.Contains("visible to nobody", (await Node.ApplyAsync(Manifest.Fixed("hidden", "hidden.test", "192.0.2.9").Replace("  addresses", "  exportTo: ['~']\n  addresses"))).Warnings);
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("hidden.test A")).Status);
    }
}
