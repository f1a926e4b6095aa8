using MeshDns.Actors;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>Edges without a database, and the one owner at whose feed they ask (docs/adr/0026).</summary>
public sealed class EdgeTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan _deadline = TimeSpan.FromSeconds(10);
    private static readonly PageRequest _page = new(10);
    private static readonly HostName _a = HostName.Parse("a.example");

    private readonly string _folder = Directory.CreateTempSubdirectory("meshdns-edge").FullName;
    private readonly FeedNetwork _network = new();
    private volatile bool _isDown;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_edge_does_by_an_owner_all_that_an_owner_does_itself()
    {
        await using var owner = await OwnerAsync();
        await using var edge = Edge("e1");
        await edge.WhenReadyAsync();
        var (here, there) = (edge.Control, owner.Mesh.Control);
        var reply = await here.ChangeAsync(EngineNode.Put("a", "a.example"), _deadline, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        Assert.Empty(await here.WaitForEdgesAsync(reply.Position, TimeSpan.FromSeconds(5), default));
        Assert.True(edge.Knows("a.example"));

        var key = new DocumentKey(DocumentKind.ServiceEntry, "default", "a");
        Assert.Equal((await there.GetDocumentAsync(key, default))!.Addresses, (await here.GetDocumentAsync(key, default))!.Addresses);
        Assert.Null(await here.GetDocumentAsync(key with { Name = "b" }, default));
        Assert.Equal("a", Assert.Single((await here.ListDocumentsAsync(DocumentKind.ServiceEntry, _page, default)).Items).Document.Key.Name);
        var host = (await here.GetHostAsync(_a, default))!;
        Assert.Equal((await there.GetHostAsync(_a, default))!.Owner, host.Owner);
        Assert.Null(await here.GetHostAsync(HostName.Parse("b.example"), default));
        Assert.Equal(_a, Assert.Single((await here.ListHostsAsync(_page, default)).Items).Host);
        Assert.Equal(VipState.Leased, (await here.GetVipAsync(host.Vip!.Index, default))!.State);
        Assert.Null(await here.GetVipAsync(0, default));
        Assert.Equal(host.Vip.Index, Assert.Single((await here.ListVipsAsync(_page, default)).Items).Index);
        var delete = new ChangeRequest { Changes = [new DocumentChange(key, null)] };
        Assert.Equal(ChangeOutcome.Applied, (await here.ChangeAsync(delete, _deadline, default)).Outcome);
        Assert.Equal(_a, Assert.Single((await here.ListRestsAsync(_page, default)).Items).Host);
        var refused = await here.ChangeAsync(delete with { MustExist = true }, _deadline, default);
        Assert.Equal((ChangeOutcome.Refused, RefusalReason.NotFound), (refused.Outcome, refused.Reason));
        Assert.Empty(edge.Alarms);
    }

    [Fact]
    public async Task A_change_that_waits_for_edges_names_the_one_that_is_late_until_it_is_gone()
    {
        await using var owner = await OwnerAsync();
        await using var edge = Edge("e1");
        await using var late = Edge("e2");
        await edge.WhenReadyAsync();
        await late.WhenReadyAsync();
        await late.Mesh.StopAsync();
        var reply = await owner.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), _deadline, default);
        Assert.Equal(["e2"], await edge.Control.WaitForEdgesAsync(reply.Position, TimeSpan.FromMilliseconds(500), default));
        // One that has not asked for a while is no live edge.
        Assert.Empty(await edge.Control.WaitForEdgesAsync(reply.Position, TimeSpan.FromSeconds(8), default));
    }

    [Fact]
    public async Task A_change_whose_answer_is_lost_is_in_doubt_without_a_key()
    {
        await using var owner = await OwnerAsync();
        await using var edge = Edge("e1");
        await edge.WhenReadyAsync();
        var changes = 0;
        _network.Seen = (_, request) => { if (request is EdgeChange) Interlocked.Increment(ref changes); };
        _network.LosesReply = (_, request) => request is EdgeChange;
        var reply = await edge.Control.ChangeAsync(EngineNode.Put("a", "a.example"), TimeSpan.FromSeconds(2), default);
        Assert.Equal((ChangeOutcome.Unknown, 1), (reply.Outcome, changes));
        Assert.NotNull(await owner.Mesh.Control.GetHostAsync(_a, default));
    }

    [Fact]
    public async Task A_stale_edge_asks_what_an_owner_knows()
    {
        await using var owner = await OwnerAsync();
        await using var edge = Edge("e1");
        await edge.WhenReadyAsync();
        await owner.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), _deadline, default);
        var facts = await FindAsync(edge, "a.example");
        Assert.Equal(["HostDeclared", "VipGranted"], facts.Select(f => f.GetType().Name).Order());
        Assert.Empty(await FindAsync(edge, "b.example"));
        _network.IsCut = _ => true;
        Assert.Null(await edge.Mesh.FindAsync([HostName.Parse("b.example")]));
        await Assert.ThrowsAsync<MeshUnavailableException>(() => edge.Control.GetHostAsync(_a, default));
        var unmade = await edge.Control.ChangeAsync(EngineNode.Put("c", "c.example"), TimeSpan.FromSeconds(1), default);
        Assert.Equal(ChangeOutcome.Unavailable, unmade.Outcome);
    }

    [Fact]
    public async Task What_the_feed_does_not_do_is_refused()
    {
        await using var owner = await OwnerAsync();
        NodeRequest[] requests = [new EdgeFind([]), new EdgeFind([.. Enumerable.Repeat(_a, 257)]), new UnknownRequest()];
        foreach (var request in requests) Assert.IsType<NodeRefusal>(await owner.Mesh.Feed.HandleAsync(request, default));
        Assert.False(owner.Mesh.IsDraining);
    }

    [Fact]
    public async Task A_reader_that_is_ahead_of_its_owner_waits_for_it_and_then_hears_what_the_journal_says()
    {
        await using var owner = await OwnerAsync();
        var place = owner.Mesh.Following.Position;
        var report = new EdgeReport("e1", "1", "", ["edge"], "up", "", 0, 0);
        var ahead = Assert.IsType<FeedReply>(await owner.Mesh.Feed.HandleAsync(new ReadFeed(place.Number + 1, place.Term, 300, report), default));
        Assert.True(ahead is { Holds: false, IsCut: false, HeldMs: >= 290 }, ahead.ToString());
        // One that waits is answered as soon as there is something, and its answer says how old that is.
        var waiting = owner.Mesh.Feed.HandleAsync(new ReadFeed(place.Number, place.Term, 9000, report), default);
        await owner.Mesh.Control.ChangeAsync(EngineNode.Put("a", "a.example"), _deadline, default);
        var news = Assert.IsType<FeedReply>(await waiting);
        Assert.True(news is { Holds: true, IsAll: true, AgeMs: >= 0 and < 5000 } && news.HeldMs < 9000, news.ToString());
        Assert.Equal(place.Number + 1, news.Rows[0].Number);
    }

    [Fact]
    public async Task An_owner_that_is_cut_from_the_journal_hands_its_own_age_on()
    {
        await using var owner = await OwnerAsync();
        await using var edge = Edge("e1");
        await edge.WhenReadyAsync();
        _isDown = true;
        var begin = TimeProvider.System.GetTimestamp();
        await EdgeNode.EventuallyAsync(() =>
        {
            // Read in this order: what is known cannot be younger than the time since the last read that could be made, but for one that was under way.
            var since = TimeProvider.System.GetElapsedTime(begin);
            Assert.True(edge.Names.Age >= since - TimeSpan.FromSeconds(0.5), $"{edge.Names.Age} after {since}");
            return since > TimeSpan.FromSeconds(4);
        });
        Assert.Empty(edge.Mesh.NotReady);
        _isDown = false;
        await EdgeNode.EventuallyAsync(() => edge.Names.Age < TimeSpan.FromSeconds(2));
    }

    private static async Task<IReadOnlyList<MeshEvent>> FindAsync(EdgeNode edge, string host)
    {
        IReadOnlyList<MeshEvent>? facts = null;
        for (var i = 0; i < 100 && facts is null; i++) facts = await edge.Mesh.FindAsync([HostName.Parse(host)]);
        return facts!;
    }

    private EdgeNode Edge(string name) => new(name, _network, Write, null, "n1:2");

    private async Task<EngineNode> OwnerAsync()
    {
        var node = await EngineNode.OnSqliteAsync(Path.Combine(_folder, "journal.db"), Write, feed: "n1:2", wrap: store => new FaultyStore(store, () => _isDown));
        _network.Serve("n1:2", node.Mesh.Feed);
        await node.WhenReadyAsync();
        return node;
    }

    private void Write(string text)
    {
        lock (output) output.WriteLine(text);
    }

    private sealed record UnknownRequest : NodeRequest;
}
