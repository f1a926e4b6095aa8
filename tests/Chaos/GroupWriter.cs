using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace MeshDns.Chaos;

/// <summary>
/// A client that writes one group of documents at a time, all documents of a group in one change and with the same generation, and keeps
/// what it was told. Each group is written by one writer, one change after the other, so what must be there after a crash is known:
/// the last change that was acknowledged, or the one that was on its way.
/// </summary>
internal sealed class GroupWriter(string name, int documents, Random random)
{
    private const int Groups = 5;

    private readonly Dictionary<int, int> _acknowledged = [];
    private readonly Dictionary<string, string> _vips = [];
    private (int Group, int Generation, string Key)? _underWay;
    private int _generation;

    /// <summary>Changes that were acknowledged, for the report.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Every VIP that a reply gave to a host.</summary>
    public IReadOnlyDictionary<string, string> Vips => _vips;

    /// <summary>Writes until the node is gone.</summary>
    public async Task WriteAsync(HttpClient node, CancellationToken gone)
    {
        try
        {
            while (!gone.IsCancellationRequested)
            {
                // Generation 0 stands for a deletion.
                var generation = random.Next(5) == 0 ? 0 : ++_generation;
                _underWay = (random.Next(Groups), generation, Guid.NewGuid().ToString("N"));
                await FinishAsync(node, gone);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException) { }
    }

    /// <summary>Asks again for the change that was under way at the crash: it must end, and be done once.</summary>
    public async Task RepeatAsync(HttpClient node)
    {
        if (_underWay is not null) await FinishAsync(node, CancellationToken.None);
    }

    /// <summary>Holds what the node has to what this writer was told; the documents are the writer's, by name, with their generations.</summary>
    public void Check(IReadOnlyDictionary<string, int> found)
    {
        for (var group = 0; group < Groups; group++)
        {
            var generations = Enumerable.Range(0, documents).Select(d => found.GetValueOrDefault(DocumentName(group, d))).Distinct().ToArray();
            Assert.True(generations.Length == 1, $"{name}: group {group} is half there: generations {string.Join(", ", generations)}");
            var acknowledged = _acknowledged.GetValueOrDefault(group);
            var possible = generations[0] == acknowledged || (_underWay is { } change && change.Group == group && generations[0] == change.Generation);
            Assert.True(possible, $"{name}: group {group} has generation {generations[0]}, acknowledged was {acknowledged}, under way was {_underWay}");
        }
    }

    private async Task FinishAsync(HttpClient node, CancellationToken gone)
    {
        var change = _underWay!.Value;
        while (true)
        {
            using var request = Request(change.Group, change.Generation);
            request.Headers.Add("Idempotency-Key", change.Key);
            using var response = await node.SendAsync(request, gone);
            var body = await response.Content.ReadAsStringAsync(gone);
            // Nothing happened, or nobody knows: with the key it is safe to ask again.
            if (response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout) { await Task.Delay(5, gone); continue; }
            Assert.True(response.IsSuccessStatusCode, $"{name}: {(int)response.StatusCode} {body}");
            Take(change, JsonNode.Parse(body)!);
            return;
        }
    }

    private void Take((int Group, int Generation, string Key) change, JsonNode reply)
    {
        _acknowledged[change.Group] = change.Generation;
        _underWay = null;
        Acknowledged++;
        if (change.Generation == 0) return;
        var addresses = reply["results"]!.AsArray().SelectMany(r => r!["addresses"]!.AsArray()).ToArray();
        Assert.Equal(2 * documents, addresses.Length);
        foreach (var address in addresses.Where(a => !((string)a!["value"]!).Contains(':')))
        {
            var (host, vip) = ((string)address!["host"]!, (string)address["value"]!);
            Assert.True(_vips.TryAdd(host, vip) || _vips[host] == vip, $"{host} had {_vips[host]} and now {vip}");
        }
    }

    private HttpRequestMessage Request(int group, int generation)
    {
        var yaml = new StringBuilder();
        for (var document = 0; document < documents; document++) yaml.Append(Manifest(DocumentName(group, document), generation));
        return new HttpRequestMessage(HttpMethod.Post, generation == 0 ? "/v1/manifests?delete=true" : "/v1/manifests") { Content = new StringContent(yaml.ToString(), Encoding.UTF8, "application/yaml") };
    }

    private string DocumentName(int group, int document) => string.Create(CultureInfo.InvariantCulture, $"{name}-g{group}-d{document}");

    private static string Manifest(string document, int generation) => $$"""
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: {{document}} }
        spec:
          hosts: [{{document}}.example.com]
          ports: [{ number: {{1 + generation}}, name: p, protocol: TCP }]
          resolution: STATIC
          endpoints: [{ address: 192.0.2.1 }]

        """;
}
