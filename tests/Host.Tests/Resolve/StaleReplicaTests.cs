using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>A name in a mesh zone that a stale replica does not know is asked of its owner before it is denied (design.md, "Stale replica").</summary>
public sealed class StaleReplicaTests
{
    private readonly QueryBench _bench = new(new MeshResolverOptions { AskOwners = true });
    private readonly StubOwners _owners = new();
    private readonly ForwardPath _path;

    public StaleReplicaTests()
    {
        _path = new ForwardPath(_bench.Upstream, new LocalReply(_bench.Answers), new StaleReplica(_bench.Resolver, _owners));
        _bench.Apply(Declare("known.mesh.internal", ["10.0.0.1"]), Declare("below.there.mesh.internal", ["10.0.0.2"]));
    }

    [Fact]
    public void Fresh_knowledge_denies_at_once()
    {
        _bench.Time.Advance(MeshResolver.StaleAfter);
        Assert.Equal(Rcode.NXDomain, _bench.Ask("new.mesh.internal").Rcode);
        Assert.Empty(_owners.Asked);
    }

    [Fact]
    public async Task Stale_knowledge_asks_for_the_name_and_the_wildcards_above_it()
    {
        Stale();
        await AskAsync("a.new.mesh.internal");
        Assert.Equal(["a.new.mesh.internal", "*.new.mesh.internal", "*.mesh.internal"], _owners.Asked.Single().Select(n => n.Text));
    }

    [Fact]
    public void What_is_known_is_answered_at_once_however_stale()
    {
        Stale();
        Assert.Equal(["10.0.0.1"], _bench.Ask("known.mesh.internal").AnswerData);
        Assert.Equal(Rcode.NoError, _bench.Ask("mesh.internal", DnsType.SOA).Rcode);
    }

    [Fact]
    public void A_name_outside_the_zones_is_forwarded()
    {
        Stale();
        Assert.Equal(Origin.Upstream, _bench.AssertForwarded("www.example.org").Finding.Origin);
    }

    [Fact]
    public async Task What_the_owner_has_is_answered()
    {
        Stale();
        _owners.Facts = [Declare("new.mesh.internal", eligible: true), Grant(258, "new.mesh.internal")];
        var reply = await AskAsync("NEW.mesh.internal");
        Assert.Equal((Rcode.NoError, "240.240.1.2"), (reply.Rcode, Assert.Single(reply.AnswerData)));
        Assert.Equal("NEW.mesh.internal. A", reply.Question);
        Assert.True((reply.Flags & DnsFlags.Authoritative) != 0);
    }

    [Fact]
    public async Task A_wildcard_of_the_owner_matches()
    {
        Stale();
        _owners.Facts = [Declare("*.new.mesh.internal", ["10.0.0.7"])];
        Assert.Equal(["10.0.0.7"], (await AskAsync("x.new.mesh.internal")).AnswerData);
    }

    [Fact]
    public async Task What_the_owner_does_not_have_is_denied()
    {
        Stale();
        _owners.Facts = [];
        var reply = await AskAsync("new.mesh.internal");
        Assert.Equal(Rcode.NXDomain, reply.Rcode);
        Assert.Equal("mesh.internal.", reply.Soa.Owner);
        // An empty non-terminal of what is known here still exists.
        Assert.Equal(Rcode.NoError, (await AskAsync("there.mesh.internal")).Rcode);
    }

    [Fact]
    public async Task Without_an_answer_it_is_a_failure_and_no_denial()
    {
        Stale();
        _owners.Facts = null;
        var reply = await AskAsync("new.mesh.internal");
        Assert.Equal((Rcode.ServFail, EdeCode.NoReachableAuthority), (reply.Rcode, reply.Error));
    }

    [Fact]
    public async Task A_chain_of_the_owner_that_leaves_the_mesh_is_asked_upstream()
    {
        Stale();
        _owners.Facts = [Declare("new.mesh.internal", kind: DocumentKind.Service, externalName: "www.example.org")];
        await AskAsync("new.mesh.internal");
        var (name, _, finding) = Assert.Single(_bench.Upstream.Asked);
        Assert.Equal(("new.mesh.internal.", FindingKind.Cname), (name, finding.Kind));
    }

    private void Stale() => _bench.Time.Advance(MeshResolver.StaleAfter + TimeSpan.FromMilliseconds(1));

    private async Task<Reply> AskAsync(string name)
    {
        var packet = QueryPacket.Of(name, DnsType.A, edns: 1232);
        Assert.Equal(PipelineOutcome.Defer, _bench.Handle(packet, out _, out var deferral));
        Assert.Equal(Origin.Owner, deferral.Finding.Origin);
        var reply = new byte[DnsLimits.MaxUdpSize];
        var length = await _path.AnswerAsync(packet, deferral.Finding, deferral.View, deferral.Party, deferral.Cookie, reply, deferral.Limit, CancellationToken.None);
        return new Reply(reply.AsSpan(0, length));
    }

    private sealed class StubOwners : IOwnerInquiry
    {
        public List<IReadOnlyList<HostName>> Asked { get; } = [];

        public IReadOnlyList<MeshEvent>? Facts { get; set; } = [];

        public Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names)
        {
            Asked.Add(names);
            return Task.FromResult(Facts);
        }
    }
}
