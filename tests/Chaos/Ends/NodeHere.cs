using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MeshDns.Actors.Cluster;
using MeshDns.Host.Cli;
using MeshDns.Host.Nodes;
using MeshDns.Host.Settings;
using MeshDns.Host.Telemetry;

namespace MeshDns.Chaos.Ends;

/// <summary>A whole node in the process of the test, with its sockets and its API on loopback, so that a test can reach into it.</summary>
internal sealed class NodeHere : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly CancellationTokenSource _stop = new();
    private readonly HangUp _hangUp = new();
    private readonly string _logFile;
    private readonly ConsoleLog _log;
    private readonly Task<int> _run;

    private NodeHere(MeshDnsSettings settings, string logFile)
    {
        _logFile = logFile;
        _log = new ConsoleLog(new FileStream(logFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite), TimeProvider.System);
        Node = new Node(settings, DescriptorPlan.Of(null, settings, out _)!, _log, _hangUp);
        _run = Task.Run(() => Node.RunAsync(_stop.Token));
    }

    public Node Node { get; }

    public OwnerMesh Mesh => (OwnerMesh)Node.Mesh!;

    public string Log
    {
        get
        {
            using var reader = new StreamReader(new FileStream(_logFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return reader.ReadToEnd();
        }
    }

    public static async Task<NodeHere> StartAsync(string folder, params IEnumerable<string> settings)
    {
        string[] all = [$"node.data-dir={folder}", "dns.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0", "upstream.servers=127.0.0.1:9", "mesh.zones=[mesh.internal]", .. settings];
        var loaded = SettingsLoader.Load(null, all, new Dictionary<string, string>());
        Assert.Empty(loaded.Errors);
        var node = new NodeHere(loaded.Settings!, folder + ".log");
        await node.UntilAsync(() => node.Node.Mesh is { NotReady: "" }, "it is ready");
        return node;
    }

    /// <summary>Declares hosts in one document, which is named after the first; false when the node says that it cannot now, or does not know.</summary>
    public async Task<bool> TryDeclareAsync(IReadOnlyCollection<string> hosts, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Node.Admin, "/v1/manifests"));
        request.Headers.Add("Idempotency-Key", key);
        request.Content = new StringContent($$"""
            apiVersion: networking.istio.io/v1
            kind: ServiceEntry
            metadata: { name: {{hosts.First().Split('.')[0]}} }
            spec:
              hosts: [{{string.Join(", ", hosts)}}]
              ports: [{ number: 80, name: http, protocol: HTTP }]
              resolution: DNS
            """, Encoding.UTF8, "application/yaml");
        using var response = await _http.SendAsync(request);
        if (response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout) return false;
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        return true;
    }

    /// <summary>The IPv4 VIPs of all hosts whose names contain a text, by the API.</summary>
    public async Task<Dictionary<string, string>> VipsAsync(string text)
    {
        var items = JsonNode.Parse(await _http.GetStringAsync(new Uri(Node.Admin, $"/v1/vips?limit=10000&q={text}")))!["items"]!.AsArray();
        return items.Where(vip => (string?)vip!["state"] == "leased").ToDictionary(vip => (string)vip!["host"]!, vip => (string)vip!["ipv4"]!);
    }

    public async Task UntilAsync(Func<bool> holds, string what)
    {
        using var deadline = new CancellationTokenSource(_patience);
        while (!holds())
        {
            if (_run.IsCompleted || deadline.IsCancellationRequested) Assert.Fail($"not in {_patience}: {what}\n{Log}");
            await Task.Delay(5);
        }
    }

    /// <summary>As SIGTERM does.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        Assert.Equal(0, await _run);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _log.Dispose();
        _http.Dispose();
        _stop.Dispose();
        _hangUp.Dispose();
    }
}
