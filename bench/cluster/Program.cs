using System.Diagnostics;
using MeshDns.ClusterBench;

// Prints the figures of docs/cluster.md as tables: real nodes with the default heartbeat and lease on a private PostgreSQL that syncs its log.
//   dotnet run -c Release --project bench/cluster -- all | failover | feed | scale | restart | hits ... [--runs N]
// MESHDNS_BENCH_PROGRAM names another program than the build's, as artifacts/meshdns/meshdns.dll, which ./meshdns publishes.
// hits (needs gcc and util-linux' taskset; root, else the load has no priority) is not among all: 10 kills at each of two rates take a quarter of an hour.
var runs = 20;
var parts = new List<string>();
for (var i = 0; i < args.Length; i++)
{
    if (args[i] == "--runs" && i + 1 < args.Length && int.TryParse(args[i + 1], out var given) && given > 0) (runs, i) = (given, i + 1);
    else parts.Add(args[i]);
}
var known = new (string Name, Func<Task> Run)[]
{
    ("failover", () => Failover.RunAsync(runs)), ("feed", () => FeedLatency.RunAsync(25 * runs)), ("scale", Scale.RunAsync), ("restart", Restart.RunAsync),
    ("hits", () => FailoverHits.RunAsync(runs)),
};
if (parts.Count == 0 || parts.Any(part => part != "all" && known.All(k => k.Name != part)))
{
    Console.Error.WriteLine($"usage: all | {string.Join(" | ", known.Select(k => k.Name))} ... [--runs N]");
    return 2;
}
foreach (var (name, run) in known.Where(k => (parts.Contains("all") && k.Name != "hits") || parts.Contains(k.Name)))
{
    var begin = Stopwatch.GetTimestamp();
    try { await run(); }
    catch (Exception e) when (e is InvalidOperationException or TimeoutException or HttpRequestException)
    {
        Console.Error.WriteLine($"{name}: {e.Message}");
        return 1;
    }
    Console.WriteLine($"({name}: {Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} s in all)\n");
}
return 0;
