using System.Net;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Settings;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Upstream;

/// <summary>What explain says of a name that is not ours: cache, route and server, without asking anybody.</summary>
public sealed class UpstreamExplainTests
{
    [Fact]
    public async Task The_cache_tells_what_it_has_and_for_how_long()
    {
        using var upstream = new FakeUpstream(query => query.Name.StartsWith("no.", StringComparison.Ordinal)
            ? query.Fail(Rcode.NXDomain, FakeRecord.Soa("example.", 60, 60)) : query.Answer(FakeRecord.A(query.Name, 60, "192.0.2.1")));
        using var bench = new Bench(upstream);
        string[] asked = [$"by upstream.servers, {upstream.Address} is asked first: the only server"];
        Assert.Equal(["the cache has no answer", .. asked], Explain(bench, "x.example"));
        await bench.AskAsync("X.example.");
        await bench.AskAsync("no.example.");
        bench.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(["the cache has an answer, for 40 s more", .. asked], Explain(bench, "x.example"));
        Assert.Equal("the cache has a denial (NXDOMAIN), for 40 s more", Explain(bench, "no.example")[0]);
        bench.Clock.Advance(TimeSpan.FromSeconds(41));
        Assert.Equal("the cache has an answer past its lifetime, which is served where no server answers (RFC 8767)", Explain(bench, "x.example")[0]);
        Assert.Equal(2, upstream.Count);
    }

    [Fact]
    public void The_route_and_why_a_server_is_preferred_are_told()
    {
        IPEndPoint[] servers = [new(IPAddress.Parse("192.0.2.1"), 53), new(IPAddress.Parse("192.0.2.2"), 53)];
        var settings = new UpstreamSettings(servers, [new UpstreamRoute("corp.example", [new IPEndPoint(IPAddress.Parse("192.0.2.3"), 53)])], TimeSpan.FromSeconds(4), 1 << 20);
        using var bench = new Bench(settings);
        Assert.Equal("by the route for corp.example., 192.0.2.3:53 is asked first: the only server", Explain(bench, "a.corp.example")[1]);
        var links = bench.Forwarder.Snapshot().Servers.Count;
        Assert.Equal(3, links);
        Assert.Equal("by upstream.servers, 192.0.2.1:53 is asked first: the best of 2 by latency and failures, score 0.0", Explain(bench, "a.example")[1]);
    }

    [Fact]
    public void Without_a_server_that_is_told()
    {
        using var bench = new Bench(new UpstreamSettings([], [], TimeSpan.FromSeconds(4), 1 << 20));
        Assert.Equal("by the servers of resolv.conf, nobody can be asked", Explain(bench, "a.example")[1]);
    }

    private static IReadOnlyList<string> Explain(Bench bench, string name) => bench.Forwarder.Explain(DirectoryFacts.Wire(name), DnsType.A);
}
