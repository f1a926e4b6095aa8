using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc6761;

/// <summary>Queries, rule 7: names that never leave the node.</summary>
public sealed class SpecialNameTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("localhost")]
    [InlineData("a.b.LocalHost")]
    public async Task Section6_3_localhost_is_loopback(string name)
    {
        Assert.Equal(["127.0.0.1"], await Node.AddressesAsync(name));
        Assert.Equal(["::1"], await Node.AddressesAsync(name, "AAAA"));
        var mail = await Node.DigAsync($"{name} MX");
        Assert.Equal(("NOERROR", 0), (mail.Status, mail.Answer.Count));
        Assert.Equal("localhost.", Assert.Single(mail.Authority).Owner, ignoreCase: true);
    }

    [Theory]
    [InlineData("invalid")]
    [InlineData("some.thing.invalid")]
    public async Task Section6_4_invalid_does_not_exist(string name)
    {
        var reply = await Node.KdigAsync($"{name} A");
        Assert.Equal("NXDOMAIN", reply.Status);
        Assert.Equal("invalid.", Assert.Single(reply.Authority).Owner);
    }
}
