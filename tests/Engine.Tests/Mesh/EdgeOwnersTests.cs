using System.Collections.Concurrent;
using MeshDns.Contracts.Messages;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>Edges without a database, and owners that come and go: real Akka, a real PostgreSQL.</summary>
public sealed class EdgeOwnersTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(20);

    private readonly FeedNetwork _network = new();
    private readonly Dictionary<string, EngineNode> _owners = [];
    private readonly ConcurrentDictionary<string, string> _sources = new();

    public async Task InitializeAsync()
    {
        var database = await (await PostgresServer.Shared).CreateDatabaseAsync();
        _network.Seen = (address, request) => { if (request is ReadFeed feed) _sources[feed.Reader.Node] = address; };
        foreach (var name in (string[])["n1", "n2"])
        {
            var owner = _owners[name] = await EngineNode.OnPostgresAsync(name, database, Write, $"{name}:2");
            _network.Serve($"{name}:2", owner.Mesh.Feed);
            await owner.WhenReadyAsync();
        }
        await UntilAsync(async () => (await _owners["n1"].Mesh.Control.GetClusterAsync(default)) is { Members.Count: 2 } view && view.Streams.All(s => s.Owner.Length > 0));
    }

    public async Task DisposeAsync()
    {
        foreach (var owner in _owners.Values) await owner.DisposeAsync();
    }

    [Fact]
    public async Task All_see_all_and_each_is_drained_from_wherever_somebody_says_so()
    {
        await using var one = Edge("e1", "n1:2");
        await using var two = Edge("e2", "n2:2");
        await using var three = Edge("e3", "n1:2");
        await using var four = Edge("e4", "n2:2");
        EdgeNode[] edges = [one, two, three, four];
        foreach (var edge in edges) await edge.WhenReadyAsync();
        string[] all = ["e1 edge up", "e2 edge up", "e3 edge up", "e4 edge up", "n1 owner,edge up", "n2 owner,edge up"];
        foreach (var control in _owners.Values.Select(o => o.Mesh.Control).Append(one.Control))
            await UntilAsync(async () => (await control.GetClusterAsync(default)).Members.Select(m => $"{m.Node} {string.Join(',', m.Roles)} {m.State}").SequenceEqual(all));
        Assert.Equal("e1", (await one.Control.GetClusterAsync(default)).Node);

        Assert.True(await one.Control.DrainAsync("e1", default));
        Assert.True(await one.Control.DrainAsync("e2", default));
        Assert.True(await _owners["n1"].Mesh.Control.DrainAsync("e3", default));
        Assert.True(await _owners["n1"].Mesh.Control.DrainAsync("e4", default));
        Assert.False(await one.Control.DrainAsync("e9", default));
        Assert.All(edges, e => Assert.Equal("this node is draining", e.Mesh.NotReady));
        await UntilAsync(async () => (await _owners["n2"].Mesh.Control.GetClusterAsync(default)).Members.Count(m => m.State == "draining") == 4);
        // They go on reading, and take changes.
        var reply = await two.Control.ChangeAsync(EngineNode.Put("a", "a.example"), _deadline, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        Assert.Empty(await two.Control.WaitForEdgesAsync(reply.Position, TimeSpan.FromSeconds(5), default));
        Assert.All(edges, e => Assert.True(e.Knows("a.example")));

        Assert.True(await four.Control.DrainAsync("n2", default));
        Assert.True(_owners["n2"].Mesh.IsDraining && !_owners["n1"].Mesh.IsDraining);
    }

    [Fact]
    public async Task When_its_owner_goes_it_takes_another_that_it_was_never_told_of_and_its_age_does_not_lie()
    {
        await using var edge = Edge("e1", "n1:2");
        await edge.WhenReadyAsync();
        await EdgeNode.EventuallyAsync(() => _sources["e1"].Length > 0);
        _network.IsCut = address => address == "n1:2";
        var cutAt = TimeProvider.System.GetTimestamp();
        // An answer that was under way is the last one.
        await EdgeNode.EventuallyAsync(() =>
        {
            var since = TimeProvider.System.GetElapsedTime(cutAt);
            var (age, source) = (edge.Names.Age, _sources["e1"]);
            return source == "n2:2" ? age < TimeSpan.FromSeconds(2) : age >= since - TimeSpan.FromSeconds(1.1) ? false : throw new InvalidOperationException($"{age} after {since}");
        });
        Assert.True(edge.Names.Age < TimeSpan.FromSeconds(4));
        var reply = await edge.Control.ChangeAsync(EngineNode.Put("a", "a.example"), _deadline, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        await EdgeNode.EventuallyAsync(() => edge.Knows("a.example"));
        Assert.Empty(edge.Alarms);
    }

    [Fact]
    public async Task A_change_whose_answer_is_lost_is_found_again_under_its_key_at_another_owner()
    {
        await using var edge = Edge("e1", "n1:2", "n2:2");
        await edge.WhenReadyAsync();
        var asked = new ConcurrentQueue<string>();
        _network.Seen = (address, request) => { if (request is EdgeChange) asked.Enqueue(address); };
        _network.LosesReply = (_, request) => request is EdgeChange && asked.Count == 1;
        var reply = await edge.Control.ChangeAsync(EngineNode.Put("b", "b.example") with { IdempotencyKey = "k" }, TimeSpan.FromSeconds(6), default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        Assert.Equal((DocumentAction.Created, 2), (reply.Results[0].Action, asked.Distinct().Count()));
        Assert.Equal(1, (await edge.Control.GetDocumentAsync(EngineNode.Put("b", "b.example").Changes[0].Key, default))!.Version);
    }

    [Fact]
    public async Task An_edge_leaves_an_owner_that_knows_less_and_less()
    {
        var stale = true;
        var network = new AgingNetwork(_network, address => Volatile.Read(ref stale) && address == "n1:2");
        await using var edge = new EdgeNode("e1", network, Write, null, "n1:2", "n2:2");
        await edge.WhenReadyAsync();
        await EdgeNode.EventuallyAsync(() => _sources["e1"] == "n2:2" && edge.Names.Age < TimeSpan.FromSeconds(3));
        for (var i = 0; i < 40; i++)
        {
            Assert.True(edge.Names.Age < TimeSpan.FromSeconds(5));
            await Task.Delay(50);
        }
        Volatile.Write(ref stale, false);
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (var i = 0; i < 800; i++)
        {
            if (await holds()) return;
            await Task.Delay(25);
        }
        Assert.True(await holds());
    }

    private EdgeNode Edge(string name, params string[] join) => new(name, _network, Write, null, join);

    private void Write(string text)
    {
        lock (output) output.WriteLine(text);
    }

    // An owner that has lost its journal answers on, with an age that grows.
    private sealed class AgingNetwork(FeedNetwork network, Func<string, bool> isStale) : MeshDns.Actors.Cluster.INodeClient
    {
        public async Task<NodeReply> AskAsync(string address, NodeRequest request, TimeSpan deadline, CancellationToken cancel)
        {
            var reply = await network.AskAsync(address, request, deadline, cancel);
            return reply is FeedReply feed && isStale(address) ? feed with { AgeMs = 60_000 } : reply;
        }
    }
}
