using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Rfc7766;

/// <summary>Section 6.2.2 where the system gives few file descriptors: refused in words, bounded, or, when they are taken away later, a connection refused.</summary>
public sealed class DescriptorTests : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(60);
    private readonly ScratchFolder _folder = new();

    [Fact]
    public async Task A_limit_that_is_too_small_is_refused_in_words()
    {
        await using var node = Launch(512);
        Assert.Equal(1, await node.WaitForExitAsync());
        Assert.Contains("the limit of open files (RLIMIT_NOFILE) is 512, and this node needs at least", node.Log);
    }

    [Fact]
    public async Task Under_a_small_limit_clients_that_take_all_they_can_leave_what_the_node_needs()
    {
        using var upstream = new ScriptedUpstream();
        upstream.Address4("up.test", "198.51.100.1");
        await using var node = Launch(1024, $"upstream.servers={upstream.Address}");
        var most = int.Parse((await node.WaitForLogAsync(@"is 1024, so at most (?<most>\d+) DNS connections over TCP are taken")).Groups["most"].Value);
        await node.WaitUntilReadyAsync();
        using var deadline = new CancellationTokenSource(_deadline);
        var clients = new List<TcpClient>();
        for (var i = 0; i < 1172; i++)
        {
            clients.Add(new TcpClient(new IPEndPoint(IPAddress.Parse($"127.0.1.{1 + (i / 100)}"), 0)));
            await clients[^1].ConnectAsync(node.Dns, deadline.Token);
        }
        await node.PollAsync(async () => await node.MetricAsync("meshdns_tcp_connections_closed_total{reason=\"limit\"}") == 1172 - most, "all others are refused");
        // What needs descriptors and code that was not loaded yet.
        Assert.Equal(["198.51.100.1"], (await node.DigAsync("up.test A")).Data);
        _ = (await node.ApplyAsync(Manifest.Vip("late", "late.example.com"))).Done;
        Assert.Equal(0, await node.MetricAsync("meshdns_edge_receive_errors_total"));
        foreach (var client in clients) client.Dispose();
        Assert.Equal(0, await node.StopAsync());
    }

    [Fact]
    public async Task Without_a_descriptor_a_connection_is_refused_and_counted_and_the_node_goes_on()
    {
        await using var node = await NodeProcess.StartAsync(_folder["data"]);
        using var http = new HttpClient { BaseAddress = node.Admin };
        // The API's connection, and its code, are there before.
        Assert.DoesNotContain("descriptors\"} 1", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative)));
        var highest = Directory.GetFiles($"/proc/{node.ProcessId}/fd").Max(file => int.Parse(Path.GetFileName(file)));
        await LimitAsync(node, highest + 1);
        using var deadline = new CancellationTokenSource(_deadline);
        var clients = new List<TcpClient>();
        do
        {
            clients.Add(new TcpClient());
            await clients[^1].ConnectAsync(node.Dns, deadline.Token);
        }
        while (!await IsClosedAsync(clients[^1], deadline.Token));
        Assert.Contains("meshdns_tcp_connections_closed_total{reason=\"descriptors\"} 1\n", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative)));
        await LimitAsync(node, 1024);
        foreach (var client in clients) client.Dispose();
        Assert.Single(await RawClient.PipelineAsync(node.Dns, RawClient.Query("localhost")));
        Assert.Equal(0, await node.StopAsync());
    }

    public void Dispose() => _folder.Dispose();

    private NodeProcess Launch(int limit, params string[] settings) => NodeProcess.Launch(new ProcessStartInfo("prlimit",
        [$"--nofile={limit}:{limit}", "dotnet", NodeProcess.Program, "run", "--set", $"node.data-dir={_folder["data"]}", "--set", "node.name=node-1", "--set", "dns.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0", .. settings.SelectMany(setting => (string[])["--set", setting])]));

    // The soft limit: the hard one could not be raised again.
    private static async Task LimitAsync(NodeProcess node, int limit) => Assert.Equal(0, (await CommandRun.Of("prlimit", $"--pid={node.ProcessId}", $"--nofile={limit}:")).ExitCode);

    // A connection that is served gets an answer.
    private static async Task<bool> IsClosedAsync(TcpClient client, CancellationToken cancel)
    {
        try
        {
            await client.GetStream().WriteAsync(RawClient.Framed(RawClient.Query("localhost")), cancel);
            await RawClient.ReadAsync(client.GetStream(), cancel);
            return false;
        }
        catch (Exception e) when (e is IOException) { return true; }
    }
}
