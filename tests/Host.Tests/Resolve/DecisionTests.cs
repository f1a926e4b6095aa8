using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>A decision that is recorded is the one that queries get, and what is recorded are the steps that it took.</summary>
public sealed class DecisionTests
{
    private readonly QueryBench _bench = QueryBench.Loaded(
        Declare("db.example.com", eligible: true), Grant(1, "db.example.com"), Declare("*.wild.example", ["10.0.0.1"]), Declare("none.example"),
        Declare("a.b.mesh.internal", ["10.0.0.2"]), Declare("app.localhost", ["10.0.0.3"]), ChainBench.External("alias", "db.example.com"));

    [Theory]
    [InlineData("db.example.com", "Host")]
    [InlineData("x.wild.example", "Host")]
    [InlineData("none.example", "Host")]
    [InlineData("alias.default.svc.cluster.local", "Host")]
    [InlineData("a.b.mesh.internal", "Host")]
    [InlineData("b.mesh.internal", "NoHost Zone")]
    [InlineData("mesh.internal", "NoHost Zone")]
    [InlineData("no.mesh.internal", "NoHost Zone")]
    [InlineData("www.example.org", "NoHost NotOurs")]
    [InlineData("localhost", "Special")]
    [InlineData("x.invalid", "Special")]
    public async Task The_steps_recorded_are_those_taken(string name, string steps)
    {
        foreach (var type in new[] { DnsType.A, DnsType.AAAA, DnsType.MX, DnsType.SOA, DnsType.SRV, DnsType.ANY, DnsType.CNAME })
        {
            AssertSteps(_bench, name, type, steps);
            await AssertExplainedAsAnswered(name, type);
        }
    }

    [Theory]
    [InlineData(DnsType.A, "Special SpecialDeclared")]
    [InlineData(DnsType.MX, "Special")]
    public async Task What_is_declared_below_localhost_is_a_step_more(DnsType type, string steps)
    {
        AssertSteps(_bench, "app.localhost", type, steps);
        await AssertExplainedAsAnswered("app.localhost", type);
    }

    [Fact]
    public void Without_capture_nothing_else_is_looked_at()
    {
        var bench = new QueryBench(new MeshResolverOptions { Clients = ClientTable.Same(new ClientView(null, false)) });
        bench.Apply(Declare("db.example.com", ["10.0.0.1"]));
        AssertSteps(bench, "db.example.com", DnsType.A, "NoCapture");
        Assert.Equal(Origin.Upstream, bench.AssertForwarded("db.example.com").Finding.Origin);
    }

    private static void AssertSteps(QueryBench bench, string name, DnsType type, string steps)
    {
        var heard = new List<(DecisionStep Step, Finding Finding)>();
        var recorder = new Recorder(heard);
        var wire = HostName.Parse(name).ToWire();
        var view = bench.Resolver.ViewOf([127, 0, 0, 1]);
        var finding = bench.Resolver.Decide(wire, bench.Directory.HashOf(wire), type, view, ref recorder, isTarget: false);
        Assert.Equal(steps, string.Join(' ', heard.Select(h => h.Step)));
        Assert.Equal(finding, heard[^1].Finding);
        Assert.Equal(finding, bench.Resolver.Decide(wire, bench.Directory.HashOf(wire), type, view));
    }

    private async Task AssertExplainedAsAnswered(string name, DnsType type)
    {
        var explained = await new QueryExplainer(_bench.Resolver).ExplainAsync(name, type.ToString(), null, default);
        var outcome = _bench.Handle(QueryPacket.Of(name, type), out var reply, out _);
        Assert.Equal(outcome == PipelineOutcome.Defer ? "forward" : _bench.StageOf(name, type), explained.Stage);
        Assert.Equal(reply?.Rcode.ToString().ToUpperInvariant(), explained.Rcode);
        if (reply is not null) Assert.Equal(reply.Answers.Count(), explained.Answers.Count);
    }

    private readonly struct Recorder(List<(DecisionStep Step, Finding Finding)> heard) : IDecisionRecorder
    {
        public void Record(DecisionStep step, in Finding finding) => heard.Add((step, finding));

        public void RecordCandidate(ReadOnlySpan<byte> name, in DirectoryMatch match) { }
    }
}
