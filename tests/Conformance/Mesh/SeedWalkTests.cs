using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Mesh;

/// <summary>
/// What the project was asked for, walked as a user does: services by short and full names, two databases on one port, the label that opts out, capture by
/// workload; and nothing of it is seen by an upstream.
/// </summary>
public sealed class SeedWalkTests(ITestOutputHelper output) : IAsyncLifetime
{
    // Workloads by their source address: of namespace default, of shop, and one that is not captured.
    private const string Clients = "clients=[{ cidr = \"127.0.0.0/8\", namespace = default }, { cidr = \"127.0.2.0/24\", namespace = shop }, { cidr = \"127.0.2.9/32\", namespace = shop, capture = off }]";

    private const string Services = """
        apiVersion: v1
        kind: Service
        metadata: { name: frontend }
        spec: { clusterIP: 10.96.0.10, selector: { app: frontend }, ports: [{ port: 80, name: http }] }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: backend }
        spec: { selector: { app: backend }, ports: [{ port: 8080, name: http-api }, { port: 8443, name: https }] }

        """;

    private readonly MeshNode _mesh = new DefaultNode();

    public Task InitializeAsync() => _mesh.StartAsync(Clients);

    public async Task DisposeAsync()
    {
        output.WriteLine("The node's log:\n" + _mesh.Node?.Log);
        await _mesh.DisposeAsync();
    }

    [Fact]
    public async Task Services_are_found_by_every_name_that_an_application_says()
    {
        _ = (await _mesh.Node.ApplyAsync(Services)).Done;
        var vip = Assert.Single(await _mesh.Node.AddressesAsync("backend.default.svc.cluster.local"));
        Assert.StartsWith("240.240.", vip, StringComparison.Ordinal);
        foreach (var name in (string[])["backend", "backend.default", "backend.default.svc", "backend.default.default.svc.cluster.local", "backend.default.svc.cluster.local.svc.cluster.local"])
        {
            var reply = await _mesh.Node.DigAsync($"{name} A");
            Assert.Equal(($"{name}.", vip), (reply.Only.Owner, reply.Only.Data));
            Assert.StartsWith("2001:2::", (await _mesh.Node.DigAsync($"{name} AAAA")).Only.Data, StringComparison.Ordinal);
        }
        Assert.Equal(["10.96.0.10"], await _mesh.Node.AddressesAsync("frontend"));
        // From another namespace only with its own.
        Assert.Equal([vip], (await _mesh.Node.DigAsync("-b 127.0.2.1 backend.default A")).Data);
        Assert.Empty((await _mesh.Node.DigAsync("-b 127.0.2.1 backend.shop.svc.cluster.local A")).Data);
        Assert.Equal("0 100 8080 backend.default.svc.cluster.local.", (await _mesh.Node.DigAsync("_http-api._tcp.backend SRV")).Only.Data);
        Assert.Equal("backend.default.svc.cluster.local.", (await _mesh.Node.DigAsync($"-x {vip}")).Only.Data);
    }

    [Fact]
    public async Task Two_databases_on_one_port_are_told_apart_and_the_label_opts_out()
    {
        _ = (await _mesh.Node.ApplyAsync(Manifest.Vip("db1", "orders.db.example") + Manifest.Vip("db2", "users.db.example") + Manifest.OptedOut(Manifest.Vip("db3", "legacy.db.example")))).Done;
        _mesh.Upstream.Address4("legacy.db.example", "198.51.100.7");
        var (orders, users) = (Assert.Single(await _mesh.Node.AddressesAsync("orders.db.example")), Assert.Single(await _mesh.Node.AddressesAsync("users.db.example")));
        Assert.NotEqual(orders, users);
        Assert.Equal(["198.51.100.7"], await _mesh.Node.AddressesAsync("legacy.db.example"));
        Assert.Equal([orders], await _mesh.Node.AddressesAsync("orders.db.example.default.svc.cluster.local"));
    }

    [Fact]
    public async Task A_workload_that_is_not_captured_sees_no_mesh()
    {
        _ = (await _mesh.Node.ApplyAsync(Manifest.Vip("db", "orders.db.example"))).Done;
        _mesh.Upstream.Address4("orders.db.example", "198.51.100.8");
        Assert.StartsWith("240.240.", (await _mesh.Node.DigAsync("-b 127.0.2.1 orders.db.example A")).Only.Data, StringComparison.Ordinal);
        Assert.Equal(["198.51.100.8"], (await _mesh.Node.DigAsync("-b 127.0.2.9 orders.db.example A")).Data);
    }

    [Fact]
    public async Task Nothing_of_ours_is_seen_by_an_upstream()
    {
        _ = (await _mesh.Node.ApplyAsync(Services + "---\n" + Manifest.Vip("db", "orders.db.example") + Manifest.Fixed("web", "web.example", "198.18.0.1"))).Done;
        var vip = Assert.Single(await _mesh.Node.AddressesAsync("orders.db.example"));
        string[] inZones =
        [
            "backend.default.svc.cluster.local", "none.default.svc.cluster.local", "_http-api._tcp.backend.default.svc.cluster.local", "_none._tcp.backend.default.svc.cluster.local",
            "www.google.com.default.svc.cluster.local", "orders.db.example.svc.cluster.local", "cluster.local", "backend", "backend.default", "9.9.240.240.in-addr.arpa", "240.240.in-addr.arpa",
        ];
        foreach (var name in inZones)
            foreach (var type in (string[])["A", "AAAA", "SRV", "HTTPS", "SVCB", "TXT", "MX", "PTR", "ANY", "SOA", "NS", "CAA", "TYPE65280"]) await _mesh.Node.DigAsync($"{name} {type}");
        foreach (var name in (string[])["orders.db.example", "web.example"])
            foreach (var type in (string[])["A", "AAAA", "SRV", "HTTPS", "SVCB", "ANY"]) await _mesh.Node.DigAsync($"{name} {type}");
        await _mesh.Node.DigAsync("_mysql._tcp.orders.db.example SRV");
        foreach (var address in (string[])[vip, "198.18.0.1", "10.96.0.10"]) Assert.Equal("NOERROR", (await _mesh.Node.DigAsync($"-x {address}")).Status);
        Assert.DoesNotContain(_mesh.Upstream.Names, name => name.Length > 1);
        // What is not ours goes there, which shows that it would have been seen.
        await _mesh.Node.DigAsync("orders.db.example MX");
        Assert.Contains("orders.db.example", _mesh.Upstream.Names);
    }
}
