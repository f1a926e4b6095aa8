using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Mesh;

/// <summary>Queries, rule 3: A and AAAA of a known name.</summary>
public sealed class Rule3AddressTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("")]
    [InlineData("+tcp")]
    public async Task Rule3_a_vip_answers_in_both_families_on_both_transports(string transport)
    {
        var four = await Node.DigAsync($"vip.example.com A {transport}");
        var six = await Node.KdigAsync($"vip.example.com AAAA {transport}");
        Assert.Equal(transport == "+tcp", four.IsTcp);
        Assert.Equal(transport == "+tcp", six.IsTcp);
        Assert.StartsWith("240.240.", four.Only.Data);
        Assert.StartsWith("2001:2::", six.Only.Data);
        Assert.Equal(30u, four.Only.Ttl);
        Assert.Equal(30u, six.Only.Ttl);
        var bytes = System.Net.IPAddress.Parse(four.Only.Data).GetAddressBytes();
        Assert.Equal(bytes[2..], System.Net.IPAddress.Parse(six.Only.Data).GetAddressBytes()[14..]);
    }

    [Fact]
    public async Task Rule3_all_addresses_of_the_family_are_given_in_an_order_that_rotates()
    {
        var run = await Node.RunDigAsync(string.Concat(Enumerable.Repeat("fixed.example.com A ", 50)));
        var replies = DigReply.ReadAll(run.Output);
        Assert.Equal(50, replies.Count);
        Assert.All(replies, reply => Assert.Equal(["192.0.2.1", "192.0.2.2", "192.0.2.3"], reply.Data.Order()));
        // Each is first in a third of the replies; that one never is in 50 has a probability of 5e-9.
        Assert.Equal(["192.0.2.1", "192.0.2.2", "192.0.2.3"], replies.Select(reply => reply.Data[0]).Distinct().Order());
    }

    [Theory]
    [InlineData("dual.example.com", "A", "192.0.2.4")]
    [InlineData("dual.example.com", "AAAA", "2001:db8::4")]
    [InlineData("six.example.com", "AAAA", "2001:db8::6")]
    [InlineData("web.shop.svc.cluster.local", "A", "10.96.0.80")]
    public async Task Rule3_explicit_addresses_are_answered(string name, string type, string address) =>
        Assert.Equal([address], await Node.AddressesAsync(name, type));

    [Theory]
    [InlineData("fixed.example.com", "AAAA", "fixed.example.com.")]
    [InlineData("six.example.com", "A", "six.example.com.")]
    [InlineData("x.wild.example.com", "AAAA", "x.wild.example.com.")]
    [InlineData("web.shop.svc.cluster.local", "AAAA", "cluster.local.")]
    public async Task Rule3_no_address_of_the_family_is_NODATA_with_SOA(string name, string type, string owner)
    {
        var reply = await Node.DigAsync($"{name} {type}");
        Assert.Equal("NOERROR", reply.Status);
        Assert.Empty(reply.Answer);
        Assert.Equal(owner, Assert.Single(reply.Authority, record => record.Type == "SOA").Owner);
    }

    [Fact]
    public async Task Rule3_an_external_name_inside_the_mesh_is_followed()
    {
        var reply = await Node.DigAsync("alias.shop.svc.cluster.local A");
        Assert.Equal(["CNAME", "A"], reply.Answer.Select(record => record.Type));
        Assert.Equal(Assert.Single(await Node.AddressesAsync("vip.example.com")), reply.Data[1]);
        Assert.Equal(["alias.shop.svc.cluster.local. CNAME vip.example.com."], (await Node.DigAsync("alias.shop.svc.cluster.local CNAME")).Records);
    }

    [Fact]
    public async Task Rule3_an_external_name_outside_the_mesh_is_followed_upstream()
    {
        Upstream.Address4("target.up.test", "198.51.100.3");
        var reply = await Node.KdigAsync("outside.shop.svc.cluster.local A");
        Assert.Equal(["outside.shop.svc.cluster.local. CNAME target.up.test.", "target.up.test. A 198.51.100.3"], reply.Records);
    }

    [Fact]
    public async Task Rule3_an_external_name_that_leads_to_itself_is_SERVFAIL_and_not_a_loop() =>
        Assert.Equal("SERVFAIL", (await Node.DigAsync("again.shop.svc.cluster.local A")).Status);
}
