using System.Diagnostics;
using MeshDns.Contracts.Dns;
using MeshDns.Tests.Shared;

namespace MeshDns.ClusterBench;

/// <summary>From a declaration on one node to the first answer on each other node over DNS.</summary>
internal static class FeedLatency
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    public static async Task RunAsync(int changes)
    {
        await using var cluster = await BenchCluster.StartAsync(3);
        string[] names = [.. cluster.Nodes.Keys];
        for (var i = 0; i < 20; i++) await BenchCluster.DeclareAsync(cluster.Nodes[names[i % 3]], $"warm-{i}.mesh.internal");
        var (applied, here, others, after) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var pauses = new Random(1);
        for (var i = 0; i < changes; i++)
        {
            var taker = names[i % names.Length];
            var host = $"fresh-{i}.mesh.internal";
            var begin = Stopwatch.GetTimestamp();
            var answers = names.Select(name => FirstAnswerAsync(cluster, name, host, begin)).ToArray();
            await BenchCluster.DeclareAsync(cluster.Nodes[taker], host);
            var acknowledged = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            applied.Add(acknowledged);
            for (var n = 0; n < names.Length; n++)
            {
                var answered = await answers[n];
                (names[n] == taker ? here : others).Add(answered);
                if (names[n] != taker) after.Add(Math.Max(0, answered - acknowledged));
            }
            // Not in step with anything that beats inside the nodes.
            await Task.Delay(pauses.Next(25));
        }
        Table.Head($"Feed: {changes} declarations of one new host, taken by three nodes in turn", "from the request to", "p50", "p90", "p99", "max");
        Table.Row(["its reply", .. Table.Percentiles(applied, 50, 90, 99, 100)]);
        Table.Row(["the first answer of the node that took it", .. Table.Percentiles(here, 50, 90, 99, 100)]);
        Table.Row(["the first answer of each other node", .. Table.Percentiles(others, 50, 90, 99, 100)]);
        Table.Row(["the same, from the reply on (0: answered before)", .. Table.Percentiles(after, 50, 90, 99, 100)]);
    }

    private static async Task<double> FirstAnswerAsync(BenchCluster cluster, string node, string host, long begin)
    {
        using var asker = new UdpAsker(cluster.DnsOf(node));
        while (true)
        {
            if (await asker.AskAsync(host, _patience) is { Rcode: Rcode.NoError, Addresses.Count: > 0 }) return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            if (Stopwatch.GetElapsedTime(begin) > _patience) throw new TimeoutException($"{node} did not answer {host} in {_patience}");
            await Task.Delay(1);
        }
    }
}
