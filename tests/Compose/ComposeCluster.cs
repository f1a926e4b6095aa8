using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MeshDns.Tests.Shared;

namespace MeshDns.Compose;

/// <summary>A node of the compose file as the host sees it: its service, its container and its published ports.</summary>
internal sealed record ComposeNode(string Service, string Container, int DnsPort, int AdminPort);

/// <summary>
/// docker-compose.yml really run: PostgreSQL, three nodes and an edge, on free ports and with secrets of their own. The base images are made here for the
/// tests' own daemon, and for another one when MESHDNS_LOCAL_IMAGES=1; else it pulls them.
/// </summary>
public sealed class ComposeCluster : IAsyncLifetime
{
    private const string Project = "meshdns-compose-test";
    private const string Token = "the-token-of-the-compose-test";

    private static readonly string[] _services = ["node-1", "node-2", "node-3"];
    private static readonly TimeSpan _ready = TimeSpan.FromSeconds(120);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(15) };
    private readonly StringBuilder _log = new();
    private readonly int[] _ports = [.. Enumerable.Range(0, 2 * _services.Length).Select(_ => FreePort.Next())];
    private readonly Dictionary<string, string> _environment = new()
    {
        ["COMPOSE_PROJECT_NAME"] = Project,
        ["POSTGRES_PASSWORD"] = "the-password-of-the-compose-test",
        ["MESHDNS_CLUSTER_SECRET"] = "the-cluster-secret-of-the-compose-test",
        ["MESHDNS_ADMIN_TOKEN"] = Token,
        ["MESHDNS_IMAGE_TAG"] = "compose-test",
        ["MESHDNS_EXTRA_NODES"] = "0",
        ["MESHDNS_EDGES"] = "1",
        // Nothing is asked of it: the tests stay on this machine.
        ["MESHDNS_UPSTREAM_SERVERS"] = "127.0.0.1:9",
    };

    public ComposeCluster()
    {
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        for (var i = 0; i < _services.Length; i++)
        {
            _environment[$"NODE_{i + 1}_DNS_PORT"] = $"{_ports[2 * i]}";
            _environment[$"NODE_{i + 1}_ADMIN_PORT"] = $"{_ports[2 * i + 1]}";
        }
    }

    /// <summary>The network that compose made.</summary>
    internal static string Network => Project + "_default";

    /// <summary>What was run and how long it took.</summary>
    internal string Log => _log.ToString();

    internal IReadOnlyList<ComposeNode> Nodes { get; private set; } = [];

    /// <summary>The one that only answers.</summary>
    internal ComposeNode Edge { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        // Every test is skipped then, and says why.
        if (Docker.WhyNot is not null) return;
        if (Docker.IsOwn || Environment.GetEnvironmentVariable("MESHDNS_LOCAL_IMAGES") == "1")
        {
            _environment["MESHDNS_BUILD_NETWORK"] = "host";
            await TimedAsync("base images", async () => _log.Append((await Docker.RunAsync(TimeSpan.FromMinutes(8), [Path.Combine(Repository.Root, "tests/Chaos/images/make")])).Output));
        }
        await DownAsync();
        await TimedAsync("image", () => ComposeAsync("build"));
        await TimedAsync("containers", () => ComposeAsync("up", "-d"));
        var nodes = new List<ComposeNode>();
        for (var i = 0; i < _services.Length; i++) nodes.Add(new ComposeNode(_services[i], (await ContainersAsync(_services[i])).Single(), _ports[2 * i], _ports[2 * i + 1]));
        Nodes = nodes;
        Edge = await ScaledAsync("edge", (await ContainersAsync("edge")).Single());
        await TimedAsync("health", async () =>
        {
            foreach (var node in Nodes.Append(Edge)) await HealthyAsync(node);
        });
    }

    public async Task DisposeAsync()
    {
        if (Docker.WhyNot is null) await DownAsync();
        _http.Dispose();
    }

    /// <summary>Runs compose on the repository's file.</summary>
    internal Task<CommandRun> ComposeAsync(params string[] arguments) => Docker.RunAsync(TimeSpan.FromMinutes(6), [.. Docker.Compose, .. arguments], _environment);

    /// <summary>The containers of a service, in the order of their numbers.</summary>
    internal async Task<string[]> ContainersAsync(string service) =>
        [.. (await ComposeAsync("ps", "-q", service)).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    /// <summary>A container of a service that is scaled, with the ports that Docker chose for it.</summary>
    internal static async Task<ComposeNode> ScaledAsync(string service, string container) =>
        new(service, container, await PortAsync(container, "53/udp"), await PortAsync(container, "15380/tcp"));

    /// <summary>Waits until Docker calls a node healthy and it says itself that it is ready.</summary>
    internal async Task HealthyAsync(ComposeNode node)
    {
        await EventuallyAsync($"{node.Service} is healthy", _ready, async () =>
            (await Docker.RunAsync("inspect", "--format", "{{.State.Health.Status}}", node.Container)).Output.Trim() == "healthy" && await SendAsync(node, HttpMethod.Get, "/readyz") is (HttpStatusCode.OK, _));
    }

    /// <summary>Declares a host by a document of the same name; returns its IPv4 VIP. Every live edge has it then.</summary>
    internal async Task<string> DeclareAsync(ComposeNode node, string host)
    {
        var (status, text) = await TryDeclareAsync(node, host);
        Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Created, $"{status}: {text}");
        return await VipAsync(node, host);
    }

    /// <summary>The same, whatever comes of it.</summary>
    internal Task<(HttpStatusCode? Status, string Text)> TryDeclareAsync(ComposeNode node, string host) => SendAsync(node, HttpMethod.Post, "/v1/manifests?wait=edges", $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: {{host.Split('.')[0]}} }
        spec:
          hosts: [{{host}}]
          ports: [{ number: 5432, name: tcp, protocol: TCP }]
          resolution: DNS
        """);

    /// <summary>The IPv4 VIP of a host by the API of a node.</summary>
    internal async Task<string> VipAsync(ComposeNode node, string host)
    {
        var (status, text) = await SendAsync(node, HttpMethod.Get, $"/v1/hosts/{host}");
        Assert.True(status == HttpStatusCode.OK, $"{status}: {text}");
        return (string)JsonNode.Parse(text)!["vip"]!["ipv4"]!;
    }

    /// <summary>The A records that a node answers on its published port; over TCP when asked.</summary>
    internal static async Task<string> DigAsync(ComposeNode node, string host, bool tcp = false)
    {
        var run = await CommandRun.Of("dig", ["-r", "@127.0.0.1", "-p", $"{node.DnsPort}", host, "A", "+short", "+tries=1", "+time=10", tcp ? "+tcp" : "+notcp"]);
        Assert.True(run.ExitCode == 0, run.ToString());
        return run.Output.Trim();
    }

    /// <summary>The names of the owners that are up, as a node sees them; sorted.</summary>
    internal async Task<string[]> MembersAsync(ComposeNode node)
    {
        var (status, text) = await SendAsync(node, HttpMethod.Get, "/v1/cluster");
        if (status != HttpStatusCode.OK) return [];
        return [.. JsonNode.Parse(text)!["members"]!.AsArray().Where(member => (string?)member!["state"] == "up" && member["roles"]!.AsArray().Any(role => (string?)role == "owner")).Select(member => (string)member!["node"]!).Order(StringComparer.Ordinal)];
    }

    /// <summary>The owner that the edge reads from: the one that it goes on asking.</summary>
    internal async Task<ComposeNode> OwnerOfEdgeAsync()
    {
        ComposeNode? owner = null;
        var before = await Task.WhenAll(Nodes.Select(FeedsReadAsync));
        await EventuallyAsync("an owner is read by the edge", _ready, async () =>
        {
            var now = await Task.WhenAll(Nodes.Select(FeedsReadAsync));
            owner = Nodes.Where((_, i) => now[i] > before[i] + 1).FirstOrDefault();
            return owner is not null;
        });
        return owner!;
    }

    private async Task<double> FeedsReadAsync(ComposeNode node) =>
        (await SendAsync(node, HttpMethod.Get, "/metrics")).Text.Split('\n').Where(line => line.StartsWith("meshdns_cluster_requests_total{kind=\"read-feed", StringComparison.Ordinal) && line.Contains("done", StringComparison.Ordinal))
            .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    /// <summary>One request; without a status when nobody answered.</summary>
    internal async Task<(HttpStatusCode? Status, string Text)> SendAsync(ComposeNode node, HttpMethod method, string path, string? yaml = null)
    {
        using var request = new HttpRequestMessage(method, $"http://127.0.0.1:{node.AdminPort}{path}");
        if (yaml is not null) request.Content = new StringContent(yaml, Encoding.UTF8, "application/yaml");
        try
        {
            using var response = await _http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return (null, e.Message);
        }
    }

    /// <summary>Asks until the answer is yes; past the limit it fails and shows what the containers logged.</summary>
    internal async Task EventuallyAsync(string what, TimeSpan limit, Func<Task<bool>> ask)
    {
        var begin = Stopwatch.StartNew();
        while (!await ask())
        {
            if (begin.Elapsed > limit) Assert.Fail($"not within {limit}: {what}\n{(await ComposeAsync("ps")).Output}{(await ComposeAsync("logs", "--no-color", "--tail=60")).Output}");
            await Task.Delay(250);
        }
        _log.AppendLine($"{what}: after {begin.Elapsed.TotalSeconds:0.0} s");
    }

    private async Task TimedAsync(string what, Func<Task> run)
    {
        var begin = Stopwatch.StartNew();
        await run();
        _log.AppendLine($"{what}: {begin.Elapsed.TotalSeconds:0.0} s");
    }

    private Task DownAsync() => TimedAsync("down", () => ComposeAsync("down", "--volumes", "--remove-orphans", "--timeout=20"));

    private static async Task<int> PortAsync(string container, string port) =>
        IPEndPoint.Parse((await Docker.RunAsync("port", container, port)).Output.Split('\n')[0].Trim()).Port;
}
