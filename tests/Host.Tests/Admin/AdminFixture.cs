using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MeshDns.Contracts.Vips;
using MeshDns.Host.Admin;
using MeshDns.Host.Nodes;
using MeshDns.Host.Query;
using MeshDns.Host.Settings;
using MeshDns.Tests;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshDns.Host.Tests.Admin;

/// <summary>A real server on a port of its own over a fake mesh, and a client for it.</summary>
public sealed class AdminFixture : IAsyncDisposable
{
    private readonly IDisposable _metrics;

    private AdminFixture(AdminServer server, FakeMeshControl mesh, FakeHealth health, HttpClient http, IDisposable metrics)
    {
        Server = server;
        Mesh = mesh;
        Health = health;
        Http = http;
        _metrics = metrics;
    }

    public AdminServer Server { get; }

    public FakeMeshControl Mesh { get; }

    public FakeHealth Health { get; }

    public HttpClient Http { get; }

    public Uri Url => Http.BaseAddress!;

    public static Task<AdminFixture> StartAsync(string token = "", FakeMeshControl? mesh = null, TimeProvider? time = null, ILogger? log = null, AdminBounds? bounds = null, Func<string, CancellationToken, Task<ReloadOutcome>>? reload = null)
    {
        mesh ??= new FakeMeshControl();
        var health = new FakeHealth();
        var metrics = new NodeMetrics();
        var server = AdminServer.Start(new AdminServices
        {
            Settings = new AdminSettings(new IPEndPoint(IPAddress.Loopback, 0), token.Length == 0 ? Secret.Unset : new Secret(token)),
            Mesh = mesh,
            Health = health,
            Explainer = new FakeExplainer(),
            Metrics = metrics.Text.Render,
            Vips = VipRange.Default,
            Ttl = () => 30,
            Reload = reload ?? ((_, _) => Task.FromResult(new ReloadOutcome([], [], [], []))),
            Time = time ?? TimeProvider.System,
            Log = log ?? NullLogger.Instance,
            Bounds = bounds ?? new AdminBounds(),
        });
        var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://{server.Endpoint}") };
        metrics.Admin = server;
        return Task.FromResult(new AdminFixture(server, mesh, health, http, metrics));
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string mediaType = "application/yaml", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, mediaType);
        foreach (var (name, value) in headers) Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var type = response.Content.Headers.ContentType?.MediaType ?? "";
        return new Answer((int)response.StatusCode, type, text, text.Length > 0 && type.EndsWith("json", StringComparison.Ordinal) ? JsonNode.Parse(text) : null, response.Headers.ETag?.Tag, response.Headers.RetryAfter is not null, response.Headers.WwwAuthenticate.Count > 0);
    }

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, "", headers);

    public Task<Answer> PutAsync(string path, string body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Put, path, body, "application/yaml", headers);

    public Task<Answer> ApplyAsync(string body, string query = "") => SendAsync(HttpMethod.Post, "/v1/manifests" + query, body);

    /// <summary>A sample of /metrics by its name and labels.</summary>
    public async Task<long> MetricAsync(string sample) =>
        long.Parse((await GetAsync("/metrics")).Text.Split('\n').Single(line => line.StartsWith(sample + " ", StringComparison.Ordinal))[(sample.Length + 1)..], CultureInfo.InvariantCulture);

    /// <summary>Waits until a sample of /metrics has a value.</summary>
    public async Task MetricReachesAsync(string sample, long value)
    {
        for (var begin = Stopwatch.GetTimestamp(); await MetricAsync(sample) is var now && now != value; await Task.Delay(20))
            Assert.True(Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(60), $"{sample} is {now}, not {value}");
    }

    public static string Entry(string name, string host, string ns = "default", string more = "") =>
        $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: {{name}}, namespace: {{ns}} }
        spec:
          hosts: [{{host}}]
          ports: [{ number: 3306, name: mysql, protocol: TCP }]
          resolution: DNS
        {{more}}
        """;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.StopAsync(CancellationToken.None);
        await Server.DisposeAsync();
        _metrics.Dispose();
    }
}

/// <summary>What came back.</summary>
public sealed record Answer(int Status, string Type, string Text, JsonNode? Json, string? ETag, bool HasRetryAfter, bool HasChallenge)
{
    /// <summary>Asserts a problem document of this status; returns it.</summary>
    public JsonNode Problem(int status)
    {
        Assert.Equal(status, Status);
        Assert.Equal("application/problem+json", Type);
        Assert.Equal(status, (int)Json!["status"]!);
        Assert.StartsWith("urn:meshdns:problem:", (string?)Json["type"], StringComparison.Ordinal);
        Assert.NotEmpty((string)Json["title"]!);
        return Json;
    }
}

/// <summary>Health that a test sets.</summary>
public sealed class FakeHealth : INodeHealth
{
    public bool IsLive { get; set; } = true;

    public IReadOnlyList<string> NotReady { get; set; } = [];

    public string NotWritable { get; set; } = "";
}

/// <summary>Explains every name the same way; refuses what has a space.</summary>
public sealed class FakeExplainer : IExplainer
{
    public Task<Explanation> ExplainAsync(string name, string type, IPAddress? client, CancellationToken cancel) => name.Contains(' ', StringComparison.Ordinal)
        ? throw new FormatException("a name has no spaces")
        : Task.FromResult(new Explanation(name, type, client?.ToString(), "exact", "NOERROR", ["it is declared"], [$"{name}. 30 IN {type} 240.240.0.1"]) { VipIndex = name.StartsWith("leased", StringComparison.Ordinal) ? 1 : null });
}
