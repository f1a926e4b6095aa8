using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Mesh;

/// <summary>Queries, rule 1: exact name, longest wildcard, not ours.</summary>
public sealed class Rule1NameTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("exact.wild.example.com", "192.0.2.12")]
    [InlineData("a.wild.example.com", "192.0.2.10")]
    [InlineData("a.b.c.wild.example.com", "192.0.2.10")]
    [InlineData("below.exact.wild.example.com", "192.0.2.10")]
    [InlineData("deep.wild.example.com", "192.0.2.10")]
    [InlineData("a.deep.wild.example.com", "192.0.2.11")]
    [InlineData("a.b.deep.wild.example.com", "192.0.2.11")]
    public async Task Rule1_the_exact_name_then_the_longest_wildcard(string name, string address)
    {
        var reply = await Node.DigAsync($"{name} A");
        Assert.Equal([$"{name}. A {address}"], reply.Records);
        Assert.Contains("aa", reply.Flags);
    }

    [Fact]
    public async Task Rule1_a_wildcard_does_not_match_its_own_suffix()
    {
        Upstream.Address4("wild.example.com", "203.0.113.1");
        Assert.Equal(["203.0.113.1"], await Node.AddressesAsync("wild.example.com"));
    }

    [Theory]
    [InlineData("none.wild.example.com")]
    [InlineData("a.none.wild.example.com")]
    [InlineData("a.b.none.wild.example.com")]
    [InlineData("out.wild.example.com")]
    [InlineData("cidr.wild.example.com")]
    public async Task Rule1_a_host_without_an_address_is_forwarded_and_shadows_a_shorter_wildcard(string name)
    {
        Upstream.Address4(name, "203.0.113.2");
        var reply = await Node.DigAsync($"{name} A");
        Assert.Equal(["203.0.113.2"], reply.Data);
        Assert.DoesNotContain("aa", reply.Flags);
        Assert.NotEmpty(Upstream.QueriesFor(name));
    }

    [Fact]
    public async Task Rule1_a_dynamic_wildcard_answers_all_its_names_with_one_vip()
    {
        var vip = Assert.Single(await Node.AddressesAsync("a.dynamic.example.com"));
        Assert.StartsWith("240.240.", vip);
        Assert.Equal([vip], await Node.AddressesAsync("x.y.dynamic.example.com"));
    }

    [Fact]
    public async Task Rule1_what_is_not_ours_is_forwarded()
    {
        Upstream.Address4("plain.up.test", "198.51.100.1");
        var reply = await Node.DigAsync("plain.up.test A");
        Assert.Equal(["plain.up.test. A 198.51.100.1"], reply.Records);
        Assert.DoesNotContain("aa", reply.Flags);
        Assert.Contains("ra", reply.Flags);
        Assert.Equal("NXDOMAIN", (await Node.KdigAsync("nothing.up.test A")).Status);
    }

    [Theory]
    [InlineData("VIP.exAMPLE.com")]
    [InlineData("A.WiLd.eXample.COM")]
    public async Task Rfc4343_names_match_without_case_and_the_questions_case_is_echoed(string name)
    {
        var reply = await Node.DigAsync($"{name} A");
        Assert.Equal($"{name}. IN A", Assert.Single(reply.Questions));
        Assert.Equal(name + ".", reply.Only.Owner);
    }

    [Fact]
    public async Task Rfc4343_the_case_of_a_forwarded_question_is_echoed_from_the_cache_too()
    {
        Upstream.Address4("mixed.up.test", "198.51.100.2");
        foreach (var name in (string[])["miXed.UP.test", "MIXED.up.TEST"])
        {
            var reply = await Node.DigAsync($"{name} A");
            Assert.Equal($"{name}. IN A", Assert.Single(reply.Questions));
            Assert.Equal(name + ".", reply.Only.Owner);
        }
    }
}
