using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Mesh;

/// <summary>Queries, rules 6, 10 and 11: capture off, nothing known yet, knowledge too old. Each test has a node of its own.</summary>
public sealed class KnowledgeTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly MeshNode _mesh = new DefaultNode();

    private NodeProcess Node => _mesh.Node;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        output.WriteLine("The last node's log:\n" + _mesh.Node?.Log);
        await _mesh.DisposeAsync();
    }

    [Fact]
    public async Task Rule6_without_capture_everything_is_forwarded()
    {
        await _mesh.StartAsync("dns.capture=off");
        _ = (await Node.ApplyAsync(Manifest.Vip("vip", "vip.test") + Manifest.Service("web", "clusterIP: 10.96.0.80", "ports: [{ port: 80 }]"))).Done;
        foreach (var name in (string[])["vip.test", "web.shop.svc.cluster.local"])
        {
            _mesh.Upstream.Address4(name, "198.51.100.30");
            Assert.Equal(["198.51.100.30"], await Node.AddressesAsync(name));
        }
    }

    [Fact]
    public async Task Rule10_before_the_first_load_mesh_zones_fail_and_other_TTLs_are_capped()
    {
        _mesh.HideJournal();
        await _mesh.StartUnreadyAsync();
        _mesh.Upstream.Address4("public.test", "198.51.100.31", ttl: 300);
        // The second answer comes from the cache.
        for (var i = 0; i < 2; i++)
        {
            var forwarded = await Node.DigAsync("public.test A");
            Assert.Equal(["198.51.100.31"], forwarded.Data);
            Assert.InRange(forwarded.Only.Ttl, 0u, 5u);
            var inside = await Node.DigAsync("web.shop.svc.cluster.local A");
            Assert.Equal(("SERVFAIL", 14), (inside.Status, inside.ExtendedError));
        }
        (await Node.GetAsync("/readyz")).Refused(HttpStatusCode.ServiceUnavailable);
        Assert.Equal(HttpStatusCode.OK, (await Node.GetAsync("/healthz")).Status);
        (await Node.ApplyAsync(Manifest.Vip("vip", "vip.test"))).Refused(HttpStatusCode.ServiceUnavailable);

        _mesh.RestoreJournal();
        await Node.WaitForLogAsync("ready: dns");
        Assert.Equal(HttpStatusCode.OK, (await Node.GetAsync("/readyz")).Status);
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("web.shop.svc.cluster.local A")).Status);
        Assert.InRange((await Node.DigAsync("public.test A")).Only.Ttl, 6u, 300u);
    }

    [Fact]
    public async Task Rule10_with_not_ready_servfail_other_names_fail_too()
    {
        _mesh.HideJournal();
        await _mesh.StartUnreadyAsync("dns.not-ready=servfail");
        _mesh.Upstream.Address4("public.test", "198.51.100.32");
        var reply = await Node.KdigAsync("public.test A +edns");
        Assert.Equal("SERVFAIL", reply.Status);
        Assert.Equal(14, (await Node.DigAsync("public.test A")).ExtendedError);
        Assert.Empty(_mesh.Upstream.QueriesFor("public.test"));
        _mesh.RestoreJournal();
    }

    [Theory]
    [InlineData("refuse")]
    [InlineData("serve")]
    public async Task Rule11_knowledge_past_its_age_names_no_automatic_vip(string expired)
    {
        string[] settings = ["dns.ttl=1s", "vips.quarantine=5s", $"directory.expired={expired}"];
        await _mesh.StartAsync(settings);
        _ = (await Node.ApplyAsync(Manifest.Vip("vip", "vip.test") + Manifest.Fixed("fixed", "fixed.test", "192.0.2.1"))).Done;
        var vip = await Node.AddressesAsync("vip.test");
        Assert.Equal(0, await Node.StopAsync());

        _mesh.HideJournal();
        await _mesh.StartUnreadyAsync(settings);
        await Node.PollAsync(async () => await Node.MetricAsync("meshdns_directory_age_seconds") > 3, "the knowledge is older than quarantine - 2 x TTL");
        Assert.Equal(["192.0.2.1"], await Node.AddressesAsync("fixed.test"));
        foreach (var type in (string[])["A", "AAAA"])
        {
            var reply = await Node.DigAsync($"vip.test {type}");
            if (expired == "serve") Assert.Single(reply.Answer);
            else Assert.Equal(("SERVFAIL", 3), (reply.Status, reply.ExtendedError));
        }

        // Fresh knowledge: the same VIP.
        _mesh.RestoreJournal();
        await Node.WaitForLogAsync("ready: dns");
        Assert.Equal(vip, await Node.AddressesAsync("vip.test"));
    }
}
