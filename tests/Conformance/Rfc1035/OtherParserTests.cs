using System.Text.RegularExpressions;
using DnsClient;
using DnsClient.Protocol;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Rfc1035;

/// <summary>DnsClient, whose parser others have written, reads every shape of answer that this server writes, and reads in it what dig does.</summary>
public sealed class OtherParserTests(QueryNode fixture, ITestOutputHelper output) : QueryTest(fixture, output)
{
    [Theory]
    // Addresses: one, several, none, more than a datagram holds, both families, of a wildcard.
    [InlineData("vip.example.com", QueryType.A)]
    [InlineData("vip.example.com", QueryType.AAAA)]
    [InlineData("fixed.example.com", QueryType.A)]
    [InlineData("fixed.example.com", QueryType.AAAA)]
    [InlineData("many.example.com", QueryType.A)]
    [InlineData("dual.example.com", QueryType.AAAA)]
    [InlineData("any.deep.wild.example.com", QueryType.A)]
    [InlineData("web.shop.svc.cluster.local", QueryType.A)]
    // Aliases: to a name of ours, to one upstream, to itself.
    [InlineData("alias.shop.svc.cluster.local", QueryType.A)]
    [InlineData("outside.shop.svc.cluster.local", QueryType.A)]
    [InlineData("outside.shop.svc.cluster.local", QueryType.CNAME)]
    [InlineData("again.shop.svc.cluster.local", QueryType.A)]
    // Zones: apex, no such name, no such type, an empty non-terminal; ANY; a special name.
    [InlineData("mesh.internal", QueryType.SOA)]
    [InlineData("mesh.internal", QueryType.NS)]
    [InlineData("nothing.mesh.internal", QueryType.A)]
    [InlineData("a.b.mesh.internal", QueryType.TXT)]
    [InlineData("b.mesh.internal", QueryType.A)]
    [InlineData("vip.example.com", QueryType.ANY)]
    [InlineData("localhost", QueryType.A)]
    [InlineData("1.0.0.127.in-addr.arpa", QueryType.PTR)]
    // Forwarded: a chain, several types, no such name, a failure.
    [InlineData("chain.up.test", QueryType.A)]
    [InlineData("text.up.test", QueryType.TXT)]
    [InlineData("absent.up.test", QueryType.A)]
    [InlineData("broken.up.test", QueryType.A)]
    public async Task Both_read_the_same(string name, QueryType type)
    {
        Upstream.Address4("target.up.test", "198.51.100.1");
        Upstream.On("chain.up.test", query => query.Answer(FakeRecord.Cname(query.Name, 60, "end.up.test"), FakeRecord.A("end.up.test", 60, "198.51.100.2")));
        Upstream.On("text.up.test", query => query.Answer(FakeRecord.Txt(query.Name, 60, "some text")));
        Upstream.On("broken.up.test", query => query.Fail(Contracts.Dns.Rcode.ServFail));
        var dig = await Node.DigAsync($"{name} {type}");
        foreach (var isTcp in (bool[])[false, true])
        {
            var client = new LookupClient(new LookupClientOptions(Node.Dns) { UseCache = false, UseTcpOnly = isTcp, Timeout = TimeSpan.FromSeconds(15), Retries = 0, ThrowDnsErrors = false });
            var reply = await client.QueryAsync(name, type);
            Assert.Equal(dig.Status, StatusOf(reply));
            Assert.Equal(dig.Flags, FlagsOf(reply.Header).ToHashSet());
            Assert.Equal(dig.Records.Select(WithoutSerial), reply.Answers.Select(Text).Order(StringComparer.Ordinal));
            Assert.Equal(dig.Authority.Select(record => WithoutSerial(record.ToString())), reply.Authorities.Select(Text));
        }
    }

    private static string StatusOf(IDnsQueryResponse reply) => reply.Header.ResponseCode switch
    {
        DnsHeaderResponseCode.NoError => "NOERROR",
        DnsHeaderResponseCode.NotExistentDomain => "NXDOMAIN",
        DnsHeaderResponseCode.ServerFailure => "SERVFAIL",
        var other => other.ToString(),
    };

    private static IEnumerable<string> FlagsOf(DnsResponseHeader header)
    {
        yield return "qr";
        if (header.HasAuthorityAnswer) yield return "aa";
        if (header.ResultTruncated) yield return "tc";
        if (header.RecursionDesired) yield return "rd";
        if (header.RecursionAvailable) yield return "ra";
    }

    // It is a time.
    private static string WithoutSerial(string record) => Regex.Replace(record, @"( SOA \S+ \S+) \d+", "$1 serial");

    // As dig has it: HINFO is one of the types that DnsClient does not take apart.
    private static string Text(DnsResourceRecord record) => record is UnknownRecord { RecordType: (ResourceRecordType)13 } ? $"{record.DomainName} HINFO \"RFC8482\" \"\"" : WithoutSerial($"{record.DomainName} {record.RecordType} {Data(record)}");

    private static string Data(DnsResourceRecord record) => record.ToString().Split(' ', 5)[4].Trim();
}
