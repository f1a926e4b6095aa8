using System.Globalization;
using MeshDns.Contracts.Dns;
using MeshDns.Host.Query;
using MeshDns.Host.Resolve;
using MeshDns.Tests.Shared;

namespace MeshDns.Bench.Edge;

/// <summary>What one query costs between receiving and sending, by the processor time that the process was given: other programs do not count.</summary>
internal static class PipelineTimes
{
    private const int Rounds = 7;
    private static readonly TimeSpan _round = TimeSpan.FromMilliseconds(500);
    private static readonly byte[] _client = [127, 0, 0, 1];

    public static void Print(int names)
    {
        var directory = Names.Directory(names, "*.wild.example");
        directory.Apply(DirectoryFacts.Batch(Names.Now, DirectoryFacts.Declare("vip.example", eligible: true), DirectoryFacts.Grant(1, "vip.example")));
        var resolver = Names.Resolver(directory);
        var answers = new AnswerWriter(resolver);
        var faults = new FaultCounter(null, TimeProvider.System);
        var pipeline = new QueryPipeline(
            resolver, new LocalReply(answers), new NoUpstream(), new CookieJar(TimeProvider.System), new QueryCounters("udp", isShared: false), faults);
        var order = Enumerable.Range(0, names).ToArray();
        new Random(1).Shuffle(order);
        Print("hit, A", pipeline, [.. order.Select(i => Queries.Of(Names.Host(i), DnsType.A, edns: false))]);
        Print("hit, A, EDNS", pipeline, [.. order.Select(i => Queries.Of(Names.Host(i), DnsType.A, edns: true))]);
        Print("NODATA, AAAA", pipeline, [.. order.Select(i => Queries.Of(Names.Host(i), DnsType.AAAA, edns: false))]);
        Print("NXDOMAIN", pipeline, [.. order.Select(i => Queries.Of("no-" + Names.Host(i), DnsType.A, edns: false))]);
        Print("VIP, A", pipeline, [Queries.Of("vip.example", DnsType.A, edns: false)]);
        Print("wildcard, A", pipeline, [.. order.Select(i => Queries.Of($"h{i}.wild.example", DnsType.A, edns: false))]);
        if (faults.Total != 0) throw new InvalidOperationException("a query failed");
    }

    private static void Print(string what, QueryPipeline pipeline, byte[][] queries)
    {
        var reply = new byte[DnsLimits.MaxUdpSize];
        Run(pipeline, queries, reply, _round); // so that the compiler is done
        Thread.Sleep(200);
        Run(pipeline, queries, reply, _round);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var times = new double[Rounds];
        for (var i = 0; i < Rounds; i++) times[i] = Run(pipeline, queries, reply, _round);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Array.Sort(times);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-14} {times[Rounds / 2],6:F1} ns (best {times[0]:F1}), {allocated} bytes allocated"));
    }

    private static double Run(QueryPipeline pipeline, byte[][] queries, byte[] reply, TimeSpan atLeast)
    {
        long done = 0;
        var before = Environment.CpuUsage.TotalTime;
        TimeSpan used;
        do
        {
            for (var i = 0; i < 20_000; i++, done++)
            {
                var packet = queries[done % queries.Length];
                var context = new QueryContext(packet, pipeline.HashOf(packet), _client, Transport.Udp, reply);
                if (pipeline.Handle(ref context) != PipelineOutcome.Reply) throw new InvalidOperationException("not answered at once");
            }
            used = Environment.CpuUsage.TotalTime - before;
        }
        while (used < atLeast);
        return used.TotalNanoseconds / done;
    }
}
