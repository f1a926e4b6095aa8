using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>A reply of the HTTP API.</summary>
internal sealed record ApiReply(HttpStatusCode Status, JsonNode? Json, string Text, EntityTagHeaderValue? ETag, string? MediaType)
{
    /// <summary>The reply of a change that succeeded.</summary>
    public JsonNode Done
    {
        get
        {
            Assert.True(Status is HttpStatusCode.OK or HttpStatusCode.Created, $"{(int)Status}: {Text}");
            return Json!;
        }
    }

    /// <summary>What became of each document, as <c>name action</c>.</summary>
    public string[] Actions => [.. Done["results"]!.AsArray().Select(result => $"{result!["name"]} {result["action"]}")];

    /// <summary>All warnings of all documents.</summary>
    public string Warnings => string.Join('\n', Done["results"]!.AsArray().SelectMany(result => result!["warnings"]?.AsArray() ?? []).Select(warning => (string?)warning));

    /// <summary>The problem document of a refusal (RFC 9457).</summary>
    public JsonNode Refused(HttpStatusCode status)
    {
        Assert.True(Status == status, $"{(int)Status} instead of {(int)status}: {Text}");
        Assert.Equal("application/problem+json", MediaType);
        Assert.Equal((int)status, (int)Json!["status"]!);
        return Json!;
    }
}

/// <summary>Talks to a node's HTTP API.</summary>
internal static class AdminClient
{
    private static readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Applies manifests and waits until the edges answer by them.</summary>
    public static Task<ApiReply> ApplyAsync(this NodeProcess node, string yaml, string query = "") =>
        node.SendAsync(HttpMethod.Post, $"/v1/manifests?wait=edges{query}", yaml);

    public static Task<ApiReply> GetAsync(this NodeProcess node, string path) => node.SendAsync(HttpMethod.Get, path);

    /// <summary>Deletes a ServiceEntry of the default namespace.</summary>
    public static Task<ApiReply> DeleteAsync(this NodeProcess node, string name) => node.SendAsync(HttpMethod.Delete, $"/v1/service-entries/default/{name}?wait=edges");

    /// <summary>Changes settings of the cluster, and waits until the edges have them.</summary>
    public static Task<ApiReply> PutSettingsAsync(this NodeProcess node, string json) => SendAsync(node, HttpMethod.Put, "/v1/settings?wait=edges", json, "application/json", []);

    public static Task<ApiReply> SendAsync(this NodeProcess node, HttpMethod method, string path, string? yaml = null, params (string Name, string Value)[] headers) =>
        SendAsync(node, method, path, yaml, "application/yaml", headers);

    private static async Task<ApiReply> SendAsync(NodeProcess node, HttpMethod method, string path, string? body, string mediaType, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(node.Admin, path));
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, mediaType);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var type = response.Content.Headers.ContentType?.MediaType;
        return new ApiReply(response.StatusCode, type?.EndsWith("json", StringComparison.Ordinal) == true ? JsonNode.Parse(text) : null, text, response.Headers.ETag, type);
    }

    /// <summary>host, VIP and state of every VIP, sorted: what must survive.</summary>
    public static async Task<string[]> VipsAsync(this NodeProcess node) =>
        [.. (await node.GetAsync("/v1/vips?limit=10000")).Done["items"]!.AsArray().Select(vip => $"{vip!["host"]} {vip["ipv4"]} {vip["ipv6"]} {vip["state"]}")];

    /// <summary>Number of journal events in all streams.</summary>
    public static async Task<long> EventsAsync(this NodeProcess node) =>
        (await node.GetAsync("/v1/cluster")).Done["streams"]!.AsArray().Sum(stream => (long)stream!["seq"]!);

    /// <summary>A sample of /metrics by its name and labels; null when it is absent.</summary>
    public static async Task<double?> MetricAsync(this NodeProcess node, string sample)
    {
        var text = (await node.GetAsync("/metrics")).Text;
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(sample + " ", StringComparison.Ordinal));
        return line is null ? null : double.Parse(line[(sample.Length + 1)..]);
    }
}
