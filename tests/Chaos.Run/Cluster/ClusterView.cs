using System.Text.Json.Nodes;

namespace MeshDns.Chaos.Run.Cluster;

/// <summary>What a node says about the cluster (<c>/v1/cluster</c>).</summary>
/// <param name="Owners">The owner of each stream.</param>
/// <param name="Members">Everybody who is told of.</param>
/// <param name="Ready">Those of them who say that they can take changes.</param>
/// <param name="Free">VIPs that are free.</param>
internal sealed record ClusterView(IReadOnlyDictionary<string, string> Owners, IReadOnlyList<string> Members, IReadOnlyList<string> Ready, int Free)
{
    private const string AllocatorStream = "vips";

    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(3);

    /// <summary>The owner of the stream <c>vips</c>; empty when there is none.</summary>
    public string Allocator => Owners.GetValueOrDefault(AllocatorStream, "");

    /// <summary>Streams that nobody owns, or somebody who is no member.</summary>
    public IEnumerable<string> Ownerless => Owners.Where(o => !Members.Contains(o.Value)).Select(o => o.Key);

    /// <summary>The view of a node; null when it gives none in time.</summary>
    public static async Task<ClusterView?> ReadAsync(ChaosNode node)
    {
        using var deadline = new CancellationTokenSource(_timeout);
        try
        {
            var json = JsonNode.Parse(await node.Http.GetStringAsync("/v1/cluster", deadline.Token))!;
            return new ClusterView(
                json["streams"]!.AsArray().ToDictionary(s => (string)s!["stream"]!, s => (string)s!["owner"]!),
                [.. json["members"]!.AsArray().Select(m => (string)m!["node"]!)],
                [.. json["members"]!.AsArray().Where(m => (string)m!["state"]! == "up").Select(m => (string)m!["node"]!)],
                (int)json["vips"]!["free"]!);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or System.Text.Json.JsonException) { return null; }
    }
}
