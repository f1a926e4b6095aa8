using MeshDns.Host.Query;
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

    private QueryExplainer Explainer => new(_bench.Resolver);
}
