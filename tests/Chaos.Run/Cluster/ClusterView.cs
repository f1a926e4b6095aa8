using System.Text.Json.Nodes;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>What a node says about the cluster (<c>/v1/cluster</c>).</summary>
internal sealed record ClusterView(IReadOnlyDictionary<string, string> Owners, IReadOnlyList<string> Members, int Free)
{
    private const string AllocatorStream = "vips";

    private static readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(3) };

    /// <summary>The owner of the stream <c>vips</c>; empty when there is none.</summary>
    public string Allocator => Owners.GetValueOrDefault(AllocatorStream, "");

    /// <summary>The view of a node; null when it gives none in time.</summary>
    public static async Task<ClusterView?> ReadAsync(ChaosNode node)
    {
        try
        {
            var json = JsonNode.Parse(await _http.GetStringAsync(new Uri(node.Address.Admin, "/v1/cluster")))!;
            return new ClusterView(
                json["streams"]!.AsArray().ToDictionary(s => (string)s!["stream"]!, s => (string)s!["owner"]!),
                [.. json["members"]!.AsArray().Select(m => (string)m!["node"]!)],
                (int)json["vips"]!["free"]!);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or System.Text.Json.JsonException) { return null; }
    }
}
