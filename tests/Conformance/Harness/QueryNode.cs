using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>
/// The node that the query and forwarding tests share: one of each kind of declaration, a scripted upstream, and routes to a pair of upstreams
/// (two.test), to one that never answers (dead.test), to one from before EDNS (old.test) and to the scripted one by its IPv4-mapped address (mapped.test). At the end nothing of a mesh zone may have gone upstream, no handler may have failed,
/// and the node must stop cleanly with a sound journal.
/// </summary>
public sealed class QueryNode : IAsyncLifetime
{
    private readonly ScratchFolder _folder = new();

    public NodeProcess Node { get; private set; } = null!;

    public ScriptedUpstream Upstream { get; } = new();

    /// <summary>The servers of two.test.</summary>
    public ScriptedUpstream[] Pair { get; } = [new(), new()];

    /// <summary>The server of old.test, which the node learns to ask without EDNS.</summary>
    public ScriptedUpstream Old { get; } = new();

    private ScriptedUpstream Dead { get; } = new();

    public async Task InitializeAsync()
    {
        Dead.On("gone.dead.test", _ => FakeReply.Never);
        Node = await NodeProcess.StartAsync(_folder["data"], $"upstream.servers={Upstream.Address}", "upstream.timeout=3s", "mesh.zones=[mesh.internal]",
            $$"""upstream.routes={ "two.test" = ["{{Pair[0].Address}}", "{{Pair[1].Address}}"], "dead.test" = ["{{Dead.Address}}"], "old.test" = ["{{Old.Address}}"], "mapped.test" = ["[::ffff:{{Upstream.Address.Replace(":", "]:", StringComparison.Ordinal)}}"] }""");
        _ = (await Node.ApplyAsync(Declarations())).Done;
    }

    public async Task DisposeAsync()
    {
        Assert.Equal(0, await Node.MetricAsync("meshdns_edge_faults_total"));
        Assert.DoesNotContain(Upstream.Names, name => name.EndsWith("mesh.internal", StringComparison.Ordinal) || name.EndsWith("cluster.local", StringComparison.Ordinal)
            || name.EndsWith("240.240.in-addr.arpa", StringComparison.Ordinal) || name.EndsWith("localhost", StringComparison.Ordinal) || name.EndsWith("invalid", StringComparison.Ordinal));
        Assert.Equal(0, await Node.StopAsync());
        await Verify.CleanAsync(_folder["data"]);
        await Node.DisposeAsync();
        foreach (var server in (ScriptedUpstream[])[Upstream, .. Pair, Dead, Old]) server.Dispose();
        _folder.Dispose();
    }

    private static string Declarations() => string.Concat(
        Manifest.Vip("vip", "vip.example.com"),
        Manifest.Fixed("fixed", "fixed.example.com", "192.0.2.1", "192.0.2.2", "192.0.2.3"),
        Manifest.Fixed("dual", "dual.example.com", "192.0.2.4", "2001:db8::4"),
        Manifest.Fixed("six", "six.example.com", "2001:db8::6"),
        Manifest.Fixed("many", "many.example.com", Enumerable.Range(1, 250).Select(i => $"198.18.0.{i}")),
        // Wildcards inside wildcards, and hosts without an address inside those.
        Manifest.Fixed("wild", "*.wild.example.com", "192.0.2.10"),
        Manifest.Fixed("deep", "*.deep.wild.example.com", "192.0.2.11"),
        Manifest.Fixed("exact", "exact.wild.example.com", "192.0.2.12"),
        Manifest.Entry("none", ["none.wild.example.com", "*.none.wild.example.com"]),
        Manifest.OptedOut(Manifest.Vip("opted-out", "out.wild.example.com")),
        Manifest.Fixed("cidr", "cidr.wild.example.com", "10.9.0.0/16"),
        Manifest.Entry("dynamic", ["*.dynamic.example.com"], "resolution: DYNAMIC_DNS"),
        // Names in mesh zones.
        Manifest.Vip("inside", "a.b.mesh.internal"),
        Manifest.OptedOut(Manifest.Vip("silent", "silent.mesh.internal")),
        Manifest.Service("web", "clusterIP: 10.96.0.80", "ports: [{ name: http, port: 80 }]"),
        Manifest.Service("outside", "type: ExternalName", "externalName: target.up.test"),
        Manifest.Service("alias", "type: ExternalName", "externalName: vip.example.com"),
        Manifest.Service("again", "type: ExternalName", "externalName: again.shop.svc.cluster.local"));
}

[CollectionDefinition(nameof(QueryNode))]
public sealed class QueryNodeTests : ICollectionFixture<QueryNode>;

/// <summary>Shows what the node logged during a test that fails.</summary>
[Collection(nameof(QueryNode))]
public abstract class QueryTest(QueryNode fixture, Xunit.Abstractions.ITestOutputHelper output) : IDisposable
{
    private readonly int _begin = fixture.Node.Log.Length;

    protected NodeProcess Node => fixture.Node;

    protected ScriptedUpstream Upstream => fixture.Upstream;

    protected ScriptedUpstream[] Pair => fixture.Pair;

    protected ScriptedUpstream Old => fixture.Old;

    public void Dispose()
    {
        output.WriteLine("The node's log:\n" + fixture.Node.Log[_begin..]);
        GC.SuppressFinalize(this);
    }
}
