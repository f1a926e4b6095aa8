using System.Collections.Concurrent;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Resolve;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream;
using MeshDns.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>The mesh's own path of a query with a real forwarder behind it, whose one upstream has a script a name: any other name does not exist there.</summary>
internal sealed class ChainBench : IDisposable
{
    private readonly ConcurrentDictionary<string, Func<FakeQuery, FakeReply>> _scripts = new(StringComparer.OrdinalIgnoreCase);
    private readonly UpstreamForwarder _forwarder;

    public ChainBench(params MeshEvent[] facts) : this(new MeshResolverOptions(), TimeSpan.FromSeconds(4), facts)
    {
    }

    public ChainBench(MeshResolverOptions options, TimeSpan timeout, params MeshEvent[] facts)
    {
        Upstream = new FakeUpstream(query => _scripts.TryGetValue(query.Name, out var script) ? script(query) : query.Fail(Rcode.NXDomain, Soa));
        UpstreamForwarder? forwarder = null;
        Mesh = new QueryBench(options, mesh => forwarder = new UpstreamForwarder(
            new UpstreamOptions(new UpstreamSettings([Upstream.Address], [], timeout, 1 << 20), [], VipRange.Default, "/nonexistent/resolv.conf"), mesh.Answers, mesh.Time, NullLogger.Instance));
        _forwarder = forwarder!;
        Mesh.Apply(facts);
    }

    public static FakeRecord Soa { get; } = FakeRecord.Soa(".", 60, 60);

    public FakeUpstream Upstream { get; }

    public QueryBench Mesh { get; }

    /// <summary>An ExternalName Service of the namespace default.</summary>
    public static MeshEvent External(string name, string target) =>
        Declare($"{name}.default.svc.cluster.local", name: name, kind: DocumentKind.Service, externalName: target);

    /// <summary>What the upstream says of a name.</summary>
    public void On(string name, Func<FakeQuery, FakeReply> script) => _scripts[name + "."] = script;

    /// <summary>An address, and nothing else.</summary>
    public void Address(string name, string address) => On(name, query => query.Type == DnsType.A ? query.Answer(FakeRecord.A(query.Name, 60, address)) : query.Answer(Soa));

    /// <summary>A CNAME to a name that the upstream denies, as a resolver does that does not know the mesh.</summary>
    public void Alias(string name, string target, uint ttl = 60) => On(name, query => query.Fail(Rcode.NXDomain, FakeRecord.Cname(query.Name, ttl, target + "."), Soa));

    public Task<Reply> AskAsync(string name, DnsType type = DnsType.A) => AskAsync(QueryPacket.Of(name, type));

    public Task<Reply> AskAsync(byte[] packet, bool isTcp = false) => Mesh.AskAsync(packet, isTcp).WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>What the edge answers by itself.</summary>
    public Reply AtOnce(byte[] packet) => Mesh.Ask(packet);

    public static IEnumerable<string> Lines(Reply reply) => reply.Answers.Select(a => $"{a.Owner} {a.Type} {a.Data}");

    public void Dispose()
    {
        _forwarder.Dispose();
        Upstream.Dispose();
    }
}
