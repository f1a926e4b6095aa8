using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc8482;

/// <summary>Queries, rule 7: ANY is minimal.</summary>
public sealed class AnyTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("vip.example.com")]
    [InlineData("many.example.com")]
    [InlineData("a.b.mesh.internal")]
    [InlineData("web.shop.svc.cluster.local")]
    public async Task Section4_2_ANY_gets_one_synthesised_HINFO(string name)
    {
        var reply = await Node.DigAsync($"{name} ANY +notcp");
        Assert.Equal(($"{name}.", "HINFO", "\"RFC8482\" \"\""), (reply.Only.Owner, reply.Only.Type, reply.Only.Data));
        Assert.Contains("aa", reply.Flags);
    }

    [Fact]
    public async Task Section4_2_ANY_of_a_name_that_does_not_exist_is_NXDOMAIN() =>
        Assert.Equal("NXDOMAIN", (await Node.DigAsync("nothing.mesh.internal ANY")).Status);
}
