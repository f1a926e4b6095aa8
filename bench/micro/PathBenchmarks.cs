using BenchmarkDotNet.Attributes;
using MeshDns.Bench.Edge;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Edge;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Bench.Micro;

/// <summary>From the packet to the reply.</summary>
public class PathBenchmarks
{
    private static readonly byte[] _client = [127, 0, 0, 1];
    private readonly byte[] _reply = new byte[DnsLimits.MaxUdpSize];
    private readonly byte[] _hit = Queries.Of(Names.Host(7), DnsType.A, edns: false);
    private readonly byte[] _noData = Queries.Of(Names.Host(7), DnsType.AAAA, edns: true);
    private readonly byte[] _noName = Queries.Of("no-such-name.mesh.internal", DnsType.A, edns: false);
    private readonly byte[] _vip = Queries.Of("vip.example", DnsType.A, edns: false);
    private QueryPipeline _pipeline = null!;

    [GlobalSetup]
    public void Fill()
    {
        var directory = Names.Directory(10_000);
        directory.Apply(DirectoryFacts.Batch(Names.Now, DirectoryFacts.Declare("vip.example", eligible: true), DirectoryFacts.Grant(1, "vip.example")));
        var resolver = Names.Resolver(directory);
        _pipeline = new QueryPipeline(
            resolver, new LocalReply(new AnswerWriter(resolver)), new NoUpstream(), new CookieJar(TimeProvider.System), new QueryCounters("udp", isShared: false), new FaultCounter(null, TimeProvider.System));
    }

    [Benchmark(Baseline = true)]
    public int Hit() => Handle(_hit);

    [Benchmark]
    public int HitVip() => Handle(_vip);

    [Benchmark]
    public int NoData() => Handle(_noData);

    [Benchmark]
    public int NxDomain() => Handle(_noName);

    private int Handle(byte[] packet)
    {
        _pipeline.Handle(packet, _client, isTcp: false, _reply, out var length, out _);
        return length;
    }
}
