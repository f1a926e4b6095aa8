using MeshDns.Conformance.Harness;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc6891;

/// <summary>Queries, rule 7: EDNS is answered whenever it is asked.</summary>
public sealed class EdnsTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("vip.example.com A")]
    [InlineData("nothing.mesh.internal A")]
    [InlineData("version.bind TXT -c CH")]
    [InlineData("vip.example.com A +opcode=status")]
    [InlineData("nothing.up.test A")]
    public async Task Section6_1_1_a_reply_has_OPT_exactly_when_the_query_had(string question)
    {
        Assert.Contains("version: 0, flags:; udp: 1232", (await Node.DigAsync($"{question} +edns=0")).Edns);
        Assert.False((await Node.DigAsync($"{question} +noedns")).HasEdns);
    }

    [Fact]
    public async Task Section6_1_1_kdig_sees_the_same()
    {
        Assert.Contains("Version: 0; flags: ; UDP size: 1232 B", (await Node.KdigAsync("vip.example.com A +edns=0")).Edns);
        Assert.False((await Node.KdigAsync("vip.example.com A +noedns")).HasEdns);
    }

    [Fact]
    public async Task Section6_1_3_another_version_is_BADVERS()
    {
        var dig = await Node.DigAsync("vip.example.com A +edns=1 +noednsnegotiation");
        Assert.Equal("BADVERS", dig.Status);
        Assert.Contains("version: 0", dig.Edns);
        Assert.Empty(dig.Answer);
        Assert.Contains("ext-rcode: BADVERS", (await Node.KdigAsync("vip.example.com A +edns=1")).Edns);
    }

    [Theory]
    [InlineData("+ednsopt=65001:deadbeef")]
    [InlineData("+nsid")]
    [InlineData("+subnet=192.0.2.0/24")]
    [InlineData("+ednsopt=65001 +ednsopt=65001:00 +padding=64")]
    public async Task Section6_1_2_unknown_options_are_ignored(string option)
    {
        var reply = await Node.DigAsync($"vip.example.com A +nocookie {option}");
        Assert.Equal("NOERROR", reply.Status);
        Assert.Single(reply.Answer);
        Assert.Equal("; EDNS: version: 0, flags:; udp: 1232", reply.Edns);
    }

    [Theory]
    [InlineData("vip.example.com A")]
    [InlineData("nothing.mesh.internal A")]
    [InlineData("nothing.up.test A")]
    public async Task Rfc3225_Section3_DO_is_copied(string question)
    {
        Assert.Contains("flags: do;", (await Node.DigAsync($"{question} +dnssec")).Edns);
        Assert.Contains("flags:;", (await Node.DigAsync($"{question} +nodnssec")).Edns);
    }

    [Theory]
    [InlineData("vip.example.com A")]
    [InlineData("nothing.mesh.internal A")]
    [InlineData("cookie.up.test A")]
    [InlineData("vip.example.com A +tcp")]
    public async Task Rfc7873_Section5_2_a_cookie_is_answered_with_a_good_one(string question)
    {
        Upstream.Address4("cookie.up.test", "198.51.100.4");
        // The second reply of a forwarded name comes from the cache.
        for (var i = 0; i < 2; i++) Assert.Contains("(good)", (await Node.DigAsync($"{question} +cookie")).Edns);
    }

    [Fact]
    public async Task Rfc7873_Section5_2_3_a_wrong_server_cookie_still_gets_an_answer_and_a_good_cookie()
    {
        var reply = await Node.DigAsync("vip.example.com A +cookie=0123456789abcdef0123456789abcdef0123456789abcdef");
        Assert.Single(reply.Answer);
        Assert.Contains("COOKIE: 0123456789abcdef", reply.Edns);
        Assert.Contains("(good)", reply.Edns);
    }
}
