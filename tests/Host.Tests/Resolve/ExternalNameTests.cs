using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>ExternalName Services: a CNAME, followed.</summary>
public sealed class ExternalNameTests
{
    [Fact]
    public void A_target_in_the_mesh_is_answered_at_once()
    {
        var bench = QueryBench.Loaded(External("a", "b.default.svc.cluster.local"), External("b", "db.example.com"), Declare("db.example.com", ["10.0.0.1"]));
        var reply = bench.Ask("A.default.svc.cluster.local");
        Assert.Equal(
            ["A.default.svc.cluster.local. CNAME b.default.svc.cluster.local.", "b.default.svc.cluster.local. CNAME db.example.com.", "db.example.com. A 10.0.0.1"],
            reply.Answers.Select(a => $"{a.Owner} {a.Type} {a.Data}"));
    }

    [Fact]
    public void The_CNAME_itself_is_not_followed()
    {
        var bench = QueryBench.Loaded(External("a", "db.example.com"));
        Assert.Equal(["db.example.com."], bench.Ask("a.default.svc.cluster.local", DnsType.CNAME).AnswerData);
    }

    [Fact]
    public void A_target_in_a_mesh_zone_that_does_not_exist_is_NXDOMAIN_of_the_last_name_RFC_6604()
    {
        var reply = QueryBench.Loaded(External("a", "gone.mesh.internal")).Ask("a.default.svc.cluster.local");
        Assert.Equal((Rcode.NXDomain, "mesh.internal."), (reply.Rcode, reply.Soa.Owner));
        Assert.Single(reply.Answers);
    }

    [Fact]
    public void A_target_without_the_family_is_NODATA()
    {
        var reply = QueryBench.Loaded(External("a", "db.example.com"), Declare("db.example.com", ["10.0.0.1"])).Ask("a.default.svc.cluster.local", DnsType.AAAA);
        Assert.Equal((Rcode.NoError, "db.example.com."), (reply.Rcode, reply.Soa.Owner));
    }

    [Fact]
    public async Task A_target_outside_is_asked_upstream_and_joined()
    {
        var bench = QueryBench.Loaded(External("a", "db.example.com"));
        var reply = await bench.AskAsync(QueryPacket.Of("a.default.svc.cluster.local", edns: 1232, cookie: [1, 2, 3, 4, 5, 6, 7, 8]));
        Assert.Equal(("db.example.com.", DnsType.A), (bench.Upstream.Asked[0].Name, bench.Upstream.Asked[0].Type));
        Assert.Equal(["db.example.com.", "192.0.2.0"], reply.AnswerData);
        Assert.Equal("a.default.svc.cluster.local. A", reply.Question);
        Assert.Equal(24, reply.Cookie!.Length);
    }

    [Theory]
    [InlineData(Rcode.NXDomain)]
    [InlineData(Rcode.ServFail)]
    public async Task What_the_upstream_says_of_the_target_is_what_the_client_gets(Rcode rcode)
    {
        var bench = QueryBench.Loaded(External("a", "db.example.com"));
        bench.Upstream.Rcode = rcode;
        var reply = await bench.AskAsync(QueryPacket.Of("a.default.svc.cluster.local"));
        Assert.Equal(rcode, reply.Rcode);
        Assert.Single(reply.Answers);
    }

    [Fact]
    public async Task A_joined_answer_keeps_to_the_size_with_TC()
    {
        var bench = QueryBench.Loaded(External("a", "db.example.com"));
        bench.Upstream.Addresses = 300;
        var reply = await bench.AskAsync(QueryPacket.Of("a.default.svc.cluster.local"));
        Assert.InRange(reply.Length, 480, 512);
        Assert.True(reply.Flags.HasFlag(DnsFlags.Truncated));
        Assert.Equal(301, (await bench.AskAsync(QueryPacket.Of("a.default.svc.cluster.local"), isTcp: true)).Answers.Count());
    }

    [Theory]
    [InlineData(11, Rcode.NoError)]
    [InlineData(12, Rcode.ServFail)]
    public void At_most_eleven_CNAMEs_are_followed(int links, Rcode rcode)
    {
        var chain = Enumerable.Range(0, links).Select(i => External("s" + i, i == links - 1 ? "db.example.com" : $"s{i + 1}.default.svc.cluster.local"));
        var bench = QueryBench.Loaded([.. chain, Declare("db.example.com", ["10.0.0.1"])]);
        Assert.Equal(rcode, bench.Ask(QueryPacket.Of("s0.default.svc.cluster.local", edns: 1232)).Rcode);
    }

    [Fact]
    public void A_loop_of_CNAMEs_ends_in_SERVFAIL()
    {
        var bench = QueryBench.Loaded(External("a", "b.default.svc.cluster.local"), External("b", "a.default.svc.cluster.local"));
        Assert.Equal(Rcode.ServFail, bench.Ask("a.default.svc.cluster.local").Rcode);
    }

    [Theory]
    [InlineData("db.example.com", LocalRecords.Written)]
    [InlineData("none.mesh.internal", LocalRecords.NXDomain)]
    [InlineData("mesh.internal", LocalRecords.NoData)]
    [InlineData("www.example.org", LocalRecords.NotOurs)]
    [InlineData("a.default.svc.cluster.local", LocalRecords.Unavailable)]
    public void The_forwarder_gets_the_meshs_records_for_a_CNAME_target(string target, LocalRecords expected)
    {
        var bench = QueryBench.Loaded(Declare("db.example.com", ["10.0.0.1"]), External("a", "www.example.org"));
        var writer = new MessageWriter(new byte[512]);
        var view = ClientView.Default;
        Assert.Equal(expected, bench.Answers.TryAppend(Wire(target), DnsType.A, view, ref writer));
    }

    private static FeedFact External(string name, string target) =>
        Declare($"{name}.default.svc.cluster.local", name: name, kind: DocumentKind.Service, externalName: target);
}
