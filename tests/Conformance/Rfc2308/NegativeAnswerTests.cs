using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc2308;

/// <summary>What a negative answer carries so that it can be cached.</summary>
public sealed class NegativeAnswerTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("nothing.mesh.internal A", "NXDOMAIN", "mesh.internal.")]
    [InlineData("a.b.mesh.internal TXT", "NOERROR", "mesh.internal.")]
    [InlineData("fixed.example.com AAAA", "NOERROR", "fixed.example.com.")]
    public async Task Rule4_Section3_SOA_in_authority_with_the_negative_ttl_as_TTL_and_MINIMUM(string question, string status, string owner)
    {
        var reply = await Node.DigAsync(question);
        Assert.Equal(status, reply.Status);
        Assert.Empty(reply.Answer);
        var soa = Assert.Single(reply.Authority);
        Assert.Equal((owner, "SOA", 5u), (soa.Owner, soa.Type, soa.Ttl));
        Assert.EndsWith(" 5", soa.Data);
    }

    [Fact]
    public async Task Section5_a_forwarded_negative_answer_is_cached_by_its_SOA()
    {
        for (var i = 0; i < 3; i++)
        {
            var reply = await Node.DigAsync("absent.up.test A");
            Assert.Equal("NXDOMAIN", reply.Status);
            Assert.Equal("SOA", Assert.Single(reply.Authority).Type);
        }
        Assert.Single(Upstream.QueriesFor("absent.up.test"));
    }
}
