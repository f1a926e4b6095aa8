using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>Short names and search domains: behaviour.md, queries, rules 1 and 2.</summary>
public sealed class SearchExpansionTests
{
    [Theory]
    [InlineData("backend", "prod", "backend.prod.svc.cluster.local")]
    [InlineData("backend.shop", "prod", "backend.shop.svc.cluster.local")]
    [InlineData("backend.shop.svc", "prod", "backend.shop.svc.cluster.local")]
    [InlineData("db.example.com", "prod", "")]
    [InlineData("a.b.c.svc", "prod", "")]
    [InlineData("backend", null, "")]
    [InlineData("backend.prod.svc.cluster.local", "prod", "backend backend.prod backend.prod.svc")]
    [InlineData("backend.shop.prod.svc.cluster.local", "prod", "backend.shop backend.shop.svc.cluster.local backend.shop.prod backend.shop.prod.svc")]
    [InlineData("db.example.com.prod.svc.cluster.local", "prod", "db.example.com db.example.com.prod db.example.com.prod.svc")]
    [InlineData("db.example.com.prod.svc.cluster.local", null, "db.example.com.prod db.example.com.prod.svc")]
    [InlineData("db.example.com.svc.cluster.local", "prod", "db.example.com db.example.com.svc")]
    [InlineData("backend.svc.cluster.local", "prod", "backend backend.prod.svc.cluster.local backend.svc backend.svc.svc.cluster.local")]
    [InlineData("backend.cluster.local", "prod", "backend backend.prod.svc.cluster.local")]
    [InlineData("backend.shop.svc.cluster.local.prod.svc.cluster.local", "prod", "backend.shop.svc.cluster.local backend.shop.svc.cluster.local.prod backend.shop.svc.cluster.local.prod.svc")]
    [InlineData("prod.svc.cluster.local", "prod", "prod prod.prod.svc.cluster.local prod.svc prod.svc.svc.cluster.local")]
    [InlineData("svc.cluster.local", "prod", "svc svc.prod.svc.cluster.local")]
    [InlineData("cluster.local", "prod", "")]
    [InlineData("a.xcluster.local", "prod", "")]
    [InlineData(".", "prod", "")]
    public void The_names_that_a_client_may_mean(string name, string? ns, string expected)
    {
        var (wire, buffer) = (name == "." ? [0] : Wire(name), new byte[DnsLimits.MaxNameSize]);
        var names = new List<string>();
        var candidates = new SearchCandidates(wire, Wire("cluster.local"), ns, buffer);
        while (candidates.MoveNext()) names.Add(DnsName.ToText(candidates.Name).TrimEnd('.'));
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), names);
    }

    [Fact]
    public void A_name_that_would_be_too_long_is_none()
    {
        var label = new string('a', 63);
        var wire = Wire($"{label}.{label}");
        var candidates = new SearchCandidates(wire, Wire($"{label}.{label}"), label, new byte[DnsLimits.MaxNameSize]);
        Assert.False(candidates.MoveNext());
    }

    [Theory]
    [InlineData("backend")]
    [InlineData("BACKEND.Prod")]
    [InlineData("backend.prod.svc")]
    [InlineData("backend.prod.svc.cluster.local")]
    [InlineData("backend.prod.prod.svc.cluster.local")]
    [InlineData("backend.svc.cluster.local")]
    [InlineData("backend.cluster.local")]
    [InlineData("backend.prod.svc.cluster.local.prod.svc.cluster.local")]
    [InlineData("backend.prod.svc.cluster.local.cluster.local")]
    public void Every_way_to_say_it_is_answered_at_once_and_owned_by_the_queried_name(string name)
    {
        var bench = Of("prod", Service("backend", "prod", "10.0.0.1"));
        foreach (var (type, expected) in ((DnsType, string[])[])[(DnsType.A, ["10.0.0.1"]), (DnsType.AAAA, [])])
        {
            var reply = bench.Ask(name, type);
            Assert.Equal(Rcode.NoError, reply.Rcode);
            Assert.Equal(expected, reply.AnswerData);
            Assert.All(reply.Answers, record => Assert.Equal(name + ".", record.Owner));
        }
    }

    [Fact]
    public void A_short_name_of_another_namespace_is_not_found_by_its_first_label()
    {
        var bench = Of("shop", Service("backend", "prod", "10.0.0.1"));
        bench.AssertForwarded("backend");
        Assert.Equal(Rcode.NXDomain, bench.Ask("backend.shop.svc.cluster.local").Rcode);
        Assert.Equal(["10.0.0.1"], bench.Ask("backend.prod.shop.svc.cluster.local").AnswerData);
    }

    [Fact]
    public void A_host_of_an_entry_is_found_below_a_search_domain_by_wildcard_too()
    {
        var bench = Of("prod", Declare("db.example.com", eligible: true), Grant(0x0102, "db.example.com"), Declare("*.wild.example", ["10.0.0.9"], name: "w"));
        Assert.Equal(["240.240.1.2"], bench.Ask("db.example.com.prod.svc.cluster.local").AnswerData);
        var wild = Assert.Single(bench.Ask("a.b.wild.example.svc.cluster.local").Answers);
        Assert.Equal(("a.b.wild.example.svc.cluster.local.", "10.0.0.9"), (wild.Owner, wild.Data));
        Assert.Equal(Rcode.NXDomain, bench.Ask("wild.example.prod.svc.cluster.local").Rcode);
        Assert.Equal(Rcode.NXDomain, bench.Ask("www.google.com.prod.svc.cluster.local").Rcode);
    }

    [Fact]
    public void A_wildcard_answers_no_short_name()
    {
        var bench = Of("prod", Declare("*.prod.svc.cluster.local", ["10.0.0.9"]));
        bench.AssertForwarded("backend");
    }

    [Fact]
    public void What_is_declared_comes_before_what_may_be_meant()
    {
        var bench = Of("prod", Service("backend", "prod", "10.0.0.1"), Declare("backend", ["10.0.0.2"]), Declare("*.svc.cluster.local", ["10.0.0.3"], name: "w"), Declare("db.example", ["10.0.0.4"], name: "d"));
        Assert.Equal(["10.0.0.2"], bench.Ask("backend").AnswerData);
        Assert.Equal(["10.0.0.3"], bench.Ask("db.example.prod.svc.cluster.local").AnswerData);
    }

    [Fact]
    public void Rule5_a_candidate_that_the_client_does_not_see_is_none_and_its_own_namespace_wins()
    {
        var bench = Of("prod", Declare("db.example", ["10.0.0.1"], ns: "shop", exportTo: ["."], name: "a"));
        Assert.Equal(Rcode.NXDomain, bench.Ask("db.example.prod.svc.cluster.local").Rcode);
        bench.Apply(Declare("db.example", ["10.0.0.2"], ns: "shop", name: "b"), Declare("db.example", ["10.0.0.3"], ns: "prod", name: "c", created: 9));
        Assert.Equal(["10.0.0.3"], bench.Ask("db.example.prod.svc.cluster.local").AnswerData);
    }

    [Fact]
    public void A_Service_beats_a_ServiceEntry_of_the_same_name()
    {
        var bench = Of("prod", Declare("backend.prod.svc.cluster.local", ["10.0.0.7"], ns: "prod", name: "entry"), Service("backend", "prod", "10.0.0.1"));
        Assert.Equal(["10.0.0.1"], bench.Ask("backend").AnswerData);
    }

    [Fact]
    public void Another_type_of_a_short_name_is_empty_and_never_forwarded()
    {
        var bench = Of("prod", Service("backend", "prod", "10.0.0.1"));
        foreach (var type in (DnsType[])[DnsType.MX, DnsType.TXT, DnsType.SRV, DnsType.SVCB])
        {
            var reply = bench.Ask("backend", type);
            Assert.Equal((Rcode.NoError, 0), (reply.Rcode, reply.Answers.Count()));
            Assert.Equal("backend.", reply.Soa.Owner);
        }
        Assert.Equal(["10.0.0.1"], bench.Ask("backend").AnswerData);
        Assert.Equal("search", bench.StageOf("backend"));
    }

    [Fact]
    public void A_candidate_without_an_address_is_passed_over()
    {
        var bench = Of("prod", Declare("none.example"), Declare("*.example", ["10.0.0.1"], name: "w"));
        Assert.Equal(Rcode.NXDomain, bench.Ask("none.example.prod.svc.cluster.local").Rcode);
    }

    [Fact]
    public void An_ExternalName_is_one_CNAME_from_the_queried_name_and_its_target_is_not_expanded()
    {
        var bench = Of("prod", Service("backend", "prod", "10.0.0.1"), ChainBench.External("ext", "backend"));
        var deferral = bench.AssertForwarded("ext.default");
        Assert.Equal(FindingKind.Cname, deferral.Finding.Kind);
        bench.Apply(ChainBench.External("ext", "backend.prod.svc.cluster.local"));
        Assert.Equal(["backend.prod.svc.cluster.local.", "10.0.0.1"], bench.Ask("ext.default").AnswerData);
    }

    [Fact]
    public void Without_capture_nothing_is_expanded()
    {
        var bench = new QueryBench(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView("prod", false)) });
        bench.Apply(Service("backend", "prod", "10.0.0.1"));
        bench.AssertForwarded("backend.svc.cluster.local");
    }

    [Fact]
    public void A_stale_replica_answers_what_it_knows_and_asks_for_every_name_that_may_be_meant()
    {
        var bench = new QueryBench(new MeshResolverOptions { AskOwners = true, Clients = ClientTable.Same(new ClientView("prod", true)) });
        bench.Apply(Service("backend", "prod", "10.0.0.1"));
        bench.Time.Advance(MeshResolver.StaleAfter + TimeSpan.FromMilliseconds(1));
        Assert.Equal(["10.0.0.1"], bench.Ask("backend.svc.cluster.local").AnswerData);
        Assert.Equal(Origin.Owner, bench.AssertForwarded("new.svc.cluster.local").Finding.Origin);
    }

    private static QueryBench Of(string ns, params MeshEvent[] facts)
    {
        var networks = new ClientTable(ClientView.Default, [(IPNetwork.Parse("127.0.0.0/8"), new ClientView(ns, true))]);
        var bench = new QueryBench(new MeshResolverOptions { Clients = networks });
        bench.Apply(facts);
        return bench;
    }

    private static MeshEvent Service(string name, string ns, string address) => Declare($"{name}.{ns}.svc.cluster.local", [address], ns: ns, name: name, kind: DocumentKind.Service);
}
