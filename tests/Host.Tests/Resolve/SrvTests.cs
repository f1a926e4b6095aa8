using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>SRV from named ports (RFC 2782): behaviour.md, queries, rule 4.</summary>
public sealed class SrvTests
{
    private static readonly ServicePort _web = new(8080, "Web", "HTTP", null);
    private static readonly ServicePort _dns = new(53, "dns", "UDP", null);
    private readonly QueryBench _bench = QueryBench.Loaded(
        Declare("db.example.com", ["10.0.0.1", "2001:db8::1"], ports: [_web, _dns]),
        Declare("vip.mesh.internal", eligible: true, name: "v", ports: [_web]), Grant(0x0102, "vip.mesh.internal"),
        Declare("*.wild.example", ["10.0.0.9"], name: "w", ports: [_web]));

    [Fact]
    public void A_named_port_has_its_record_and_the_targets_addresses_go_along()
    {
        var reply = _bench.Ask("_WEB._tcp.db.example.com", DnsType.SRV);
        var record = Assert.Single(reply.Answers);
        Assert.Equal(("_WEB._tcp.db.example.com.", DnsType.SRV, "0 100 8080 db.example.com."), (record.Owner, record.Type, record.Data));
        Assert.Equal([(DnsType.A, "db.example.com.", "10.0.0.1"), (DnsType.AAAA, "db.example.com.", "2001:db8::1")],
            reply.Records.Where(r => r.Section == DnsSection.Additional).Select(r => (r.Type, r.Owner, r.Data)));
        Assert.Equal(["0 100 53 db.example.com."], _bench.Ask("_dns._udp.db.example.com", DnsType.SRV).AnswerData);
    }

    [Fact]
    public void A_VIP_goes_along_and_a_wildcards_target_is_the_name_below_it()
    {
        var reply = _bench.Ask("_web._tcp.vip.mesh.internal", DnsType.SRV);
        Assert.Equal(["240.240.1.2", "2001:2::102"], reply.Records.Where(r => r.Section == DnsSection.Additional).Select(r => r.Data));
        Assert.Equal(["0 100 8080 a.b.wild.example."], _bench.Ask("_web._tcp.a.b.wild.example", DnsType.SRV).AnswerData);
    }

    [Theory]
    [InlineData("_web._udp.vip.mesh.internal")]
    [InlineData("_other._tcp.vip.mesh.internal")]
    [InlineData("_web._tcp.none.mesh.internal")]
    [InlineData("_web._x.vip.mesh.internal")]
    [InlineData("_udp.vip.mesh.internal")]
    [InlineData("_._tcp.vip.mesh.internal")]
    public void A_port_that_is_not_declared_does_not_exist_in_a_mesh_zone(string name) => Assert.Equal(Rcode.NXDomain, _bench.Ask(name, DnsType.SRV).Rcode);

    [Theory]
    [InlineData("_web._tcp.vip.mesh.internal", DnsType.TXT)]
    [InlineData("_web._tcp.vip.mesh.internal", DnsType.A)]
    [InlineData("_tcp.vip.mesh.internal", DnsType.SRV)]
    [InlineData("vip.mesh.internal", DnsType.SRV)]
    [InlineData("_web._tcp.db.example.com", DnsType.AAAA)]
    public void A_name_that_exists_is_empty_for_other_types(string name, DnsType type)
    {
        var reply = _bench.Ask(name, type);
        Assert.Equal((Rcode.NoError, 0), (reply.Rcode, reply.Answers.Count()));
        Assert.Equal(DnsType.SOA, reply.Soa.Type);
    }

    [Theory]
    [InlineData("_xmpp-server._tcp.db.example.com", DnsType.SRV)]
    [InlineData("_web._tcp.db.example.com", DnsType.TXT)]
    [InlineData("_acme-challenge.db.example.com", DnsType.TXT)]
    public void Outside_the_zones_what_is_not_declared_is_somebody_elses(string name, DnsType type) => _bench.AssertForwarded(name, type);

    [Fact]
    public void An_upstreams_NXDOMAIN_does_not_hold_for_the_name_of_a_port()
    {
        Assert.True(_bench.Resolver.Exists(Wire("db.example.com"), ClientView.Default));
        Assert.True(_bench.Resolver.Exists([4, .. "_web"u8, 4, .. "_tcp"u8, .. Wire("db.example.com")], ClientView.Default));
        Assert.False(_bench.Resolver.Exists([5, .. "_none"u8, 4, .. "_tcp"u8, .. Wire("db.example.com")], ClientView.Default));
    }

    [Fact]
    public void Ports_of_a_namespaces_documents_are_united_and_the_older_one_wins_a_number()
    {
        _bench.Apply(Declare("db.example.com", ["10.0.0.2"], name: "younger", created: 5, ports: [new ServicePort(8080, "mine", "TCP", null), new ServicePort(9090, "more", "TCP", null)]));
        Assert.Equal(["0 100 9090 db.example.com."], _bench.Ask("_more._tcp.db.example.com", DnsType.SRV).AnswerData);
        _bench.AssertForwarded("_mine._tcp.db.example.com", DnsType.SRV);
        _bench.Apply(Declare("db.example.com", ["10.0.0.3"], ns: "other", name: "foreign", created: 6, ports: [new ServicePort(7070, "foreign", "TCP", null)]));
        _bench.AssertForwarded("_foreign._tcp.db.example.com", DnsType.SRV);
    }

    [Fact]
    public void A_port_is_found_below_a_search_domain_with_the_host_as_target()
    {
        _bench.Resolver.Adopt(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView("prod", true)) });
        _bench.Apply(Declare("backend.prod.svc.cluster.local", ["10.0.0.5"], ns: "prod", name: "backend", kind: DocumentKind.Service, ports: [_web]));
        Assert.Equal(["0 100 8080 backend.prod.svc.cluster.local."], _bench.Ask("_web._tcp.backend", DnsType.SRV).AnswerData);
        Assert.Equal(["0 100 8080 backend.prod.svc.cluster.local."], _bench.Ask("_web._tcp.backend.svc.cluster.local", DnsType.SRV).AnswerData);
        Assert.Equal(["0 100 8080 db.example.com."], _bench.Ask("_web._tcp.db.example.com.prod.svc.cluster.local", DnsType.SRV).AnswerData);
    }

    [Fact]
    public void Rule11_knowledge_past_its_age_names_the_port_and_no_VIP()
    {
        _bench.Time.Advance(TimeSpan.FromDays(1));
        var reply = _bench.Ask("_web._tcp.vip.mesh.internal", DnsType.SRV);
        Assert.Equal(["0 100 8080 vip.mesh.internal."], reply.AnswerData);
        Assert.DoesNotContain(reply.Records, r => r.Section == DnsSection.Additional);
    }

    [Fact]
    public void Rule8_addresses_that_do_not_fit_are_left_out_without_TC()
    {
        _bench.Apply(Declare("many.example", [.. Enumerable.Range(0, 16).Select(i => $"2001:db8::{i + 1}"), .. Enumerable.Range(1, 16).Select(i => $"10.0.0.{i}")], name: "m", ports: [_web]));
        var reply = _bench.Ask(QueryPacket.Of("_web._tcp.many.example", DnsType.SRV));
        Assert.Single(reply.Answers);
        Assert.Equal(DnsFlags.None, reply.Flags & DnsFlags.Truncated);
        Assert.InRange(reply.Length, 400, 512);
    }
}
