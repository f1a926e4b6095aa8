using System.Globalization;
using System.Text.RegularExpressions;
using MeshDns.Host.Edge;
using MeshDns.Host.Nodes;
using MeshDns.Host.Tests.Edge;
using MeshDns.Host.Tests.Resolve;

namespace MeshDns.Host.Tests.Telemetry;

public sealed partial class NodeMetricsTests
{
    [Fact]
    public async Task Every_packet_without_an_answer_has_one_reason()
    {
        await using var edge = new EdgeBench(new EdgeOptions { UdpLoops = 1, MaxDeferred = 1 });
        edge.Bench.Upstream.Before = _ => new TaskCompletionSource().Task;
        using var client = edge.NewUdp();
        client.Send(new byte[5]);
        for (ushort i = 1; i <= 9; i++) client.Send(QueryPacket.Of("slow.example", id: i));
        client.Send(QueryPacket.Of("a.example", id: 100));
        EdgeBench.Receive(client);
        var stopping = edge.StopAsync();
        await edge.Bench.Time.WaitForTimerAsync();
        edge.Bench.Time.Advance(TimeSpan.FromSeconds(6));
        await stopping;

        using var metrics = new NodeMetrics { Edge = edge.Server.Statistics };
        var dropped = Dropped().Matches(metrics.Text.Render()).ToDictionary(m => m.Groups[1].Value, m => int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));
        Assert.Equal(edge.Server.Statistics.DeferredDropped, dropped["overload"]);
        Assert.Equal((1, 9, 0), (dropped["malformed"], dropped["overload"] + dropped["abandoned"], dropped["send_error"]));
    }

    [Fact]
    public async Task What_the_edge_counts_is_shown()
    {
        await using var edge = new EdgeBench(new EdgeOptions { UdpLoops = 1 });
        var edgeCounts = edge.Server.Statistics;
        edgeCounts.ReceiveErrors.Increment();
        edgeCounts.TcpRefused.Add(2);
        edgeCounts.TcpTimedOut.Add(3);
        edgeCounts.TcpCut.Add(4);
        edgeCounts.TcpWithoutDescriptor.Add(5);
        Assert.True(edgeCounts.TcpShare!.TryTake(6, out _));
        using var metrics = new NodeMetrics { Edge = edgeCounts };
        var text = metrics.Text.Render();
        edgeCounts.TcpShare.Give(6);
        foreach (var sample in (string[])["meshdns_edge_receive_errors_total 1", "meshdns_tcp_connections_closed_total{reason=\"limit\"} 2", "meshdns_tcp_connections_closed_total{reason=\"timeout\"} 3",
            "meshdns_tcp_connections_closed_total{reason=\"memory\"} 4", "meshdns_tcp_connections_closed_total{reason=\"descriptors\"} 5", "meshdns_tcp_held_bytes 6"])
            Assert.Contains(sample + "\n", text, StringComparison.Ordinal);
    }

    [GeneratedRegex("^meshdns_queries_dropped_total\\{transport=\"udp\",reason=\"(\\w+)\"\\} (\\d+)$", RegexOptions.Multiline)]
    private static partial Regex Dropped();
}
