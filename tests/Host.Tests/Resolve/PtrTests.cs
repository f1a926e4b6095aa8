using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>PTR for VIPs and explicit addresses, of both families: behaviour.md, queries, rule 4.</summary>
public sealed class PtrTests
{
    private const string V6Vip = "2.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.2.ip6.arpa";
    private readonly QueryBench _bench = QueryBench.Loaded(
        Declare("vip.mesh.internal", eligible: true, name: "v"), Grant(0x0102, "vip.mesh.internal"),
        Declare("*.dyn.example", eligible: true, name: "w"), Grant(0x0103, "*.dyn.example"),
        Declare("db.example.com", ["10.0.0.1", "2001:db8::1"]), Declare("own.example.com", ["10.0.0.1"], ns: "prod", exportTo: ["."], name: "own"));

    [Theory]
    [InlineData("2.1.240.240.in-addr.arpa", "vip.mesh.internal.")]
    [InlineData(V6Vip, "vip.mesh.internal.")]
    [InlineData("1.0.0.10.IN-ADDR.arpa", "db.example.com.")]
    [InlineData("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "db.example.com.")]
    public void The_hosts_of_an_address_are_named(string name, string expected)
    {
        var record = Assert.Single(_bench.Ask(name, DnsType.PTR).Answers);
        Assert.Equal((name + ".", expected), (record.Owner, record.Data));
        Assert.Equal("reverse", _bench.StageOf(name, DnsType.PTR));
    }

    [Fact]
    public void Each_host_that_the_client_sees_is_named()
    {
        _bench.Resolver.Adopt(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView("prod", true)) });
        Assert.Equal(["db.example.com.", "own.example.com."], _bench.Ask("1.0.0.10.in-addr.arpa", DnsType.PTR).AnswerData.Order());
    }

    [Theory]
    [InlineData("9.9.240.240.in-addr.arpa", Rcode.NXDomain)]
    [InlineData("256.9.240.240.in-addr.arpa", Rcode.NXDomain)]
    [InlineData("1.2.1.240.240.in-addr.arpa", Rcode.NXDomain)]
    [InlineData("3.1.240.240.in-addr.arpa", Rcode.NoError)]
    [InlineData("1.240.240.in-addr.arpa", Rcode.NoError)]
    [InlineData("240.240.in-addr.arpa", Rcode.NoError)]
    public void In_the_reverse_zones_the_rest_is_denied_here(string name, Rcode rcode)
    {
        var reply = _bench.Ask(name, DnsType.PTR);
        Assert.Equal((rcode, 0), (reply.Rcode, reply.Answers.Count()));
        Assert.Equal("240.240.in-addr.arpa.", reply.Soa.Owner);
    }

    [Theory]
    [InlineData("2.0.0.10.in-addr.arpa", DnsType.PTR)]
    [InlineData("0.0.10.in-addr.arpa", DnsType.PTR)]
    [InlineData("1.0.0.10.in-addr.arpa", DnsType.TXT)]
    [InlineData("1.0.0.10.xin-addr.arpa", DnsType.PTR)]
    [InlineData("01.0.0.10.in-addr.arpa", DnsType.PTR)]
    public void Outside_them_what_is_not_declared_is_forwarded(string name, DnsType type) => _bench.AssertForwarded(name, type);

    [Fact]
    public void Another_type_of_a_VIPs_name_is_empty()
    {
        Assert.Equal(Rcode.NoError, _bench.Ask("2.1.240.240.in-addr.arpa", DnsType.TXT).Rcode);
        Assert.Equal(Rcode.NoError, _bench.Ask("2.1.240.240.in-addr.arpa", DnsType.A).Rcode);
    }

    [Fact]
    public void A_name_that_is_declared_itself_is_answered_as_declared()
    {
        _bench.Apply(Declare("2.1.240.240.in-addr.arpa", ["10.0.0.8"], name: "odd"));
        Assert.Equal(["10.0.0.8"], _bench.Ask("2.1.240.240.in-addr.arpa").AnswerData);
    }

    [Fact]
    public void A_VIP_that_moved_is_named_by_its_holder_alone()
    {
        _bench.Apply(Release(0x0102, "vip.mesh.internal"), Withdraw("vip.mesh.internal", name: "v"));
        Assert.Equal(Rcode.NXDomain, _bench.Ask("2.1.240.240.in-addr.arpa", DnsType.PTR).Rcode);
        _bench.Apply(Declare("next.mesh.internal", eligible: true, name: "n"), Grant(0x0102, "next.mesh.internal"));
        Assert.Equal(["next.mesh.internal."], _bench.Ask("2.1.240.240.in-addr.arpa", DnsType.PTR).AnswerData);
    }

    [Fact]
    public void Rule11_knowledge_past_its_age_names_no_holder_of_a_VIP()
    {
        _bench.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(Rcode.ServFail, _bench.Ask("2.1.240.240.in-addr.arpa", DnsType.PTR).Rcode);
        Assert.Equal(["db.example.com."], _bench.Ask("1.0.0.10.in-addr.arpa", DnsType.PTR).AnswerData);
    }

    [Fact]
    public void An_explicit_address_in_the_range_is_its_claimants()
    {
        _bench.Apply(Declare("claim.mesh.internal", ["240.240.5.5"], name: "c"));
        Assert.Equal(["claim.mesh.internal."], _bench.Ask("5.5.240.240.in-addr.arpa", DnsType.PTR).AnswerData);
    }
}
