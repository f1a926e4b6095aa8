using MeshDns.Conformance.Harness;
using MeshDns.Contracts.Dns;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc1035;

/// <summary>Queries, rules 7 and 9: flags, opcodes, classes and types that are refused.</summary>
public sealed class HeaderTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    [InlineData("+rec +nocd", "aa qr ra rd")]
    [InlineData("+norec +nocd", "aa qr ra")]
    [InlineData("+rec +cd", "aa cd qr ra rd")]
    [InlineData("+norec +cd +noadflag", "aa cd qr ra")]
    public async Task Rule7_local_answers_have_AA_and_RA_copy_RD_and_CD_and_clear_AD(string query, string flags)
    {
        foreach (var name in (string[])["vip.example.com", "nothing.mesh.internal", "localhost"])
        {
            var reply = await Node.DigAsync($"{name} A {query}");
            Assert.Equal(flags, string.Join(' ', reply.Flags.Order()));
            Assert.Equal("QUERY", reply.Opcode);
        }
    }

    [Theory]
    [InlineData("+opcode=status", "STATUS")]
    [InlineData("+opcode=notify", "NOTIFY")]
    [InlineData("+opcode=update", "UPDATE")]
    [InlineData("+opcode=15", "RESERVED15")]
    public async Task Rule9_an_unknown_opcode_is_NOTIMP_and_echoed(string option, string opcode)
    {
        var reply = await Node.DigAsync($"vip.example.com A {option}");
        Assert.Equal((opcode, "NOTIMP"), (reply.Opcode, reply.Status));
    }

    [Theory]
    [InlineData("version.bind TXT -c CH")]
    [InlineData("vip.example.com A -c HS")]
    [InlineData("vip.example.com A -c ANY")]
    [InlineData("vip.example.com A -c CLASS1234")]
    public async Task Rule9_a_class_other_than_IN_is_REFUSED(string question) =>
        Assert.Equal("REFUSED", (await Node.DigAsync(question)).Status);

    [Theory]
    [InlineData("AXFR")]
    [InlineData("IXFR=1")]
    public async Task Rule7_a_zone_transfer_fails(string type) =>
        Assert.Contains("Transfer failed", (await Node.RunDigAsync($"mesh.internal {type}")).Output);

    [Theory]
    [InlineData(249)] // TKEY
    [InlineData(250)] // TSIG
    [InlineData(251)] // IXFR
    [InlineData(252)] // AXFR
    [InlineData(253)] // MAILB
    [InlineData(254)] // MAILA
    public async Task Rule7_meta_types_are_REFUSED(ushort type)
    {
        foreach (var name in (string[])["mesh.internal", "vip.example.com", "plain.up.test"])
        {
            Assert.Equal(Rcode.Refused, DnsHeader.GetRcode(await RawClient.AskUdpAsync(Node.Dns, RawClient.Query(name, (DnsType)type))));
            Assert.Equal(Rcode.Refused, DnsHeader.GetRcode(Assert.Single(await RawClient.PipelineAsync(Node.Dns, RawClient.Query(name, (DnsType)type)))));
        }
    }

    [Fact]
    public async Task Rule9_no_question_is_FORMERR() =>
        Assert.Equal("FORMERR", (await Node.DigAsync("+header-only +nocookie")).Status);

    [Fact]
    public async Task Rfc7873_Section5_4_no_question_with_a_cookie_is_a_cookie_reply()
    {
        var reply = await Node.DigAsync("+header-only +cookie");
        Assert.Equal("NOERROR", reply.Status);
        Assert.Contains("(good)", reply.Edns);
    }
}
