using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;
using static MeshDns.Host.Tests.Resolve.ChainBench;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>Chains of CNAMEs between the mesh and the upstreams: behaviour.md, queries, rule 1, and forwarding.</summary>
public sealed class ChainTests
{
    private const string Cluster = "default.svc.cluster.local";

    [Fact]
    public async Task A_chain_may_come_in_from_outside_and_leave_again()
    {
        using var bench = new ChainBench(External("legacy", "legacy.example.net"));
        bench.Alias("alias.test", $"legacy.{Cluster}");
        bench.Address("legacy.example.net", "192.0.2.7");
        string[] expected = [$"alias.test. CNAME legacy.{Cluster}.", $"legacy.{Cluster}. CNAME legacy.example.net.", "legacy.example.net. A 192.0.2.7"];
        var reply = await bench.AskAsync("alias.test");
        Assert.Equal((Rcode.NoError, false), (reply.Rcode, reply.Flags.HasFlag(DnsFlags.Authoritative)));
        Assert.Equal(expected, Lines(reply));
        // Then all parts come from the cache, on the edge's own loop.
        Assert.Equal(expected, Lines(bench.AtOnce(QueryPacket.Of("alias.test"))));
        Assert.Equal(2, bench.Upstream.Count);
    }

    [Fact]
    public async Task A_chain_may_leave_come_back_and_leave_again()
    {
        using var bench = new ChainBench(External("a", "out.test"), External("b", "db.example.net"));
        bench.Alias("out.test", $"b.{Cluster}");
        bench.Address("db.example.net", "192.0.2.8");
        var reply = await bench.AskAsync($"a.{Cluster}");
        Assert.Equal((Rcode.NoError, true), (reply.Rcode, reply.Flags.HasFlag(DnsFlags.Authoritative)));
        Assert.Equal(4, reply.Answers.Count());
        Assert.Equal("192.0.2.8", reply.AnswerData.Last());
    }

    [Fact]
    public async Task A_part_that_may_not_be_kept_serves_its_own_chain()
    {
        using var bench = new ChainBench(External("legacy", "legacy.example.net"));
        bench.Alias("alias.test", $"legacy.{Cluster}", ttl: 0);
        bench.On("legacy.example.net", query => query.Answer(FakeRecord.A(query.Name, 0, "192.0.2.7")));
        Assert.Equal("192.0.2.7", (await bench.AskAsync("alias.test")).AnswerData.Last());
        Assert.Equal(2, bench.Upstream.Count);
    }

    [Theory]
    [InlineData(11, Rcode.NoError)]
    [InlineData(12, Rcode.ServFail)]
    public async Task At_most_eleven_links_are_followed_whoever_they_come_from(int links, Rcode rcode)
    {
        // From outside into the mesh and out again, a link each.
        var names = Enumerable.Range(0, links + 1).Select(i => i % 2 == 0 || i == links ? $"o{i}.test" : $"m{i}.{Cluster}").ToArray();
        using var bench = new ChainBench([.. Enumerable.Range(0, links).Where(i => i % 2 == 1).Select(i => External($"m{i}", names[i + 1]))]);
        for (var i = 0; i < links; i += 2) bench.Alias(names[i], names[i + 1]);
        // The last link of an odd chain stays outside, where its own server says how it ends.
        if (links % 2 == 1) bench.On(names[links - 1], query => query.Answer(FakeRecord.Cname(query.Name, 60, names[links] + "."), FakeRecord.A(names[links] + ".", 60, "192.0.2.9")));
        bench.Address(names[links], "192.0.2.9");
        var reply = await bench.AskAsync(QueryPacket.Of(names[0], edns: 1232));
        Assert.Equal(rcode, reply.Rcode);
        Assert.Equal(rcode == Rcode.NoError ? links + 1 : 0, reply.Answers.Count());
    }

    [Fact]
    public async Task A_circle_through_the_mesh_ends_in_SERVFAIL_and_asks_each_name_once()
    {
        using var bench = new ChainBench(External("a", "alias.test"));
        bench.Alias("alias.test", $"a.{Cluster}");
        Assert.Equal(Rcode.ServFail, (await bench.AskAsync("alias.test")).Rcode);
        Assert.Equal(Rcode.ServFail, (await bench.AskAsync($"a.{Cluster}")).Rcode);
        Assert.Equal(1, bench.Upstream.Count);
    }

    [Theory]
    [InlineData(DnsType.MX)]
    [InlineData(DnsType.TXT)]
    [InlineData(DnsType.CAA)]
    [InlineData(DnsType.NS)]
    public async Task An_end_that_exists_here_is_not_denied_RFC_6604(DnsType type)
    {
        using var bench = new ChainBench(Declare("db.mesh.example", eligible: true), Grant(1, "db.mesh.example"), External("e1", "db.mesh.example"));
        bench.Alias("alias.pub.test", "db.mesh.example");
        foreach (var name in new[] { $"e1.{Cluster}", "alias.pub.test", $"e1.{Cluster}" })
        {
            var reply = await bench.AskAsync(name, type);
            Assert.Equal((Rcode.NoError, $"{name}. CNAME db.mesh.example.", "."), (reply.Rcode, Assert.Single(Lines(reply)), reply.Soa.Owner));
            // RFC 6604 section 2.1: AA speaks of the first owner.
            Assert.Equal(name != "alias.pub.test", reply.Flags.HasFlag(DnsFlags.Authoritative));
        }
    }

    [Theory]
    [InlineData(DnsType.SRV)]
    [InlineData(DnsType.HTTPS)]
    [InlineData(DnsType.AAAA)]
    public async Task An_end_that_is_ours_for_the_type_is_answered_here(DnsType type)
    {
        using var bench = new ChainBench(Declare("db.mesh.example", ["10.0.0.1"]), External("e1", "db.mesh.example"));
        bench.Alias("alias.pub.test", "db.mesh.example");
        foreach (var name in new[] { $"e1.{Cluster}", "alias.pub.test" })
        {
            var reply = await bench.AskAsync(name, type);
            Assert.Equal((Rcode.NoError, "db.mesh.example."), (reply.Rcode, reply.Soa.Owner));
            Assert.Single(reply.Answers);
        }
    }

    [Fact]
    public async Task A_denied_end_stays_denied_although_the_question_exists_here_RFC_6604()
    {
        using var bench = new ChainBench(Declare("db.mesh.example", ["10.0.0.1"]));
        bench.Alias("db.mesh.example", "gone.example.net");
        Assert.Equal(Rcode.NXDomain, (await bench.AskAsync("db.mesh.example", DnsType.MX)).Rcode);
    }

    [Fact]
    public async Task Names_above_a_declared_host_exist_RFC_8020_RFC_4592()
    {
        using var bench = new ChainBench(
            Declare("deep.ent.pub.test", ["10.0.0.1"]), Declare("*.wild.pub.test", ["10.0.0.1"]), Declare("x.none.pub.test"), Declare("x.hidden.pub.test", ["10.0.0.1"], exportTo: ["prod"]));
        bench.Alias("alias.test", "ent.pub.test");
        foreach (var (name, rcode) in new[]
        {
            ("ent.pub.test", Rcode.NoError), ("wild.pub.test", Rcode.NoError), ("pub.test", Rcode.NoError), ("internal", Rcode.NoError), ("alias.test", Rcode.NoError),
            ("other.ent.pub.test", Rcode.NXDomain), ("none.pub.test", Rcode.NXDomain), ("hidden.pub.test", Rcode.NXDomain),
        })
        {
            var reply = await bench.AskAsync(name);
            Assert.Equal((name, rcode, "."), (name, reply.Rcode, reply.Soa.Owner));
            Assert.False(reply.Flags.HasFlag(DnsFlags.Authoritative));
            Assert.Equal((name, rcode), (name, bench.AtOnce(QueryPacket.Of(name)).Rcode));
        }
        bench.Mesh.Apply(Withdraw("deep.ent.pub.test"));
        Assert.Equal(Rcode.NXDomain, bench.AtOnce(QueryPacket.Of("ent.pub.test")).Rcode);
    }

    [Fact]
    public async Task Without_capture_nothing_exists_here()
    {
        using var bench = new ChainBench(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView(null, false)) }, TimeSpan.FromSeconds(4), Declare("deep.ent.pub.test", ["10.0.0.1"]), External("a", "www.test"));
        bench.Alias("alias.test", $"a.{Cluster}");
        foreach (var name in new[] { "ent.pub.test", "deep.ent.pub.test", "alias.test" }) Assert.Equal(Rcode.NXDomain, (await bench.AskAsync(name)).Rcode);
    }

    [Fact]
    public async Task Without_RD_only_what_is_known_is_said()
    {
        using var bench = new ChainBench(External("a", "db.example.net"));
        bench.Address("db.example.net", "192.0.2.8");
        var reply = bench.AtOnce(QueryPacket.Of($"a.{Cluster}", flags: DnsFlags.None));
        Assert.Equal((Rcode.NoError, "db.example.net."), (reply.Rcode, Assert.Single(reply.AnswerData)));
        Assert.Empty(bench.Upstream.Queries);
        await bench.AskAsync("db.example.net");
        Assert.Equal(2, bench.AtOnce(QueryPacket.Of($"a.{Cluster}", flags: DnsFlags.None)).Answers.Count());
    }

    [Fact]
    public async Task All_parts_of_a_chain_share_one_deadline()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var bench = new ChainBench(new MeshResolverOptions(), TimeSpan.FromSeconds(1), External("legacy", "legacy.example.net"));
        bench.On("alias.test", query => new FakeReply(query.Message(records: FakeRecord.Cname(query.Name, 60, $"legacy.{Cluster}."))) { Gate = gate.Task });
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bench.On("legacy.example.net", _ =>
        {
            second.TrySetResult();
            return FakeReply.Never;
        });
        var asked = bench.AskAsync(QueryPacket.Of("alias.test", edns: 1232));
        await bench.Upstream.WaitForCountAsync(1);
        bench.Mesh.Time.Advance(TimeSpan.FromMilliseconds(400));
        gate.SetResult();
        await second.Task;
        // In steps, since the loop may just be about to look at the clock; up to 1,250 ms, where the second part's own deadline would come at 1,400.
        for (var nowMs = 400; nowMs < 1250; nowMs += 50)
        {
            await Task.WhenAny(asked, bench.Mesh.Time.WhenTimerWithin(TimeSpan.FromSeconds(1)));
            bench.Mesh.Time.Advance(TimeSpan.FromMilliseconds(50));
        }
        var reply = await asked;
        Assert.Equal((Rcode.ServFail, EdeCode.NoReachableAuthority), (reply.Rcode, reply.Error));
    }

    [Fact]
    public async Task A_target_in_a_mesh_zone_that_old_knowledge_lacks_is_not_denied_by_an_upstream()
    {
        using var bench = new ChainBench(new MeshResolverOptions { AskOwners = true }, TimeSpan.FromSeconds(4));
        bench.On("alias.test", query => query.Answer(FakeRecord.Cname(query.Name, 60, "new.mesh.internal."), FakeRecord.A("new.mesh.internal.", 60, "192.0.2.66")));
        bench.Mesh.Time.Advance(MeshResolver.StaleAfter + TimeSpan.FromMilliseconds(1));
        var reply = await bench.AskAsync(QueryPacket.Of("alias.test", edns: 1232));
        Assert.Equal((Rcode.ServFail, EdeCode.NoReachableAuthority), (reply.Rcode, reply.Error));
        Assert.Empty(reply.Answers);
    }

    [Fact]
    public async Task A_chain_from_the_cache_allocates_nothing()
    {
        using var bench = new ChainBench(External("legacy", "legacy.example.net"));
        bench.Alias("alias.test", $"legacy.{Cluster}");
        bench.Address("legacy.example.net", "192.0.2.7");
        var packet = QueryPacket.Of("alias.test");
        await bench.AskAsync(packet);
        var reply = new byte[DnsLimits.MaxUdpSize];
        Measure();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Measure();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Measure()
        {
            for (var i = 0; i < 100; i++)
            {
                var context = new QueryContext(packet, bench.Mesh.Pipeline.HashOf(packet), [127, 0, 0, 1], Transport.Udp, reply);
                Assert.True(bench.Mesh.Pipeline.Handle(ref context) == PipelineOutcome.Reply);
            }
        }
    }
}
