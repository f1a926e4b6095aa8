using System.Net;
using MeshDns.Contracts.Names;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

public sealed class QueryExplainerTests
{
    private readonly QueryBench _bench = QueryBench.Loaded(Declare("db.example.com", eligible: true, ns: "prod"), Grant(0x0102, "db.example.com"));

    [Fact]
    public async Task A_declared_name_is_explained_with_its_record_and_answer()
    {
        var explained = await Explainer.ExplainAsync("DB.example.com", "A", null, default);
        Assert.Equal(("db.example.com.", "A", "exact", "NOERROR"), (explained.Name, explained.Type, explained.Stage, explained.Rcode));
        Assert.Equal(["db.example.com. 30 IN A 240.240.1.2"], explained.Answers);
        Assert.Contains(explained.Steps, s => s.Contains("namespace prod answers with its VIP 240.240.1.2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("www.example.org.", "A", "forward", null)]
    [InlineData("x.cluster.local", "TYPE65", "zone", "NXDOMAIN")]
    [InlineData("localhost", "aaaa", "special", "NOERROR")]
    [InlineData("db.example.com", "AXFR", "error", "REFUSED")]
    [InlineData("db.example.com", "TYPE65280", "forward", null)]
    public async Task The_stage_and_rcode_are_those_of_the_query_path(string name, string type, string stage, string? rcode)
    {
        var explained = await Explainer.ExplainAsync(name, type, null, default);
        Assert.Equal(stage, explained.Stage);
        Assert.Equal(rcode, explained.Rcode);
        Assert.NotEmpty(explained.Steps);
    }

    [Fact]
    public async Task A_declared_name_below_localhost_is_explained_as_declared()
    {
        _bench.Apply(Declare("app.localhost", ["10.0.0.1"]));
        var explained = await Explainer.ExplainAsync("app.localhost", "A", null, default);
        Assert.Equal("exact", explained.Stage);
        Assert.Contains(explained.Steps, s => s.StartsWith("but it is declared: the host app.localhost matches", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_chain_that_leaves_the_mesh_is_explained_up_to_there()
    {
        _bench.Apply(ChainBench.External("e1", "db.example.com"), ChainBench.External("e2", "www.example.org"));
        var ours = await Explainer.ExplainAsync("e1.default.svc.cluster.local", "MX", null, default);
        Assert.Equal(("forward", null), (ours.Stage, ours.Rcode));
        Assert.Equal(["e1.default.svc.cluster.local. 30 IN CNAME db.example.com."], ours.Answers);
        Assert.Equal("db.example.com. exists here: where the upstream says NXDOMAIN, the answer is NODATA", ours.Steps[^1]);
        var foreign = await Explainer.ExplainAsync("e2.default.svc.cluster.local", "A", null, default);
        Assert.Equal("the chain of CNAMEs leaves the mesh at www.example.org.: answered by the upstreams or their cache", foreign.Steps[^1]);
    }

    [Theory]
    [InlineData("db.example.com", "MX", true)]
    [InlineData("example.com", "A", true)]
    [InlineData("other.example.com", "A", false)]
    [InlineData("none.example.com", "A", false)]
    public async Task What_exists_here_is_said_of_names_that_are_forwarded(string name, string type, bool exists)
    {
        _bench.Apply(Declare("none.example.com"));
        var explained = await Explainer.ExplainAsync(name, type, null, default);
        Assert.Equal(("forward", null), (explained.Stage, explained.Rcode));
        Assert.Equal(exists, explained.Steps[^1].Contains("exists here", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a..b", "A")]
    [InlineData("a", "1")]
    [InlineData("a", "TYPE70000")]
    [InlineData("a", "")]
    public async Task What_is_no_name_or_type_is_refused(string name, string type)
    {
        await Assert.ThrowsAsync<FormatException>(() => Explainer.ExplainAsync(name, type, null, default));
    }

    [Fact]
    public async Task A_clients_namespace_and_each_candidate_are_told_and_why_it_does_not_match()
    {
        var clients = new ClientTable(ClientView.Default, [(IPNetwork.Parse("10.0.0.0/8"), new ClientView("shop", true)), (IPNetwork.Parse("10.9.0.0/16"), new ClientView("shop", false))]);
        _bench.Resolver.Adopt(new MeshResolverOptions { Clients = clients });
        _bench.Apply(Declare("own.example", ["10.0.0.1"], ns: "prod", exportTo: [".", "lab"], name: "own"), Declare("none.example", name: "none"));
        var steps = (await Explainer.ExplainAsync("own.example.shop.svc.cluster.local", "A", IPAddress.Parse("10.1.1.1"), default)).Steps;
        Assert.Contains("the client is in namespace shop; capture is on", steps);
        Assert.Contains("the client may mean own.example., but own.example is exported only to lab, prod, and the client is in shop", steps);
        Assert.Contains("the client may mean own.example.svc.cluster.local., but it is not declared", steps);
        steps = (await Explainer.ExplainAsync("none.example.svc.cluster.local", "A", IPAddress.Parse("::ffff:10.1.1.1"), default)).Steps;
        Assert.Contains("the client may mean none.example., but none.example has no address", steps);
        steps = (await Explainer.ExplainAsync("own.example", "A", IPAddress.Parse("11.1.1.1"), default)).Steps;
        Assert.Contains("the client has no namespace, so it sees what is exported to all; capture is on", steps);
        Assert.Contains(steps, step => step.EndsWith("own.example is exported only to lab, prod, and the client has no namespace", StringComparison.Ordinal));
        steps = (await Explainer.ExplainAsync("own.example", "A", IPAddress.Parse("10.9.1.1"), default)).Steps;
        Assert.Contains("capture is off for this client: forwarded as if there were no mesh", steps);
    }

    [Theory]
    [InlineData("db.example.com.svc.cluster.local", "A", "search", "db.example.com.svc.cluster.local. 30 IN A 240.240.1.2")]
    [InlineData("_http._tcp.db.example.com", "SRV", "exact", "_http._tcp.db.example.com. 30 IN SRV 0 100 80 db.example.com.")]
    [InlineData("2.1.240.240.in-addr.arpa", "PTR", "reverse", "2.1.240.240.in-addr.arpa. 30 IN PTR db.example.com.")]
    public async Task What_is_found_by_other_ways_is_explained(string name, string type, string stage, string answer)
    {
        var explained = await Explainer.ExplainAsync(name, type, null, default);
        Assert.Equal((stage, "NOERROR"), (explained.Stage, explained.Rcode));
        Assert.Equal([answer], explained.Answers);
        Assert.Equal(0x0102, explained.VipIndex);
        Assert.Contains(explained.Steps, s => s.Contains("db.example.com", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Why_a_record_wins_is_told()
    {
        _bench.Apply(Declare("db.example.com", ["10.0.0.2"], ns: "shop", name: "b", created: 9));
        Assert.Contains((await Explainer.ExplainAsync("db.example.com", "A", null, default)).Steps, s => s.Contains("the one of namespace prod answers by age", StringComparison.Ordinal));
        _bench.Resolver.Adopt(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView("shop", true)) });
        Assert.Contains((await Explainer.ExplainAsync("db.example.com", "A", null, default)).Steps, s => s.Contains("the one of namespace shop answers by the client's own namespace", StringComparison.Ordinal));
    }

    private QueryExplainer Explainer => new(_bench.Resolver);
}
