using System.Diagnostics;

namespace MeshDns.ClusterBench;

/// <summary>New allocations through the API: one host a request, and a hundred. Clients, nodes and PostgreSQL share the machine.</summary>
internal static class Scale
{
    private const int Few = 16;
    private const int Many = 128;

    // A node takes 64 requests at a time.
    private const int RequestsOfNode = 60;
    private const int Batch = 100;

    // A measurement ends early with so many hosts, so that the pool lasts for all of them.
    private const int Most = 12_500;

    // A node takes no more sets of manifests at a time.
    private const int ClientsOfNode = 2;
    private static readonly TimeSpan _span = TimeSpan.FromSeconds(5);

    // A new process spends its first seconds of CPU on compiling itself: with five on two cores that is all that a short warm-up would measure.
    private static readonly TimeSpan _warmANode = TimeSpan.FromSeconds(6);

    public static async Task RunAsync()
    {
        Table.Head($"Allocations a second through the API, {Environment.ProcessorCount} cores for nodes, PostgreSQL and clients together", "nodes", $"one host a PUT, {Few} clients", "median reply", "CPU a change then: nodes, PostgreSQL, clients", $"{Many} clients ({RequestsOfNode} with one node)", "median reply", $"{Batch} hosts a set of manifests, {ClientsOfNode} clients a node", "median reply");
        foreach (var nodes in (int[])[1, 3, 5])
        {
            await using var cluster = await BenchCluster.StartAsync(nodes);
            await MeasureAsync(cluster, Few, 1, nodes * _warmANode);
            await MeasureAsync(cluster, ClientsOfNode * nodes, Batch, nodes * _warmANode / 2);
            var before = CpuMs(cluster);
            var began = Stopwatch.GetTimestamp();
            var (few, fewMs) = await MeasureAsync(cluster, Few, 1, _span);
            var changes = few * Stopwatch.GetElapsedTime(began).TotalSeconds;
            var cpu = CpuMs(cluster).Zip(before, (now, then) => $"{(now - then) / changes:F2}");
            var (many, manyMs) = await MeasureAsync(cluster, Math.Min(Many, RequestsOfNode * nodes), 1, _span);
            var (batched, batchedMs) = await MeasureAsync(cluster, ClientsOfNode * nodes, Batch, _span);
            Table.Row($"{nodes}", $"{few:F0}", fewMs, $"{string.Join(", ", cpu)} ms", $"{many:F0}", manyMs, $"{batched:F0}", batchedMs);
        }
    }

    // Of all nodes together, of PostgreSQL (whose processes change their names), and of the clients, which are this process.
    private static double[] CpuMs(BenchCluster cluster) =>
    [
        cluster.Nodes.Values.Sum(n => CpuMs(Process.GetProcessById(n.ProcessId))), Process.GetProcesses().Where(p => p.ProcessName.StartsWith("postgres", StringComparison.Ordinal)).Sum(CpuMs), CpuMs(Process.GetCurrentProcess()),
    ];

    private static double CpuMs(Process process)
    {
        using (process) return process.TotalProcessorTime.TotalMilliseconds;
    }

    private static async Task<(double Rate, string MedianMs)> MeasureAsync(BenchCluster cluster, int clients, int hosts, TimeSpan span)
    {
        var nodes = cluster.Nodes.Values.ToArray();
        var begin = Stopwatch.GetTimestamp();
        var asked = 0;
        var times = (await Task.WhenAll(Enumerable.Range(0, clients).Select(i => Task.Run(async () =>
        {
            var times = new List<double>();
            while (Stopwatch.GetElapsedTime(begin) < span && Interlocked.Add(ref asked, hosts) <= Most)
            {
                var run = Guid.NewGuid().ToString("N");
                var sent = Stopwatch.GetTimestamp();
                if (hosts == 1) await BenchCluster.PutAsync(nodes[i % nodes.Length], $"h-{run}.test");
                else await BenchCluster.DeclareAsync(nodes[i % nodes.Length], Enumerable.Range(0, hosts).Select(h => $"h{h}-{run}.test"));
                times.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }
            return times;
        })))).SelectMany(t => t).ToArray();
        return (times.Length * hosts / Stopwatch.GetElapsedTime(begin).TotalSeconds, Table.Percentiles(times, 50)[0]);
    }
}
