using System.Text.Json.Nodes;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Cluster;

/// <summary>
/// Real nodes on one database of a private PostgreSQL. A member that goes silent is gone after three seconds: long enough for a machine with
/// other work, and no test's result depends on it.
/// </summary>
internal sealed class MeshCluster : IAsyncDisposable
{
    /// <summary>What the nodes prove to each other.</summary>
    public const string Secret = "the-secret-of-the-clusters-in-tests";

    // Of 65 streams; how many each has is for the engine to balance.
    private const int Few = 8;

    private readonly ScratchFolder _folder = new();
    private readonly List<NodeProcess> _all = [];

    private MeshCluster(PostgresServer server, string connectionString) => (Server, ConnectionString) = (server, connectionString);

    public PostgresServer Server { get; }

    public string ConnectionString { get; }

    public string Database => ConnectionString.Split("Database=")[1];

    /// <summary>What the next nodes are of.</summary>
    public string Program { get; set; } = NodeProcess.Program;

    /// <summary>Where a node keeps its files.</summary>
    public string this[string node] => _folder[node];

    /// <summary>Everything that all nodes wrote.</summary>
    public string Log => string.Join('\n', _all.Select((node, i) => $"--- process {i + 1}\n{node.Log}"));

    /// <summary>A cluster without nodes on a database of its own.</summary>
    public static async Task<MeshCluster> MakeAsync(PostgresServer? server = null)
    {
        server ??= await PostgresServer.Shared;
        return new MeshCluster(server, await server.CreateDatabaseAsync());
    }

    /// <summary>A cluster of three, each with the streams that it should have.</summary>
    public static async Task<(MeshCluster Cluster, NodeProcess[] Nodes)> StartThreeAsync(PostgresServer? server = null, string? program = null)
    {
        var cluster = await MakeAsync(server);
        if (program is not null) cluster.Program = program;
        try
        {
            var nodes = await Task.WhenAll(Enumerable.Range(1, 3).Select(i => cluster.StartAsync($"node-{i}")));
            await cluster.SettledAsync(nodes[0], "node-1", "node-2", "node-3");
            return (cluster, nodes);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a member and waits until it is ready. Settings win over those of the cluster.</summary>
    public async Task<NodeProcess> StartAsync(string name, params string[] settings)
    {
        var node = Launch(name, settings);
        await node.WaitUntilReadyAsync();
        return node;
    }

    /// <summary>Starts a member and does not wait for anything.</summary>
    public NodeProcess Launch(string name, params string[] settings) =>
        Keep(NodeProcess.LaunchOf(Program, this[name], [.. Member(name), .. settings]));

    /// <summary>Starts a member that cannot become ready now; waits until it takes connections.</summary>
    public async Task<NodeProcess> StartUnreadyAsync(string name, params string[] settings) =>
        Keep(await NodeProcess.StartUnreadyAsync(this[name], [.. Member(name), .. settings]));

    /// <summary>Starts a node with only the role edge that knows no database and asks at this feed first, and does not wait for anything.</summary>
    public NodeProcess LaunchEdge(string name, string join, params string[] settings) =>
        Keep(NodeProcess.LaunchOf(Program, this[name], [.. Common(name), "node.roles=[edge]", $"cluster.join=[\"{join}\"]", .. settings]));

    /// <summary>Waits until a node sees exactly these owners, all up, and each stream at one of them; each has a few.</summary>
    public async Task SettledAsync(NodeProcess seenBy, params string[] members)
    {
        var missing = "";
        try { await seenBy.PollAsync(async () => (missing = Missing((await seenBy.GetAsync("/v1/cluster")).Done, members)).Length == 0, $"{string.Join(", ", members)} share the streams"); }
        catch (InvalidOperationException e) { throw new InvalidOperationException($"{missing}: {e.Message}\n{Log}"); }
    }

    private static string Missing(JsonNode view, string[] members)
    {
        var up = view["members"]!.AsArray().Where(m => m!["roles"]!.AsArray().Any(r => (string?)r == "owner") && (string?)m["state"] != "draining").Select(m => $"{m!["node"]} {m["state"]}").ToArray();
        return string.Join(", ", up.Except(members.Select(m => $"{m} up")).Concat(members.Select(m => $"{m} up").Except(up))
            .Concat(view["streams"]!.AsArray().Where(s => !members.Contains((string?)s!["owner"])).Select(s => $"{s!["stream"]} at {s["owner"]}"))
            .Concat(members.Select(m => (Name: m, Streams: OwnersOf(view).Count(owner => owner == m))).Where(m => m.Streams < Few).Select(m => $"{m.Name} with {m.Streams} streams")));
    }

    private static IEnumerable<string> OwnersOf(JsonNode view) => view["streams"]!.AsArray().Select(s => (string)s!["owner"]!);

    /// <summary>Rows of the journal.</summary>
    public async Task<long> EventsAsync() => (long)(await Server.ExecuteAsync("SELECT count(*) FROM meshdns.journal", Database))!;

    /// <summary>The nodes that own streams as a node sees it, each once; an empty name for streams without one.</summary>
    public static async Task<string[]> OwnersAsync(NodeProcess seenBy) => [.. OwnersOf((await seenBy.GetAsync("/v1/cluster")).Done).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Stops every node that still runs, in the order of their start, and holds the journal to its invariants.</summary>
    public async Task EndAsync()
    {
        foreach (var node in _all.Where(node => !node.HasExited)) Assert.Equal(0, await node.StopAsync());
        var run = await CommandRun.Of("dotnet", (string[])[NodeProcess.Program, "verify", .. Member("verifier").SelectMany(setting => (string[])["--set", setting])]);
        Assert.True(run.ExitCode == 0, run.ToString());
    }

    /// <summary>Shows what the nodes wrote; for a test's output.</summary>
    public void Tell(ITestOutputHelper output) => output.WriteLine(Log);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _all) await node.DisposeAsync();
        _folder.Dispose();
    }

    // Nobody answers at the discard port: nothing of these tests goes upstream.
    private static string[] Common(string name) =>
    [
        $"node.name={name}", "upstream.servers=127.0.0.1:9", "mesh.zones=[mesh.internal]", $"cluster.secret={Secret}",
        "cluster.heartbeat=300ms", "cluster.lease=3s",
    ];

    private string[] Member(string name) => [.. Common(name), "cluster.listen=127.0.0.1:0", .. name.StartsWith("edge", StringComparison.Ordinal) ? (string[])[] : ["cluster.feed=127.0.0.1:0"], "journal.store=postgres", $"journal.connection-string={ConnectionString}"];

    private NodeProcess Keep(NodeProcess node)
    {
        _all.Add(node);
        return node;
    }
}
