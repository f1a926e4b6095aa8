using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>behaviour.md, "Queries", rules 1, 3, 4, 5, 6, 10 and 11.</summary>
public sealed class QueryRuleTests
{
    [Fact]
    public void Rule_1_an_exact_name_beats_a_wildcard()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]), Declare("*.example", ["10.0.0.2"]));
        Assert.Equal(["10.0.0.1"], bench.Ask("a.example").AnswerData);
        Assert.Equal(["10.0.0.2"], bench.Ask("b.example").AnswerData);
        Assert.Equal(["10.0.0.2"], bench.Ask("c.b.example").AnswerData);
        Assert.Equal("exact", bench.StageOf("a.example"));
        Assert.Equal("wildcard", bench.StageOf("b.example"));
    }

    [Fact]
    public void Rule_1_a_wildcard_never_answers_for_its_suffix()
    {
        var bench = QueryBench.Loaded(Declare("*.a.example", ["10.0.0.2"]));
        bench.AssertForwarded("a.example");
    }

    [Fact]
    public void Rule_1_the_answers_owner_is_the_queried_name_never_a_star()
    {
        var bench = QueryBench.Loaded(Declare("*.example", ["10.0.0.2"]));
        Assert.Equal("Foo.EXAMPLE.", Assert.Single(bench.Ask("Foo.EXAMPLE").Answers).Owner);
    }

    [Theory]
    [InlineData("a.example")]
    [InlineData("x.w.example")]
    [InlineData("cidr.example")]
    public void Rule_1_a_host_without_any_address_is_forwarded_and_shadows_a_shorter_wildcard(string name)
    {
        var bench = QueryBench.Loaded(Declare("*.example", ["10.0.0.9"]), Declare("a.example"), Declare("*.w.example"), Declare("cidr.example", ["10.1.0.0/16"]));
        Assert.Equal(Origin.Upstream, bench.AssertForwarded(name).Finding.Origin);
    }

    [Fact]
    public void Rule_1_inside_a_mesh_zone_a_host_without_any_address_is_NODATA()
    {
        var bench = QueryBench.Loaded(Declare("a.mesh.internal"));
        AssertNegative(bench.Ask("a.mesh.internal"), Rcode.NoError, "mesh.internal.");
    }

    [Fact]
    public void Rule_3_A_and_AAAA_are_the_addresses_of_that_family_with_the_TTL_of_the_settings()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1", "2001:db8::1"]));
        var a = Assert.Single(bench.Ask("a.example").Answers);
        var aaaa = Assert.Single(bench.Ask("a.example", DnsType.AAAA).Answers);
        Assert.Equal((DnsType.A, 30u, "10.0.0.1"), (a.Type, a.Ttl, a.Data));
        Assert.Equal((DnsType.AAAA, 30u, "2001:db8::1"), (aaaa.Type, aaaa.Ttl, aaaa.Data));
    }

    [Fact]
    public void Rule_3_a_leased_VIP_answers_in_both_families()
    {
        var bench = QueryBench.Loaded(Declare("db.example.com", eligible: true), Grant(0x0102, "db.example.com"));
        Assert.Equal(["240.240.1.2"], bench.Ask("db.example.com").AnswerData);
        Assert.Equal(["2001:2::102"], bench.Ask("db.example.com", DnsType.AAAA).AnswerData);
    }

    [Fact]
    public void Rule_3_no_address_of_the_family_is_NODATA_with_SOA_never_NXDOMAIN()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]), Declare("a.mesh.internal", ["10.0.0.1"]));
        AssertNegative(bench.Ask("a.example", DnsType.AAAA), Rcode.NoError, "a.example.");
        AssertNegative(bench.Ask("a.mesh.internal", DnsType.AAAA), Rcode.NoError, "mesh.internal.");
    }

    [Fact]
    public void Rule_3_the_order_of_addresses_is_rotated()
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1", "10.0.0.2", "10.0.0.3"]));
        var orders = Enumerable.Range(0, 200).Select(_ => string.Join(',', bench.Ask("a.example").AnswerData)).ToHashSet();
        Assert.Equal(["10.0.0.1,10.0.0.2,10.0.0.3", "10.0.0.2,10.0.0.3,10.0.0.1", "10.0.0.3,10.0.0.1,10.0.0.2"], orders.Order());
    }

    [Fact]
    public void Rule_4_what_does_not_exist_in_a_mesh_zone_is_NXDOMAIN_with_the_zones_SOA()
    {
        var bench = QueryBench.Loaded(Declare("a.mesh.internal", ["10.0.0.1"]));
        AssertNegative(bench.Ask("b.mesh.internal"), Rcode.NXDomain, "mesh.internal.");
        AssertNegative(bench.Ask("b.a.mesh.internal", DnsType.MX), Rcode.NXDomain, "mesh.internal.");
        AssertNegative(bench.Ask("x.svc.cluster.local"), Rcode.NXDomain, "cluster.local.");
        Assert.Equal("zone", bench.StageOf("b.mesh.internal"));
        Assert.Empty(bench.Upstream.Asked);
    }

    [Fact]
    public void Rule_4_an_empty_non_terminal_is_NODATA_RFC_8020()
    {
        var bench = QueryBench.Loaded(Declare("a.b.mesh.internal", ["10.0.0.1"]), Declare("*.w.mesh.internal", ["10.0.0.1"]));
        AssertNegative(bench.Ask("b.mesh.internal"), Rcode.NoError, "mesh.internal.");
        AssertNegative(bench.Ask("w.mesh.internal"), Rcode.NoError, "mesh.internal.");
    }

    [Fact]
    public void Rule_4_the_apex_has_SOA_and_NS_and_else_nothing()
    {
        var bench = QueryBench.Loaded();
        Assert.Equal(("mesh.internal.", "mesh.internal. 5", 5u), Assert.Single(bench.Ask("mesh.internal", DnsType.SOA).Answers) is var soa ? (soa.Owner, soa.Data, soa.Ttl) : default);
        Assert.Equal("mesh.internal.", Assert.Single(bench.Ask("mesh.internal", DnsType.NS).Answers).Data);
        AssertNegative(bench.Ask("mesh.internal"), Rcode.NoError, "mesh.internal.");
        AssertNegative(bench.Ask("a.mesh.internal", DnsType.SOA), Rcode.NXDomain, "mesh.internal.");
    }

    [Fact]
    public void Rule_4_a_host_at_the_apex_has_its_addresses_and_the_zones_SOA()
    {
        var bench = QueryBench.Loaded(Declare("mesh.internal", ["10.0.0.1"]));
        Assert.Equal(["10.0.0.1"], bench.Ask("mesh.internal").AnswerData);
        Assert.Single(bench.Ask("mesh.internal", DnsType.SOA).Answers);
    }

    [Theory]
    [InlineData(DnsType.MX)]
    [InlineData(DnsType.TXT)]
    [InlineData(DnsType.SRV)]
    [InlineData((DnsType)65280)]
    public void Rule_4_other_types_inside_a_mesh_zone_are_NODATA(DnsType type)
    {
        var bench = QueryBench.Loaded(Declare("a.mesh.internal", ["10.0.0.1"]));
        AssertNegative(bench.Ask("a.mesh.internal", type), Rcode.NoError, "mesh.internal.");
    }

    [Theory]
    [InlineData(DnsType.SRV)]
    [InlineData(DnsType.HTTPS)]
    [InlineData(DnsType.SVCB)]
    public void Rule_4_outside_the_zones_SRV_HTTPS_and_SVCB_of_a_host_are_ours(DnsType type)
    {
        var bench = QueryBench.Loaded(Declare("a.example", ["10.0.0.1"]));
        AssertNegative(bench.Ask("a.example", type), Rcode.NoError, "a.example.");
    }

    [Theory]
    [InlineData(DnsType.MX)]
    [InlineData(DnsType.TXT)]
    [InlineData(DnsType.CAA)]
    [InlineData(DnsType.SOA)]
    public async Task Rule_4_outside_the_zones_every_other_type_is_forwarded_and_NXDOMAIN_becomes_NODATA(DnsType type)
    {
        using var bench = new ChainBench(Declare("a.example", ["10.0.0.1"]), Declare("*.w.example", ["10.0.0.1"]), Declare("none.example"));
        foreach (var (name, rcode) in new[] { ("a.example", Rcode.NoError), ("x.w.example", Rcode.NoError), ("b.example", Rcode.NXDomain), ("none.example", Rcode.NXDomain) })
        {
            Assert.Equal(rcode, (await bench.AskAsync(QueryPacket.Of(name, type))).Rcode);
            Assert.Equal(rcode, bench.AtOnce(QueryPacket.Of(name, type)).Rcode);
        }
        Assert.Equal(4, bench.Upstream.Count);
    }

    [Fact]
    public async Task Rule_4_an_answer_that_we_changed_is_not_authentic_data()
    {
        using var bench = new ChainBench(Declare("a.example", ["10.0.0.1"]));
        var rcode = Rcode.NXDomain;
        bench.On("a.example", query => new FakeReply(query.Message(rcode, DnsFlags.AuthenticData, FakeRecord.Soa(".", 60, 60))));
        var query = QueryPacket.Of("a.example", DnsType.MX, flags: DnsFlags.RecursionDesired | DnsFlags.AuthenticData);
        Assert.Equal(DnsFlags.None, (await bench.AskAsync(query)).Flags & DnsFlags.AuthenticData);
        Assert.Equal(DnsFlags.None, bench.AtOnce(query).Flags & DnsFlags.AuthenticData);
        rcode = Rcode.NoError;
        query = QueryPacket.Of("a.example", DnsType.TXT, flags: DnsFlags.RecursionDesired | DnsFlags.AuthenticData);
        Assert.Equal(DnsFlags.AuthenticData, (await bench.AskAsync(query)).Flags & DnsFlags.AuthenticData);
    }

    [Fact]
    public void Rule_5_a_name_that_the_client_does_not_see_is_unknown()
    {
        var bench = QueryBench.Loaded(Declare("a.mesh.internal", ["10.0.0.1"], exportTo: ["."]), Declare("a.example", ["10.0.0.1"], exportTo: ["prod"]));
        AssertNegative(bench.Ask("a.mesh.internal"), Rcode.NXDomain, "mesh.internal.");
        bench.AssertForwarded("a.example");
    }

    [Fact]
    public void Rule_6_with_capture_off_everything_is_forwarded()
    {
        var bench = new QueryBench(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView(null, false)) });
        bench.Apply(Declare("a.example", ["10.0.0.1"]));
        bench.AssertForwarded("a.example");
        bench.AssertForwarded("b.mesh.internal");
        bench.AssertForwarded("localhost");
    }

    [Fact]
    public void Rule_10_not_ready_mesh_zones_are_SERVFAIL_with_EDE_14()
    {
        var bench = new QueryBench();
        var reply = bench.Ask(QueryPacket.Of("a.mesh.internal", edns: 1232));
        Assert.Equal((Rcode.ServFail, EdeCode.NotReady), (reply.Rcode, reply.Error));
        bench.Apply(Declare("a.mesh.internal", ["10.0.0.1"]));
        Assert.Equal(["10.0.0.1"], bench.Ask("a.mesh.internal").AnswerData);
    }

    [Fact]
    public async Task Rule_10_not_ready_other_names_are_forwarded_with_TTLs_of_at_most_5_s()
    {
        var bench = new QueryBench();
        Assert.Equal(5u, Assert.Single((await bench.AskAsync(QueryPacket.Of("a.example"))).Answers).Ttl);
        bench.Upstream.Cached.Add("a.example.");
        Assert.Equal(5u, Assert.Single(bench.Ask("a.example").Answers).Ttl);
        bench.Apply();
        Assert.Equal(300u, Assert.Single(bench.Ask("a.example").Answers).Ttl);
    }

    [Fact]
    public void Rule_10_not_ready_other_names_are_SERVFAIL_where_the_settings_say_so()
    {
        var bench = new QueryBench(new MeshResolverOptions { ForwardWhenNotReady = false });
        var reply = bench.Ask(QueryPacket.Of("a.example", edns: 1232));
        Assert.Equal((Rcode.ServFail, EdeCode.NotReady), (reply.Rcode, reply.Error));
        Assert.Equal(["127.0.0.1"], bench.Ask("localhost").AnswerData);
    }

    [Fact]
    public void Rule_11_automatic_VIPs_are_not_answered_from_knowledge_older_than_max_age()
    {
        var bench = new QueryBench(new MeshResolverOptions { MaxAge = TimeSpan.FromMinutes(10) });
        bench.Apply(Declare("v.example", eligible: true), Grant(1, "v.example"), Declare("e.example", ["10.0.0.1"]));
        bench.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(["240.240.0.1"], bench.Ask("v.example").AnswerData);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        foreach (var type in new[] { DnsType.A, DnsType.AAAA })
        {
            var reply = bench.Ask(QueryPacket.Of("v.example", type, edns: 1232));
            Assert.Equal((Rcode.ServFail, EdeCode.StaleAnswer, 0), (reply.Rcode, reply.Error, reply.Answers.Count()));
        }
        Assert.Equal(["10.0.0.1"], bench.Ask("e.example").AnswerData);
        bench.Apply();
        Assert.Equal(["240.240.0.1"], bench.Ask("v.example").AnswerData);
    }

    [Theory]
    [InlineData(true, 580)]
    [InlineData(false, 300)]
    public void Rule_11_max_age_follows_the_quarantine_of_the_cluster_or_is_a_further_bound(bool isAuto, int seconds)
    {
        var bench = new QueryBench(new MeshResolverOptions { MaxAge = TimeSpan.FromMinutes(5), FollowsCluster = isAuto });
        bench.Apply(Declare("v.example", eligible: true), Grant(1, "v.example"), new QuarantineChanged(600_000) { At = 1 }, new SettingsChanged(10_000, [], "cluster.local") { At = 1 });
        bench.Time.Advance(TimeSpan.FromSeconds(seconds));
        Assert.Equal(["240.240.0.1"], bench.Ask("v.example").AnswerData);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Rcode.ServFail, bench.Ask(QueryPacket.Of("v.example", DnsType.A)).Rcode);
        bench.Apply(new QuarantineChanged(60_000) { At = 1 });
        bench.Time.Advance(TimeSpan.FromSeconds(41));
        Assert.Equal(Rcode.ServFail, bench.Ask(QueryPacket.Of("v.example", DnsType.A)).Rcode);
    }

    [Fact]
    public void No_TTL_is_larger_than_all_nodes_have_agreed_on()
    {
        var bench = new QueryBench(new MeshResolverOptions { Ttl = 300 });
        bench.Apply(Declare("v.example", eligible: true), Grant(1, "v.example"), Declare("e.example", ["10.0.0.1", "10.0.0.2"]), Declare("c.example", kind: DocumentKind.Service, externalName: "v.example"));
        Assert.Equal(300u, TtlOf("v.example"));
        bench.Apply(new SettingsChanged(20_000, [], "cluster.local") { At = 1 });
        Assert.Equal((20u, 20u, 20u), (TtlOf("v.example"), TtlOf("e.example"), TtlOf("c.example")));
        bench.Apply(new SettingsChanged(3_600_000, [], "cluster.local") { At = 1 });
        Assert.Equal(300u, TtlOf("v.example"));

        uint TtlOf(string name) => bench.Ask(name).Answers.First().Ttl;
    }

    [Fact]
    public void Rule_11_expired_VIPs_are_answered_where_the_settings_say_serve()
    {
        var bench = new QueryBench(new MeshResolverOptions { MaxAge = TimeSpan.FromMinutes(10), ServeExpired = true });
        bench.Apply(Declare("v.example", eligible: true), Grant(1, "v.example"));
        bench.Time.Advance(TimeSpan.FromDays(3));
        Assert.Equal(["240.240.0.1"], bench.Ask("v.example").AnswerData);
    }

    [Fact]
    public void Everything_else_is_forwarded_or_comes_from_the_cache()
    {
        var bench = QueryBench.Loaded();
        bench.AssertForwarded("www.example.org");
        bench.Upstream.Cached.Add("www.example.org.");
        Assert.Equal(["192.0.2.0"], bench.Ask("www.example.org").AnswerData);
        Assert.Equal("cache", bench.StageOf("www.example.org"));
    }

    private static void AssertNegative(Reply reply, Rcode rcode, string soaOwner)
    {
        Assert.Equal(rcode, reply.Rcode);
        Assert.Empty(reply.Answers);
        Assert.Equal((DnsType.SOA, soaOwner, 5u, soaOwner + " 5"), (reply.Soa.Type, reply.Soa.Owner, reply.Soa.Ttl, reply.Soa.Data));
        Assert.True(reply.Flags.HasFlag(DnsFlags.Authoritative));
    }
}
