using System.Net;
using System.Text.Json.Nodes;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Cluster;

/// <summary>What the tests read of a cluster, through one of its nodes.</summary>
internal static class ClusterView
{
    private static readonly TimeSpan _answer = TimeSpan.FromSeconds(30);

    /// <summary>The node that owns a stream, as this node sees it; empty when none does.</summary>
    public static async Task<string> OwnerOfAsync(this NodeProcess node, string stream) =>
        (string)(await node.GetAsync("/v1/cluster")).Done["streams"]!.AsArray().Single(s => (string?)s!["stream"] == stream)!["owner"]!;

    /// <summary>A member as this node sees it; null when it does not.</summary>
    public static async Task<JsonNode?> MemberAsync(this NodeProcess node, string name) =>
        (await node.GetAsync("/v1/cluster")).Done["members"]!.AsArray().SingleOrDefault(m => (string?)m!["node"] == name);

    /// <summary>Where other owners reach this one.</summary>
    public static async Task<string> ClusterAddressAsync(this NodeProcess node)
    {
        var view = (await node.GetAsync("/v1/cluster")).Done;
        return (string)view["members"]!.AsArray().Single(m => (string?)m!["node"] == (string?)view["node"])!["address"]!;
    }

    /// <summary>Where nodes without a database reach this one.</summary>
    public static async Task<string> FeedAddressAsync(this NodeProcess node) => (await node.WaitForLogAsync(@"nodes without a database reach this one at (?<address>\S+)")).Groups["address"].Value;

    /// <summary>Declares hosts, one document each, as one change; the VIP of each.</summary>
    public static async Task<Dictionary<string, string>> DeclareAsync(this NodeProcess node, params string[] hosts) => VipsOf(await node.ApplyAsync(Manifests(hosts)));

    /// <summary>The same, and waits until all these nodes answer them.</summary>
    public static async Task<Dictionary<string, string>> DeclareAsync(this NodeProcess node, IEnumerable<NodeProcess> edges, params string[] hosts)
    {
        var vips = await node.DeclareAsync(hosts);
        foreach (var edge in edges)
            foreach (var (host, vip) in vips) await edge.AnswersAsync(host, vip);
        return vips;
    }

    /// <summary>The documents of hosts that get VIPs.</summary>
    public static string Manifests(params string[] hosts) => string.Concat(hosts.Select(host => Manifest.Vip(NameOf(host), host)));

    /// <summary>
    /// Declares a host as a careful client does: while the answer is that nothing happened, or that nobody knows, it asks again with the same key.
    /// Its VIP.
    /// </summary>
    public static async Task<string> DeclareUntilDoneAsync(this NodeProcess node, string host)
    {
        var key = Guid.NewGuid().ToString();
        ApiReply? reply = null;
        await node.PollAsync(async () =>
        {
            reply = await node.SendAsync(HttpMethod.Post, "/v1/manifests?wait=edges", Manifest.Vip(NameOf(host), host), ("Idempotency-Key", key));
            return reply.Status is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout);
        }, $"{host} is declared");
        return VipsOf(reply!)[host];
    }

    /// <summary>Deletes the document of a host.</summary>
    public static async Task WithdrawAsync(this NodeProcess node, string host) => _ = (await node.DeleteAsync(NameOf(host))).Done;

    /// <summary>The IPv4 addresses that a change assigned, by host.</summary>
    public static Dictionary<string, string> VipsOf(ApiReply reply) => reply.Done["results"]!.AsArray().SelectMany(result => result!["addresses"]!.AsArray())
        .Where(a => !((string)a!["value"]!).Contains(':')).ToDictionary(a => (string)a!["host"]!, a => (string)a!["value"]!);

    /// <summary>One query from a socket of its own; an answer must come.</summary>
    public static async Task<UdpAnswer> AskAsync(this NodeProcess node, string name)
    {
        using var asker = new UdpAsker(node.Dns);
        return await asker.AskAsync(name, _answer) ?? throw new InvalidOperationException($"no answer for {name}; the node's log:\n{node.Log}");
    }

    /// <summary>The node answers a name with this address and no other, or comes to do so.</summary>
    public static Task AnswersAsync(this NodeProcess node, string name, string address) => node.SaysAsync(name, $"NoError {address}");

    /// <summary>The node says this of a name, or comes to do so.</summary>
    public static async Task SaysAsync(this NodeProcess node, string name, string expected)
    {
        var answer = "";
        try { await node.PollAsync(async () => (answer = (await node.AskAsync(name)).ToString().TrimEnd()) == expected, $"says {expected} of {name}"); }
        catch (InvalidOperationException e) { throw new InvalidOperationException($"{name}: {answer}: {e.Message}"); }
    }

    private static string NameOf(string host) => host.Replace('.', '-');
}
