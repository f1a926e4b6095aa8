using System.Diagnostics;
using System.Globalization;
using MeshDns.Tests.Shared;

namespace MeshDns.ClusterBench;

/// <summary>
/// Latency of local hits on a survivor while the allocator's node is killed and its streams are taken over, by half by the survivor itself; and, as the
/// control, in the same windows when nobody is killed. The survivor has processor 0; the load, the other nodes and PostgreSQL share processor 1.
/// </summary>
internal static class FailoverHits
{
    private const int Names = 10_000;
    private const int Chunk = 2_000;
    private const int WindowSeconds = 6;
    private const int WarmSeconds = 10;

    // The kill falls just into the second window, and the lease of 5 s ends in it too.
    private static readonly TimeSpan _untilKill = TimeSpan.FromSeconds(WindowSeconds + 0.2);
    private static readonly int[] _rates = [5_000, 20_000];
    private static readonly string[] _windows = ["6 s before", "6 s from the kill on", "6 s after"];

    public static async Task RunAsync(int runs)
    {
        await HitLoad.PinAsync(Environment.ProcessId, 1);
        try
        {
            await using var cluster = await BenchCluster.StartAsync(3);
            using var folder = new ScratchFolder();
            var load = new HitLoad(folder.Path);
            var names = Enumerable.Range(0, Names).Select(i => $"hit-{i}.mesh.internal").ToArray();
            foreach (var chunk in names.Chunk(Chunk)) await BenchCluster.DeclareAsync(cluster.Nodes["node-1"], chunk);
            await load.PrepareAsync(names);
            var allocator = await cluster.AllocatorAsync();
            var (asked, other) = (cluster.Nodes.Keys.First(n => n != allocator), cluster.Nodes.Keys.Last(n => n != allocator));
            await HitLoad.PinAsync(cluster.Nodes[asked].ProcessId, 0);
            Table.Head($"Hits on a survivor during a failover, {runs} kills (`kill -9`) of the allocator's node, {Names} VIPs, medians of the runs",
                "hits a second", "", "window", "p50", "p99", "p99.9", "max", "worst max", "queries", "lost or wrong");
            foreach (var rate in _rates)
            {
                await load.RunAsync(cluster.DnsOf(asked), rate, 1, WarmSeconds);
                var (killed, quiet, times) = (new List<IReadOnlyList<HitWindow>>(), new List<IReadOnlyList<HitWindow>>(), new List<double>());
                for (var run = 0; run < runs; run++)
                {
                    var hits = load.RunAsync(cluster.DnsOf(asked), rate, _windows.Length, WindowSeconds);
                    times.Add(await KillAsync(cluster, allocator, other));
                    killed.Add(await hits);
                    await cluster.StartAgainAsync(allocator);
                    // What has just started still compiles itself.
                    await Task.Delay(TimeSpan.FromSeconds(3));
                    quiet.Add(await load.RunAsync(cluster.DnsOf(asked), rate, _windows.Length, WindowSeconds));
                }
                Rows(rate, "kill", killed);
                Rows(rate, "no kill", quiet);
                Console.WriteLine($"\n({rate} hits a second: a new allocation {string.Join(" / ", Table.Percentiles(times, 0, 50, 100))} after the kill, min / median / max)\n");
            }
        }
        finally { await HitLoad.PinAsync(Environment.ProcessId, null); }
    }

    // Milliseconds from the kill to the next allocation, through the node that is not measured.
    private static async Task<double> KillAsync(BenchCluster cluster, string allocator, string other)
    {
        await Task.Delay(_untilKill);
        var begin = Stopwatch.GetTimestamp();
        await cluster.Nodes[allocator].KillAsync();
        return await BenchCluster.NextAllocationAsync(cluster.Nodes[other], begin);
    }

    private static void Rows(int rate, string how, List<IReadOnlyList<HitWindow>> runs)
    {
        for (var i = 0; i < _windows.Length; i++)
        {
            HitWindow[] windows = [.. runs.Select(r => r[i])];
            Table.Row(rate.ToString("N0", CultureInfo.InvariantCulture), how, how == "kill" ? _windows[i] : $"window {i + 1}", Median(windows, w => w.P50), Median(windows, w => w.P99), Median(windows, w => w.P999), Median(windows, w => w.Max),
                Us(windows.Max(w => w.Max)), windows.Sum(w => w.Done + w.Lost).ToString("N0", CultureInfo.InvariantCulture), $"{windows.Sum(w => w.Lost + w.Bad)}");
        }
    }

    private static string Median(HitWindow[] windows, Func<HitWindow, double> of)
    {
        var sorted = windows.Select(of).Order().ToArray();
        return Us((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2);
    }

    private static string Us(double us) => us >= 10_000 ? Table.Ms(us / 1000) : string.Create(CultureInfo.InvariantCulture, $"{us:F0} µs");
}
