using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Services;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>behaviour.md, "Queries", rule 7: localhost and invalid (RFC 6761), and what an operator declares below localhost.</summary>
public sealed class SpecialNameRuleTests
{
    [Fact]
    public void A_declared_name_below_localhost_is_answered_as_declared()
    {
        var bench = QueryBench.Loaded(Declare("app.localhost", eligible: true), Grant(0x0102, "app.localhost"), Declare("*.dev.localhost", ["10.0.0.1"]));
        Assert.Equal(["240.240.1.2"], bench.Ask("App.LocalHost").AnswerData);
        Assert.Equal("exact", bench.StageOf("app.localhost"));
        Assert.Equal(["10.0.0.1"], bench.Ask("x.y.dev.localhost").AnswerData);
        Assert.Equal(Rcode.NoError, bench.Ask("x.dev.localhost", DnsType.AAAA).Rcode);
        Assert.Empty(bench.Ask("x.dev.localhost", DnsType.AAAA).Answers);
        Assert.Equal(["127.0.0.1"], bench.Ask("dev.localhost").AnswerData);
        Assert.Equal(["127.0.0.1"], bench.Ask("other.localhost").AnswerData);
    }

    [Theory]
    [InlineData(DnsType.MX)]
    [InlineData(DnsType.TXT)]
    [InlineData(DnsType.NS)]
    public void No_type_of_it_is_asked_upstream(DnsType type)
    {
        var bench = QueryBench.Loaded(Declare("app.localhost", ["10.0.0.1"]));
        var reply = bench.Ask("app.localhost", type);
        Assert.Equal(Rcode.NoError, reply.Rcode);
        Assert.Empty(reply.Answers);
        Assert.Empty(bench.Upstream.Asked);
    }

    [Fact]
    public void A_declaration_without_an_address_leaves_it_special()
    {
        var bench = QueryBench.Loaded(Declare("app.localhost"), Declare("hidden.localhost", ["10.0.0.1"], exportTo: ["~"]));
        Assert.Equal(["127.0.0.1"], bench.Ask("app.localhost").AnswerData);
        Assert.Equal(["127.0.0.1"], bench.Ask("hidden.localhost").AnswerData);
    }

    [Fact]
    public void Localhost_itself_and_invalid_stay_fixed_whatever_an_old_journal_holds()
    {
        var bench = QueryBench.Loaded(Declare("localhost", ["10.0.0.1"]), Declare("x.invalid", ["10.0.0.1"]));
        Assert.Equal(["127.0.0.1"], bench.Ask("localhost").AnswerData);
        Assert.Equal(Rcode.NXDomain, bench.Ask("x.invalid").Rcode);
    }

    [Fact]
    public void A_mesh_zone_below_localhost_is_a_mesh_zone()
    {
        var bench = new QueryBench(zone: "mesh.localhost");
        bench.Apply(Declare("a.mesh.localhost", ["10.0.0.1"]));
        Assert.Equal(["10.0.0.1"], bench.Ask("a.mesh.localhost").AnswerData);
        Assert.Equal(Rcode.NXDomain, bench.Ask("b.mesh.localhost").Rcode);
    }

    [Fact]
    public void An_external_name_below_localhost_leads_to_what_is_declared()
    {
        var bench = QueryBench.Loaded(Declare("app.localhost", ["10.0.0.1"]), Declare("e.shop.svc.cluster.local", kind: DocumentKind.Service, externalName: "app.localhost"));
        Assert.Equal(["app.localhost.", "10.0.0.1"], bench.Ask("e.shop.svc.cluster.local").AnswerData);
    }

    [Fact]
    public void A_record_that_is_exported_to_nobody_is_unknown()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"], exportTo: ["~"]), Declare("a.mesh.internal", ["10.0.0.1"], exportTo: ["~"]));
        bench.AssertForwarded("a.example");
        Assert.Empty(bench.Ask("a.mesh.internal").Answers);
    }
}
