using BenchmarkDotNet.Attributes;
using MeshDns.Bench.Edge;
using MeshDns.Contracts.Dns;

namespace MeshDns.Bench.Micro;

/// <summary>Reading a query, and writing a reply the general way.</summary>
public class CodecBenchmarks
{
    private readonly byte[] _plain = Queries.Of("svc-00007.mesh.internal", DnsType.A, edns: false);
    private readonly byte[] _edns = Queries.Of("svc-00007.mesh.internal", DnsType.A, edns: true);
    private readonly byte[] _reply = new byte[DnsLimits.MaxUdpSize];
    private readonly byte[] _name = new byte[DnsLimits.MaxNameSize];

    [Benchmark]
    public QueryParse Parse() => DnsQuery.TryParse(_plain, out _);

    [Benchmark]
    public QueryParse ParseEdns() => DnsQuery.TryParse(_edns, out _);

    [Benchmark]
    public ulong HashName() => DnsName.Hash(_plain.AsSpan(DnsLimits.HeaderSize, 25), 0x1234_5678_9ABC_DEF0);

    [Benchmark]
    public int WriteReply()
    {
        DnsQuery.TryParse(_edns, out var query);
        DnsName.Fold(query.QuestionName, _name);
        var writer = MessageWriter.StartReply(_reply, query, DnsFlags.Authoritative);
        writer.TryWriteOpt(new OptRecord());
        return writer.Length;
    }
}
