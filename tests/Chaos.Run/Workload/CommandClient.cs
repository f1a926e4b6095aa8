using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MeshDns.Chaos.Run.Cluster;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Workload;

/// <summary>
/// Carries a command to any node, and to the next one with the same Idempotency-Key while nobody knows its outcome. At most a minute; then
/// the outcome stays unknown.
/// </summary>
internal sealed class CommandClient(ChaosCluster cluster, Clock clock)
{
    private static readonly TimeSpan _attempt = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _all = TimeSpan.FromSeconds(60);

    private TaskCompletionSource _sending = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the next attempt is about to be sent.</summary>
    public Task NextSending => Volatile.Read(ref _sending).Task;

    public async Task<CommandRecord> RunAsync(string id, IReadOnlyList<CommandDocument> documents, Random random)
    {
        var begin = clock.Elapsed;
        var record = new CommandRecord { Id = id, Node = "", InvokedAt = clock.Now, CompletedAt = 0, Documents = documents, Outcome = CommandOutcome.Unknown };
        // True once an attempt may have been done: then only a definite yes ends it.
        var open = false;
        while (true)
        {
            var nodes = cluster.Nodes;
            var node = nodes[random.Next(nodes.Count)];
            var (outcome, reply) = await AttemptAsync(node, id, documents);
            record = record with { Node = node.Name, CompletedAt = clock.Now, Detail = reply };
            if (outcome == CommandOutcome.Applied) return Applied(record, reply);
            if (outcome == CommandOutcome.Refused) return record with { Outcome = open ? CommandOutcome.Unknown : outcome };
            open |= outcome == CommandOutcome.Unknown;
            if (outcome == CommandOutcome.Unavailable && !open) return record with { Outcome = outcome };
            if (clock.Elapsed - begin > _all) return record with { Outcome = CommandOutcome.Unknown };
            await Task.Delay(100 + random.Next(200));
        }
    }

    private async Task<(CommandOutcome Outcome, string Reply)> AttemptAsync(ChaosNode node, string id, IReadOnlyList<CommandDocument> documents)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, documents[0].Deleted ? "/v1/manifests?delete=true" : "/v1/manifests");
        request.Content = new StringContent(string.Concat(documents.Select(Yaml)), Encoding.UTF8, "application/yaml");
        request.Headers.Add("Idempotency-Key", id);
        using var deadline = new CancellationTokenSource(_attempt);
        Interlocked.Exchange(ref _sending, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        try
        {
            using var response = await node.Http.SendAsync(request, deadline.Token);
            var body = await response.Content.ReadAsStringAsync(deadline.Token);
            return (OutcomeOf(response.StatusCode, body), response.IsSuccessStatusCode ? body : $"{(int)response.StatusCode} {TypeOf(body)}");
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused }) { return (CommandOutcome.Unavailable, "connection refused"); }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException) { return (CommandOutcome.Unknown, e.Message); }
    }

    private static CommandOutcome OutcomeOf(HttpStatusCode status, string body) => status switch
    {
        HttpStatusCode.OK => CommandOutcome.Applied,
        HttpStatusCode.ServiceUnavailable => CommandOutcome.Unavailable,
        HttpStatusCode.GatewayTimeout => CommandOutcome.Unknown,
        HttpStatusCode.Conflict => CommandOutcome.Refused,
        // Nothing else can be right here: the commands are well formed and their keys are new.
        _ => throw new InvalidOperationException($"a command was answered {(int)status}: {body}"),
    };

    private static string TypeOf(string body)
    {
        try { return JsonNode.Parse(body) is { } problem ? $"{problem["type"]} {problem["detail"]}" : body; }
        catch (JsonException) { return body; }
    }

    private static CommandRecord Applied(CommandRecord record, string reply)
    {
        var results = JsonNode.Parse(reply)!["results"]!.AsArray();
        var vips = results.SelectMany(r => r!["addresses"]?.AsArray() ?? []).Select(a => (Host: (string)a!["host"]!, Value: (string)a["value"]!)).Where(a => !a.Value.Contains(':'));
        return record with
        {
            Outcome = CommandOutcome.Applied,
            Detail = "",
            Documents = [.. record.Documents.Zip(results, (d, r) => d with { Version = (long)r!["version"]!, Changed = (string)r["action"]! is "created" or "configured" or "deleted" })],
            Vips = vips.DistinctBy(v => v.Host).ToDictionary(v => v.Host, v => v.Value),
        };
    }

    private static string Yaml(CommandDocument document) => string.Create(CultureInfo.InvariantCulture, $$"""
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: {{document.Key.Split('/')[2]}} }
        spec:
          hosts: [{{string.Join(", ", document.Hosts.Select(Quoted))}}]
          addresses: [{{string.Join(", ", document.Addresses.Select(Quoted))}}]
          ports: [{ number: {{document.Generation}}, name: p, protocol: TCP }]
          resolution: STATIC
          endpoints: [{ address: 192.0.2.1 }]

        """);

    private static string Quoted(string text) => $"\"{text}\"";
}
