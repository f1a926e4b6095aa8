using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;
using static MeshDns.Host.Tests.Resolve.ChainBench;
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
        using var bench = new ChainBench(External("a", "db.example.com"));
        bench.Address("db.example.com", "192.0.2.1");
        var reply = await bench.AskAsync(QueryPacket.Of("A.default.svc.cluster.local", edns: 1232, cookie: [1, 2, 3, 4, 5, 6, 7, 8]));
        Assert.Equal(["A.default.svc.cluster.local. CNAME db.example.com.", "db.example.com. A 192.0.2.1"], ChainBench.Lines(reply));
        Assert.Equal([30u, 60u], reply.Answers.Select(a => a.Ttl));
        Assert.Equal("A.default.svc.cluster.local. A", reply.Question);
        Assert.True(reply.Flags.HasFlag(DnsFlags.Authoritative));
        Assert.Equal(24, reply.Cookie!.Length);
        Assert.Equal(2, bench.AtOnce(QueryPacket.Of("a.default.svc.cluster.local")).Answers.Count());
    }

    [Fact]
    public async Task A_target_outside_that_does_not_exist_is_NXDOMAIN()
    {
        using var bench = new ChainBench(External("a", "db.example.com"));
        var reply = await bench.AskAsync("a.default.svc.cluster.local");
        Assert.Equal((Rcode.NXDomain, "."), (reply.Rcode, reply.Soa.Owner));
        Assert.Single(reply.Answers);
    }

    [Fact]
    public async Task A_failure_at_the_end_of_a_chain_says_nothing_else()
    {
        using var bench = new ChainBench(External("a", "db.example.com"));
        bench.On("db.example.com", query => query.Fail(Rcode.ServFail));
        var reply = await bench.AskAsync(QueryPacket.Of("a.default.svc.cluster.local", edns: 1232));
        Assert.Equal((Rcode.ServFail, EdeCode.NoReachableAuthority), (reply.Rcode, reply.Error));
        Assert.Empty(reply.Records);
        Assert.False(reply.Flags.HasFlag(DnsFlags.Authoritative));
    }

    [Fact]
    public async Task A_joined_answer_keeps_to_the_size_with_TC()
    {
        using var bench = new ChainBench(External("a", "db.example.com"));
        var addresses = Enumerable.Range(0, 300).Select(i => FakeRecord.A("db.example.com.", 60, $"192.0.{2 + (i >> 8)}.{i & 255}")).ToArray();
        bench.On("db.example.com", query => query.IsTcp ? query.Answer(addresses) : query.Truncated());
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
}
