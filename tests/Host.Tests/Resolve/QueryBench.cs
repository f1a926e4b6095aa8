using MeshDns.Actors.Directory;
using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Host.Tests.Resolve;

/// <summary>A directory, a resolver and a pipeline without sockets, on a clock that tests move.</summary>
public sealed class QueryBench
{
    private static readonly byte[] _client = [127, 0, 0, 1];
    private readonly byte[] _reply = new byte[DnsLimits.MaxMessageSize];

    public QueryBench(MeshResolverOptions? options = null, Func<QueryBench, IUpstream>? upstream = null, string zone = "mesh.internal")
    {
        Directory = new MeshDirectory(VipRange.Default, MeshDirectory.ZonesOf(HostName.Parse("cluster.local"), VipRange.Default, [HostName.Parse(zone)]), ShardCount, Time);
        Resolver = new MeshResolver(Directory, options ?? new MeshResolverOptions(), Time);
        Answers = new AnswerWriter(Resolver);
        Faults = new FaultCounter(null, Time);
        var asked = upstream?.Invoke(this) ?? Upstream;
        Pipeline = new QueryPipeline(Resolver, new LocalReply(Answers), asked, new CookieJar(Time), Counters, Faults);
        Forward = new ForwardPath(asked, new LocalReply(Answers));
    }

    public ManualTimeProvider Time { get; } = new();
    public MeshDirectory Directory { get; }
    public MeshResolver Resolver { get; }
    public AnswerWriter Answers { get; }
    public StubUpstream Upstream { get; } = new();
    public QueryCounters Counters { get; } = new("udp", isShared: false);
    public FaultCounter Faults { get; }
    public QueryPipeline Pipeline { get; }
    public ForwardPath Forward { get; }

    public static QueryBench Loaded(params MeshEvent[] facts)
    {
        var bench = new QueryBench();
        bench.Apply(facts);
        return bench;
    }

    public void Apply(params MeshEvent[] facts) => Directory.Apply(Batch(Time.GetUtcNow().ToUnixTimeMilliseconds(), facts));

    /// <summary>What the edge does at once.</summary>
    public PipelineOutcome Handle(byte[] packet, out Reply? reply, out Deferral deferral, bool isTcp = false)
    {
        var context = isTcp
            ? new QueryContext(packet, Pipeline.HashOf(packet), _client, Transport.Tcp, _reply)
            : new QueryContext(packet, Pipeline.HashOf(packet), _client, Transport.Udp, _reply.AsSpan(0, DnsLimits.MaxUdpSize));
        var outcome = Pipeline.Handle(ref context);
        reply = outcome == PipelineOutcome.Reply ? new Reply(_reply.AsSpan(0, context.Length)) : null;
        deferral = context.Deferral;
        return outcome;
    }

    /// <summary>The reply, by the slow path where it is needed.</summary>
    public async Task<Reply> AskAsync(byte[] packet, bool isTcp = false)
    {
        var outcome = Handle(packet, out var reply, out var deferral, isTcp);
        if (outcome == PipelineOutcome.Reply) return reply!;
        Assert.Equal(PipelineOutcome.Defer, outcome);
        var length = await Forward.AnswerAsync(packet, deferral.Finding, deferral.View, deferral.Party, deferral.Cookie, _reply, deferral.Limit, CancellationToken.None);
        return new Reply(_reply.AsSpan(0, length));
    }

    /// <summary>The reply to a query that must be answered at once.</summary>
    public Reply Ask(string name, DnsType type = DnsType.A) => Ask(QueryPacket.Of(name, type));

    public Reply Ask(byte[] packet, bool isTcp = false)
    {
        Assert.Equal(PipelineOutcome.Reply, Handle(packet, out var reply, out _, isTcp));
        return reply!;
    }

    /// <summary>Asserts that a query waits for the upstream.</summary>
    public Deferral AssertForwarded(string name, DnsType type = DnsType.A)
    {
        Assert.Equal(PipelineOutcome.Defer, Handle(QueryPacket.Of(name, type), out _, out var deferral));
        return deferral;
    }

    public string? StageOf(string name, DnsType type = DnsType.A)
    {
        var counters = new QueryCounters("udp", isShared: false);
        var pipeline = new QueryPipeline(Resolver, new LocalReply(Answers), Upstream, new CookieJar(Time), counters, Faults);
        var packet = QueryPacket.Of(name, type);
        var context = new QueryContext(packet, pipeline.HashOf(packet), _client, Transport.Udp, _reply.AsSpan(0, DnsLimits.MaxUdpSize));
        pipeline.Handle(ref context);
        var sums = new Dictionary<(string Type, string Rcode, string Stage), long>();
        counters.AddTo(sums);
        return sums.Keys.Select(k => k.Stage).SingleOrDefault();
    }
}
