using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Mesh;

/// <summary>Queries, rule 4: other types, mesh zones and declared public names.</summary>
public sealed class Rule4TypeTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("mesh.internal")]
    [InlineData("cluster.local")]
    [InlineData("240.240.in-addr.arpa")]
    [InlineData("0.0.0.0.2.0.0.0.1.0.0.2.ip6.arpa")]
    public async Task Rule4_the_apex_of_a_mesh_zone_has_SOA_and_NS(string zone)
    {
        var soa = await Node.DigAsync($"{zone} SOA");
        Assert.Equal(zone + ".", soa.Only.Owner);
        Assert.Equal("SOA", soa.Only.Type);
        var ns = await Node.KdigAsync($"{zone} NS");
        Assert.Equal((zone + ".", "NS"), (ns.Only.Owner, ns.Only.Type));
        var address = await Node.DigAsync($"{zone} A");
        Assert.Equal(("NOERROR", 0), (address.Status, address.Answer.Count));
    }

    [Theory]
    [InlineData("nothing.mesh.internal", "mesh.internal.")]
    [InlineData("x.a.b.mesh.internal", "mesh.internal.")]
    [InlineData("nothing.shop.svc.cluster.local", "cluster.local.")]
    [InlineData("1.2.240.240.in-addr.arpa", "240.240.in-addr.arpa.")]
    public async Task Rule4_a_name_that_does_not_exist_in_a_mesh_zone_is_NXDOMAIN(string name, string zone)
    {
        foreach (var type in (string[])["A", "AAAA", "MX", "PTR", "TYPE65280"])
        {
            var reply = await Node.DigAsync($"{name} {type}");
            Assert.Equal("NXDOMAIN", reply.Status);
            Assert.Contains("aa", reply.Flags);
            Assert.Equal(zone, Assert.Single(reply.Authority).Owner);
        }
    }

    [Theory]
    [InlineData("b.mesh.internal")]
    [InlineData("shop.svc.cluster.local")]
    [InlineData("svc.cluster.local")]
    public async Task Rfc8020_an_empty_non_terminal_is_NODATA(string name)
    {
        var reply = await Node.DigAsync($"{name} A");
        Assert.Equal(("NOERROR", 0), (reply.Status, reply.Answer.Count));
        Assert.Equal("SOA", Assert.Single(reply.Authority).Type);
    }

    [Theory]
    [InlineData("a.b.mesh.internal", "MX")]
    [InlineData("a.b.mesh.internal", "TXT")]
    [InlineData("a.b.mesh.internal", "SOA")]
    [InlineData("web.shop.svc.cluster.local", "CAA")]
    [InlineData("silent.mesh.internal", "A")]
    [InlineData("silent.mesh.internal", "TXT")]
    public async Task Rule4_other_types_of_a_name_in_a_mesh_zone_are_NODATA(string name, string type)
    {
        var reply = await Node.DigAsync($"{name} {type}");
        Assert.Equal(("NOERROR", 0), (reply.Status, reply.Answer.Count));
        Assert.Equal("SOA", Assert.Single(reply.Authority).Type);
    }

    [Fact]
    public async Task Rule4_mail_of_a_declared_public_name_is_forwarded()
    {
        Upstream.On("vip.example.com", query => query.Answer(new FakeRecord(query.Name, DnsType.MX, 60, [0, 10, .. FakeRecord.Name("mail.up.test")])));
        var reply = await Node.DigAsync("vip.example.com MX");
        Assert.Equal(["vip.example.com. MX 10 mail.up.test."], reply.Records);
        Assert.DoesNotContain("aa", reply.Flags);
    }

    [Theory]
    [InlineData("fixed.example.com", "MX")]
    [InlineData("y.wild.example.com", "TXT")]
    public async Task Rule4_an_upstream_NXDOMAIN_of_a_declared_name_becomes_NODATA(string name, string type)
    {
        // The second comes from the cache.
        for (var i = 0; i < 2; i++)
        {
            var reply = await Node.DigAsync($"{name} {type}");
            Assert.Equal(("NOERROR", 0), (reply.Status, reply.Answer.Count));
        }
        Assert.Single(Upstream.QueriesFor(name));
    }

    [Theory]
    [InlineData("SRV")]
    [InlineData("HTTPS")]
    [InlineData("SVCB")]
    public async Task Rule4_service_types_of_a_declared_public_name_are_ours(string type)
    {
        var reply = await Node.DigAsync($"dual.example.com {type}");
        Assert.Equal(("NOERROR", 0), (reply.Status, reply.Answer.Count));
        Assert.Contains("aa", reply.Flags);
        Assert.Empty(Upstream.QueriesFor("dual.example.com"));
    }
}
