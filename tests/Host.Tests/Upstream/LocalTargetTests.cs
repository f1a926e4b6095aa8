using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Tests.Resolve;
using MeshDns.Tests.Shared;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>behaviour.md, Forwarding: a CNAME target that is ours is answered locally, for a client for whom it is ours.</summary>
public sealed class LocalTargetTests
{
    private readonly QueryBench _mesh = QueryBench.Loaded(Declare("db.example.com", ["10.0.0.1"]));

    [Fact]
    public async Task Without_capture_the_answer_stays_as_the_upstream_gave_it()
    {
        using var upstream = new FakeUpstream(query => query.Answer(
            FakeRecord.Cname("alias.example.", 60, "db.example.com."), FakeRecord.A("db.example.com.", 60, "192.0.2.9")));
        using var bench = NewBench(upstream);
        var uncaptured = new ClientView(null, Capture: false);
        for (int i = 0; i < 2; i++) // Forwarded, then from the cache.
        {
            Assert.Equal(["alias.example. CNAME db.example.com.", "db.example.com. A 192.0.2.9"], (await bench.AskAsync(new Ask("alias.example."), view: uncaptured)).Answer);
            Assert.Equal(["alias.example. CNAME db.example.com.", "db.example.com. A 10.0.0.1"], (await bench.AskAsync(new Ask("alias.example."))).Answer);
        }
        Assert.Equal(1, upstream.Count);
    }

    [Fact]
    public async Task The_edge_says_what_its_client_sees()
    {
        var bench = new QueryBench(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView(null, false)) });
        bench.Apply(Declare("db.example.com", ["10.0.0.1"]));
        await bench.AskAsync(QueryPacket.Of("alias.example"));
        Assert.Equal(new ClientView(null, Capture: false), bench.Upstream.View);
        bench.Upstream.Cached.Add("cached.example.");
        bench.Ask("cached.example");
        Assert.Equal(new ClientView(null, Capture: false), bench.Upstream.View);
    }

    [Fact]
    public async Task A_negative_end_of_the_chain_carries_the_SOA_RFC_2308()
    {
        using var upstream = new FakeUpstream(query => query.Answer(
            FakeRecord.Cname(query.Name, 60, query.Name == "nodata.example." ? "db.example.com." : "gone.mesh.internal.")));
        using var bench = NewBench(upstream);
        for (int i = 0; i < 2; i++)
        {
            var gone = await bench.AskAsync("gone.example.");
            Assert.Equal((Rcode.NXDomain, "mesh.internal. SOA "), (gone.Rcode, Assert.Single(gone.Authority)));
            var noData = await bench.AskAsync(new Ask("nodata.example.", DnsType.AAAA));
            Assert.Equal((Rcode.NoError, "db.example.com. SOA "), (noData.Rcode, Assert.Single(noData.Authority)));
            Assert.Single(noData.Answer);
        }
    }

    private Bench NewBench(FakeUpstream upstream) =>
        new(new UpstreamSettings([upstream.Address], [], TimeSpan.FromSeconds(4), 1 << 20), _mesh.Answers);
}
