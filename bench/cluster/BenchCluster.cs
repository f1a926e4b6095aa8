using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MeshDns.Tests.Shared;

namespace MeshDns.ClusterBench;

/// <summary>Real nodes on a private PostgreSQL, and the few requests that the measurements make of them.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private static readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { Timeout = TimeSpan.FromSeconds(120) };

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(1);

    // What ./meshdns publishes is compiled ahead of time; what a build leaves is not.
    private static readonly string _program = Environment.GetEnvironmentVariable("MESHDNS_BENCH_PROGRAM") is { Length: > 0 } program ? program : NodeProcess.Program;

    private readonly ScratchFolder _folder = new();
    private readonly PostgresServer _server;
    private readonly SortedDictionary<string, NodeProcess> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IPEndPoint> _dns = [];

    private BenchCluster(PostgresServer server) => _server = server;

    public IReadOnlyDictionary<string, NodeProcess> Nodes => _nodes;

    public static async Task<BenchCluster> StartAsync(int nodes)
    {
        // As an operator would run it: what is acknowledged is on the disk.
        var cluster = new BenchCluster(await PostgresServer.StartAsync("fsync=on", "shared_buffers=256MB", "max_wal_size=4GB"));
        try
        {
            await Task.WhenAll(Enumerable.Range(1, nodes).Select(i => cluster.StartNodeAsync($"node-{i}")));
            await cluster.SettledAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where a node answers, or will when it is started.</summary>
    public IPEndPoint DnsOf(string name)
    {
        lock (_dns)
        {
            if (!_dns.TryGetValue(name, out var dns)) _dns.Add(name, dns = new IPEndPoint(IPAddress.Loopback, FreePort.Next()));
            return dns;
        }
    }

    public NodeProcess Launch(string name)
    {
        var node = NodeProcess.LaunchOf(_program, _folder[name], $"node.name={name}", $"dns.listen={DnsOf(name)}", "upstream.servers=127.0.0.1:9", "mesh.zones=[mesh.internal]", "cluster.listen=127.0.0.1:0",
            "cluster.secret=the-secret-of-the-measured-cluster", "journal.store=postgres", $"journal.connection-string={_server.ConnectionString()}");
        lock (_nodes) _nodes[name] = node;
        return node;
    }

    public async Task StartNodeAsync(string name) => await Launch(name).WaitUntilReadyAsync();

    /// <summary>Waits until every node sees all of them, each stream has an owner, and no node is without any.</summary>
    public async Task SettledAsync()
    {
        foreach (var node in _nodes.Values)
            await node.PollAsync(async () =>
            {
                var view = await ViewAsync(node);
                return view["members"]!.AsArray().Select(m => $"{m!["node"]} {m["state"]}").SequenceEqual(_nodes.Keys.Select(n => $"{n} up"))
                    && view["streams"]!.AsArray().All(s => _nodes.ContainsKey((string?)s!["owner"] ?? ""))
                    && view["members"]!.AsArray().All(m => (int)m!["streams"]! > 0);
            }, "the nodes share the streams");
    }

    public static async Task<JsonNode> ViewAsync(NodeProcess node) => JsonNode.Parse(await _http.GetStringAsync(new Uri(node.Admin, "/v1/cluster")))!;

    public async Task<string> AllocatorAsync() => (string)(await ViewAsync(_nodes.First().Value))["streams"]!.AsArray().Single(s => (string?)s!["stream"] == "vips")!["owner"]!;

    /// <summary>Waits for an allocation that a node grants; milliseconds since a timestamp.</summary>
    public static async Task<double> NextAllocationAsync(NodeProcess through, long since)
    {
        var (host, key) = ($"new-{Guid.NewGuid():N}.mesh.internal", Guid.NewGuid().ToString());
        while (await TryDeclareAsync(through, key, host) is { } problem)
        {
            if (Stopwatch.GetElapsedTime(since) > _patience) throw new TimeoutException($"no allocation within {_patience}: {problem}; the log of the node that was asked:\n{through.Log}");
            await Task.Delay(10);
        }
        return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
    }

    /// <summary>Starts a node that has ended once more, and waits until everything is where it belongs.</summary>
    public async Task StartAgainAsync(string name)
    {
        await _nodes[name].DisposeAsync();
        await StartNodeAsync(name);
        await SettledAsync();
    }

    /// <summary>Declares hosts, one document each; null when they were, else what was said instead.</summary>
    public static async Task<string?> TryDeclareAsync(NodeProcess node, string key, params IEnumerable<string> hosts) => (await SendAsync(node, key, hosts)).Problem;

    /// <summary>Declares hosts; it must succeed. The VIP of the first.</summary>
    public static async Task<string> DeclareAsync(NodeProcess node, params IEnumerable<string> hosts)
    {
        var (problem, vip) = await SendAsync(node, Guid.NewGuid().ToString(), hosts);
        return problem is null ? vip : throw new InvalidOperationException($"a declaration failed: {problem}; the node's log:\n{node.Log}");
    }

    /// <summary>Declares one host by the path of its document, as a program would.</summary>
    public static async Task PutAsync(NodeProcess node, string host)
    {
        using var response = await _http.PutAsync(new Uri(node.Admin, $"/v1/service-entries/default/{NameOf(host)}"), Yaml([host]));
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"a declaration failed: {await response.Content.ReadAsStringAsync()}; the node's log:\n{node.Log}");
    }

    private static async Task<(string? Problem, string Vip)> SendAsync(NodeProcess node, string key, IEnumerable<string> hosts)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(node.Admin, "/v1/manifests")) { Content = Yaml(hosts) };
        request.Headers.Add("Idempotency-Key", key);
        try
        {
            using var response = await _http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return response.IsSuccessStatusCode ? (null, (string?)JsonNode.Parse(text)!["results"]![0]!["addresses"]?.AsArray().FirstOrDefault()?["value"] ?? "") : ($"{response.StatusCode}: {text}", "");
        }
        catch (HttpRequestException e) { return (e.ToString(), ""); }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values) await node.DisposeAsync();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private static string NameOf(string host) => host.Replace('.', '-');

    private static StringContent Yaml(IEnumerable<string> hosts)
    {
        var text = new StringBuilder();
        foreach (var host in hosts)
        {
            // A host of the form name=address has that address; any other gets a VIP.
            var (name, address) = host.Split('=') is [var left, var right] ? (left, right) : (host, null);
            text.Append(CultureInfo.InvariantCulture, $"---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {NameOf(name)}}}\nspec:\n  hosts: [{name}]\n  ports: [{{number: 3306, name: mysql, protocol: TCP}}]\n  {(address is null ? "resolution: DNS" : $"addresses: [{address}]")}\n");
        }
        return new StringContent(text.ToString(), Encoding.UTF8, "application/yaml");
    }
}
