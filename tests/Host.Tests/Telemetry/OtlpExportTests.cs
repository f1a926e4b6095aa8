using System.Net;
using System.Text;
using MeshDns.Host.Nodes;
using MeshDns.Host.Telemetry;
using MeshDns.Tests.Shared;

namespace MeshDns.Host.Tests.Telemetry;

/// <summary>What is pushed by OTLP, seen by a receiver on loopback.</summary>
public sealed class OtlpExportTests
{
    [Fact]
    public async Task Metrics_are_pushed_with_their_labels_and_the_nodes_name()
    {
        var port = FreePort.Next();
        using var receiver = new HttpListener();
        receiver.Prefixes.Add($"http://127.0.0.1:{port}/");
        receiver.Start();
        var pushed = ReceiveAsync(receiver);

        using var metrics = new NodeMetrics { Edge = new Host.Edge.EdgeStatistics() };
        metrics.Edge.TcpRefused.Add(7);
        var export = OtlpExport.Start(new Uri($"http://127.0.0.1:{port}/collector"), "node-of-this-test");
        // The last push is at its end; the first would be a minute after the start.
        await Task.Run(() => export!.Dispose());

        var (path, type, body) = await pushed.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(("/collector/v1/metrics", "application/x-protobuf"), (path, type));
        foreach (var text in (string[])["meshdns_tcp_connections_closed_total", "reason", "limit", "meshdns_heap_bytes", "node-of-this-test", MeshMeter.Version])
            Assert.Contains(text, body, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_pushed_unless_somebody_says_where_to() => Assert.Null(OtlpExport.Start(null, "node"));

    private static async Task<(string Path, string? Type, string Body)> ReceiveAsync(HttpListener receiver)
    {
        var context = await receiver.GetContextAsync();
        using var body = new StreamReader(context.Request.InputStream, Encoding.Latin1);
        var pushed = (context.Request.Url!.AbsolutePath, context.Request.ContentType, await body.ReadToEndAsync());
        context.Response.Close();
        return pushed;
    }
}
