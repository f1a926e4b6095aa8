using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Services;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>HTTPS records where ports say so (RFC 9460): behaviour.md, queries, rule 4.</summary>
public sealed class HttpsTests
{
    private static readonly ServicePort _https = new(443, "https", "HTTPS", null);
    private readonly QueryBench _bench = QueryBench.Loaded(
        Declare("web.example", ["10.0.0.1", "2001:db8::1"], ports: [_https]),
        Declare("vip.mesh.internal", eligible: true, name: "v", ports: [new ServicePort(443, "https-web", "TCP", null), new ServicePort(8443, "admin", "HTTPS", null)]),
        Grant(0x0102, "vip.mesh.internal"));

    // Priority 1, the owner itself; ipv4hint and ipv6hint.
    [Fact]
    public void At_the_host_for_port_443_with_hints()
    {
        var record = Assert.Single(_bench.Ask("Web.example", DnsType.HTTPS).Answers);
        Assert.Equal(("Web.example.", "000100" + "000400040A000001" + "0006001020010DB8000000000000000000000001"), (record.Owner, record.Data));
        Assert.Equal("000100" + "00040004F0F00102" + "0006001020010002000000000000000000000102", Assert.Single(_bench.Ask("vip.mesh.internal", DnsType.HTTPS).AnswerData));
    }

    [Fact]
    public void At_a_name_of_its_own_for_another_port()
    {
        var data = Assert.Single(_bench.Ask("_8443._https.vip.mesh.internal", DnsType.HTTPS).AnswerData);
        Assert.Equal("0001" + Convert.ToHexString(Wire("vip.mesh.internal")) + "0003000220FB" + "00040004F0F00102" + "0006001020010002000000000000000000000102", data);
        Assert.Equal(Rcode.NoError, _bench.Ask("_8443._https.vip.mesh.internal").Rcode);
        Assert.Equal(Rcode.NXDomain, _bench.Ask("_443._https.vip.mesh.internal", DnsType.HTTPS).Rcode);
        Assert.Equal(Rcode.NXDomain, _bench.Ask("_9443._https.vip.mesh.internal", DnsType.HTTPS).Rcode);
    }

    // Clients would turn http: into https: (RFC 9460 section 9.5).
    [Theory]
    [InlineData(80, "http", "HTTP", false)]
    [InlineData(80, "http-web", "TCP", false)]
    [InlineData(8080, "http", "HTTP", true)]
    [InlineData(80, "redis", "TCP", true)]
    public void None_beside_plain_HTTP_at_port_80(int number, string name, string protocol, bool has)
    {
        _bench.Apply(Declare("both.example", ["10.0.0.2"], name: "b", ports: [_https, new ServicePort(number, name, protocol, null)]));
        var reply = _bench.Ask("both.example", DnsType.HTTPS);
        Assert.Equal((Rcode.NoError, has), (reply.Rcode, reply.Answers.Any()));
    }

    [Theory]
    [InlineData(443, "tls", "TLS")]
    [InlineData(443, "httpsx", "TCP")]
    [InlineData(8443, "https", "HTTPS")]
    public void None_where_port_443_does_not_say_so(int number, string name, string protocol)
    {
        _bench.Apply(Declare("other.example", ["10.0.0.2"], name: "b", ports: [new ServicePort(number, name, protocol, null)]));
        var reply = _bench.Ask("other.example", DnsType.HTTPS);
        Assert.Equal((Rcode.NoError, 0), (reply.Rcode, reply.Answers.Count()));
        Assert.Equal(DnsType.SOA, reply.Soa.Type);
    }

    [Fact]
    public void SVCB_is_empty() => Assert.Empty(_bench.Ask("web.example", DnsType.SVCB).Answers);

    [Fact]
    public void Rule11_knowledge_past_its_age_gives_no_hint()
    {
        _bench.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal("000100", Assert.Single(_bench.Ask("vip.mesh.internal", DnsType.HTTPS).AnswerData));
    }
}
