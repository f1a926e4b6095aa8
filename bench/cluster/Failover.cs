using System.Diagnostics;
using MeshDns.Tests.Shared;

namespace MeshDns.ClusterBench;

/// <summary>
/// The longest that new allocations through another node wait around the end of the allocator's node, while the survivors are asked for known names all the time.
/// </summary>
internal static class Failover
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    public static async Task RunAsync(int runs)
    {
        await using var cluster = await BenchCluster.StartAsync(3);
        var known = new Dictionary<string, string>();
        for (var i = 0; i < 20; i++) known.Add($"known-{i}.mesh.internal", await BenchCluster.DeclareAsync(cluster.Nodes["node-1"], $"known-{i}.mesh.internal"));
        Table.Head($"Failover of the allocator, {runs} runs each, three nodes, lease 5 s, heartbeat 1 s", "the allocator's node", "min", "median", "p90", "max", "exits after (median)", "queries to the others", "lost");
        await MeasureAsync(cluster, known, runs, "killed (`kill -9`)", node => node.KillAsync());
        await MeasureAsync(cluster, known, runs, "stopped (SIGTERM)", async node => await node.StopAsync());
    }

    private static async Task MeasureAsync(BenchCluster cluster, Dictionary<string, string> known, int runs, string how, Func<NodeProcess, Task> end)
    {
        var (times, exits, asked, lost) = (new List<double>(), new List<double>(), 0L, 0L);
        for (var run = 0; run < runs; run++)
        {
            var name = await cluster.AllocatorAsync();
            var others = cluster.Nodes.Where(n => n.Key != name).ToArray();
            using var stop = new CancellationTokenSource();
            var clients = others.Select(other => Task.Run(() => AskAsync(cluster, other.Key, known, stop.Token))).ToArray();
            var begin = Stopwatch.GetTimestamp();
            var ending = TimedAsync(end(cluster.Nodes[name]), begin);
            times.Add(await LongestWaitAsync(others[run % 2].Value, begin, ending));
            exits.Add(await ending);
            await stop.CancelAsync();
            foreach (var (a, l) in await Task.WhenAll(clients)) (asked, lost) = (asked + a, lost + l);
            await cluster.StartAgainAsync(name);
        }
        Table.Row([how, .. Table.Percentiles(times, 0, 50, 90, 100), .. Table.Percentiles(exits, 50), $"{asked}", $"{lost}"]);
    }

    // One after the other, until the node has ended and a moment longer: the first of them may still be taken by the allocator that is about to go.
    private static async Task<double> LongestWaitAsync(NodeProcess through, long begin, Task ending)
    {
        var (longest, last) = (0.0, 0.0);
        var until = Task.WhenAll(ending, Task.Delay(1000));
        while (!until.IsCompleted || last == 0)
        {
            var now = await BenchCluster.NextAllocationAsync(through, begin);
            (longest, last) = (Math.Max(longest, now - last), now);
        }
        return longest;
    }

    private static async Task<double> TimedAsync(Task task, long begin)
    {
        await task;
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static async Task<(long Asked, long Lost)> AskAsync(BenchCluster cluster, string node, Dictionary<string, string> known, CancellationToken stop)
    {
        using var asker = new UdpAsker(cluster.DnsOf(node));
        var names = known.Keys.ToArray();
        var (asked, lost) = (0L, 0L);
        while (!stop.IsCancellationRequested)
        {
            var name = names[asked++ % names.Length];
            if ((await asker.AskAsync(name, _patience))?.ToString() != $"NoError {known[name]}") lost++;
            await Task.Delay(1, CancellationToken.None);
        }
        return (asked, lost);
    }
}
