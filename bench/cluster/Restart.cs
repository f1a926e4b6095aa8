using System.Diagnostics;
using MeshDns.Tests.Shared;

namespace MeshDns.ClusterBench;

/// <summary>A node with the whole pool leased and 100,000 hosts comes back: when it answers, and when it owns again.</summary>
internal static class Restart
{
    private const int Vips = 65_024;
    private const int Hosts = 100_000;
    private const int Chunk = 20_000;

    public static async Task RunAsync()
    {
        await using var cluster = await BenchCluster.StartAsync(1);
        var begin = Stopwatch.GetTimestamp();
        var hosts = Enumerable.Range(0, Hosts).Select(i => i < Vips ? $"host-{i}.mesh.internal" : $"host-{i}.mesh.internal=10.{i >> 16}.{(i >> 8) & 255}.{i & 255}");
        foreach (var chunk in hosts.Chunk(Chunk)) await BenchCluster.DeclareAsync(cluster.Nodes["node-1"], chunk);
        Console.WriteLine($"\n(fill of {Hosts} hosts through the API: {Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} s)");
        using (var asker = new UdpAsker(cluster.DnsOf("node-1")))
            while (await asker.AskAsync($"host-{Hosts - 1}.mesh.internal", TimeSpan.FromSeconds(5)) is not { Addresses.Count: 1 }) await Task.Delay(20);

        Table.Head($"Restart with {Vips} VIPs and {Hosts} hosts, from the start of the process", "which node, and how it went", "first answer", "`ready`", "owner of all its streams", "memory then");
        await MeasureAsync(cluster, "the only one, SIGTERM", async node => await node.StopAsync());
        await MeasureAsync(cluster, "the only one, `kill -9`", node => node.KillAsync());
        await Task.WhenAll(cluster.StartNodeAsync("node-2"), cluster.StartNodeAsync("node-3"));
        await cluster.SettledAsync();
        await MeasureAsync(cluster, "one of three, SIGTERM", async node => await node.StopAsync());
        await MeasureAsync(cluster, "one of three, `kill -9`", node => node.KillAsync());
    }

    private static async Task MeasureAsync(BenchCluster cluster, string how, Func<NodeProcess, Task> end)
    {
        await end(cluster.Nodes["node-1"]);
        await cluster.Nodes["node-1"].DisposeAsync();
        var begin = Stopwatch.GetTimestamp();
        var node = cluster.Launch("node-1");
        var answered = FirstAnswerAsync(cluster, begin);
        await node.WaitUntilReadyAsync();
        var ready = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        await cluster.SettledAsync();
        var owner = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        Table.Row(how, Table.Ms(await answered), Table.Ms(ready), Table.Ms(owner), $"{ResidentMb(node)} MB");
    }

    private static async Task<double> FirstAnswerAsync(BenchCluster cluster, long begin)
    {
        using var asker = new UdpAsker(cluster.DnsOf("node-1"));
        while (await asker.AskAsync("host-77.mesh.internal", TimeSpan.FromSeconds(1)) is not { Addresses.Count: 1 }) await Task.Delay(2);
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static long ResidentMb(NodeProcess node)
    {
        using var process = Process.GetProcessById(node.ProcessId);
        return process.WorkingSet64 >> 20;
    }
}
