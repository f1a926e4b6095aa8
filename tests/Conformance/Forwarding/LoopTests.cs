using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Forwarding;

/// <summary>Forwarding: nodes that are their own upstream.</summary>
public sealed class LoopTests(ITestOutputHelper output)
{
    [Fact]
    public async Task An_upstream_that_is_the_node_itself_is_reported_at_start_and_never_asked()
    {
        using var folder = new ScratchFolder();
        var port = FreePort.Next();
        await using var node = await NodeProcess.StartAsync(folder["data"], $"dns.listen=127.0.0.1:{port}", $"upstream.servers=127.0.0.1:{port}");
        Assert.Contains($"127.0.0.1:{port} is this node itself", node.Log);
        var reply = await node.DigAsync("looping.test A");
        Assert.Equal(("SERVFAIL", 22), (reply.Status, reply.ExtendedError));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_forwarding_loop_is_detected_and_reported(int nodes)
    {
        using var folder = new ScratchFolder();
        var ports = Enumerable.Range(0, nodes).Select(_ => FreePort.Next()).ToArray();
        var ring = await Task.WhenAll(Enumerable.Range(0, nodes).Select(i =>
            NodeProcess.StartAsync(folder[$"{i}"], $"dns.listen=127.0.0.1:{ports[i]}", $"upstream.servers=127.0.0.1:{ports[(i + 1) % nodes]}")));
        try
        {
            var reply = await ring[0].DigAsync("looping.test A");
            Assert.Equal("SERVFAIL", reply.Status);
            Assert.Contains("loop", reply.Edns);
            var loops = await Task.WhenAll(ring.Select(node => node.MetricAsync("meshdns_upstream_events_total{event=\"loop\"}")));
            Assert.True(loops.Sum() > 0);
        }
        finally
        {
            foreach (var node in ring)
            {
                output.WriteLine(node.Log);
                await node.DisposeAsync();
            }
        }
    }
}
