using MeshDns.Actors.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using Xunit.Abstractions;

namespace MeshDns.Engine.Tests.Mesh;

/// <summary>What the admin side reads at an owner, and how it waits, on real Akka and real SQLite.</summary>
public sealed class ReadsTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("meshdns-engine").FullName;

    public void Dispose() => System.IO.Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Lists_are_paged_sorted_and_filtered()
    {
        await using var node = await NodeAsync();
        await ApplyAsync(node, [.. Enumerable.Range(0, 7).Select(i => Put(i % 2 == 0 ? "a" : "b", "d" + i, $"h{i}.example"))]);
        var service = new MeshDocument { Key = new DocumentKey(DocumentKind.Service, "a", "web"), Spec = new ServiceSpec { Type = "ClusterIP", ClusterIPs = ["10.0.0.1"], Ports = [] } };
        Assert.Equal(ChangeOutcome.Applied, (await node.Mesh.Control.ChangeAsync(new ChangeRequest { Source = "file:x", Changes = [new DocumentChange(service.Key, service)] }, _patience, default)).Outcome);
        var control = node.Mesh.Control;
        var names = new List<string>();
        for (string? after = null; ;)
        {
            var page = await control.ListDocumentsAsync(DocumentKind.ServiceEntry, new PageRequest(3, after), default);
            Assert.InRange(page.Items.Count, 1, 3);
            names.AddRange(page.Items.Select(d => d.Document.Key.Namespace + "/" + d.Document.Key.Name));
            if ((after = page.Next) is null) break;
        }
        Assert.Equal(["a/d0", "a/d2", "a/d4", "a/d6", "b/d1", "b/d3", "b/d5"], names);
        Assert.Single((await control.ListDocumentsAsync(DocumentKind.Service, new PageRequest(Source: "file:x"), default)).Items);
        Assert.Empty((await control.ListDocumentsAsync(DocumentKind.Service, new PageRequest(Source: "api"), default)).Items);
        Assert.Equal(["h3.example"], (await control.ListHostsAsync(new PageRequest(Query: "H3"), default)).Items.Select(h => h.Host.Text));
        var vips = await control.ListVipsAsync(new PageRequest(2), default);
        Assert.Equal([1, 2], vips.Items.Select(v => v.Index));
        Assert.Equal([3, 4], (await control.ListVipsAsync(new PageRequest(2, vips.Next), default)).Items.Select(v => v.Index));
        Assert.Null(await control.GetVipAsync(0, default));
        Assert.Equal((VipState.Leased, "h0.example"), ((await control.GetVipAsync(1, default))!.State, (await control.GetVipAsync(1, default))!.Hosts[0].Text));
        Assert.Equal(VipState.Free, (await control.GetVipAsync(8, default))!.State);
    }

    [Fact]
    public async Task A_host_that_holds_no_VIP_any_more_shows_the_one_that_rests_for_it()
    {
        await using var node = await NodeAsync();
        await ApplyAsync(node, Put("default", "a", "a.example"));
        await ApplyAsync(node, Put("default", "a", "a.example", isOptedOut: true));
        var vip = (await node.Mesh.Control.GetHostAsync(HostName.Parse("a.example"), default))!.Vip;
        Assert.Equal((1, VipState.Quarantined), (vip!.Index, vip.State));
        Assert.Equal(1, Assert.Single((await node.Mesh.Control.ListVipsAsync(new PageRequest(), default)).Items).Index);
        Assert.Equal("a.example", Assert.Single((await node.Mesh.Control.ListRestsAsync(new PageRequest(), default)).Items).Host!.Value.Text);
        Assert.Empty((await node.Mesh.Control.GetDocumentAsync(KeyOf("default", "a"), default))!.Addresses);
    }

    [Fact]
    public async Task The_cluster_view_adds_up()
    {
        await using var node = await NodeAsync();
        await ApplyAsync(node, Put("default", "a", "a.example"), Put("default", "b", "b.example", address: "240.240.0.9"));
        var view = await node.Mesh.Control.GetClusterAsync(default);
        Assert.Equal(Streams.All(64), view.Streams.Select(s => s.Stream));
        var last = node.Mesh.Following.State.Position.Number;
        Assert.Equal(last, view.Streams.Single(s => s.Stream == Streams.Vips).Seq);
        Assert.Equal(last - 1, view.Streams.Where(s => s.Stream != Streams.Vips).Max(s => s.Seq));
        var member = Assert.Single(view.Members);
        Assert.Equal(("n1", "up", 2, 0L), (member.Node, member.State, member.Directory.Names, member.Directory.LagEvents));
        var vips = view.Vips;
        Assert.Equal((1, 1, 0, 0), (vips.Leased, vips.Reserved, vips.Quarantined, vips.Excluded));
        Assert.Equal(vips.Capacity, vips.Leased + vips.Quarantined + vips.Reserved + vips.Excluded + vips.Free);
        Assert.False(await node.Mesh.Control.DrainAsync("somebody", default));
        Assert.True(await node.Mesh.Control.DrainAsync("n1", default));
        Assert.Equal("draining", (await node.Mesh.Control.GetClusterAsync(default)).Members[0].State);
    }

    [Fact]
    public async Task Waiting_for_edges_ends_when_they_have_it_or_at_the_deadline_with_the_names_of_the_late()
    {
        await using var node = await NodeAsync();
        var reply = await ApplyAsync(node, Put("default", "a", "a.example"));
        Assert.Equal(1, node.Names.Names);
        var ahead = new Dictionary<string, long> { [LogRow.MeshTag] = reply.Position[LogRow.MeshTag] + 1 };
        var began = TimeProvider.System.GetTimestamp();
        Assert.Equal(["n1"], await node.Mesh.Control.WaitForEdgesAsync(ahead, TimeSpan.FromMilliseconds(300), default));
        Assert.True(TimeProvider.System.GetElapsedTime(began) >= TimeSpan.FromMilliseconds(290));
    }

    [Fact]
    public async Task A_caller_who_gives_up_is_answered_at_once_and_a_key_used_again_says_what_became_of_it()
    {
        await using var node = await NodeAsync();
        using var cancel = new CancellationTokenSource();
        var request = new ChangeRequest { Changes = [Put("default", "a", "a.example")], IdempotencyKey = "k" };
        var change = node.Mesh.Control.ChangeAsync(request, TimeSpan.FromSeconds(60), cancel.Token);
        await cancel.CancelAsync();
        // It may have been as fast as the caller was impatient.
        Assert.Contains((await change.WaitAsync(TimeSpan.FromSeconds(2))).Outcome, (ChangeOutcome[])[ChangeOutcome.Unknown, ChangeOutcome.Applied]);
        var again = await node.Mesh.Control.ChangeAsync(request, _patience, default);
        Assert.Equal((ChangeOutcome.Applied, DocumentAction.Created), (again.Outcome, again.Results[0].Action));
        Assert.Equal(again.Results[0].Version, (await node.Mesh.Control.GetDocumentAsync(KeyOf("default", "a"), default))!.Version);
        Assert.Equal(RefusalReason.KeyReused, (await node.Mesh.Control.ChangeAsync(request with { MustExist = true }, _patience, default)).Reason);
    }

    [Fact]
    public async Task A_caller_reads_what_it_wrote()
    {
        await using var node = await NodeAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            for (var round = 0; round < 3; round++)
            {
                await ApplyAsync(node, Put("default", "d" + i, "h.example"));
                Assert.NotNull(await node.Mesh.Control.GetDocumentAsync(KeyOf("default", "d" + i), default));
                await ApplyAsync(node, new DocumentChange(KeyOf("default", "d" + i), null));
                Assert.Null(await node.Mesh.Control.GetDocumentAsync(KeyOf("default", "d" + i), default));
            }
        }));
    }

    private static DocumentKey KeyOf(string ns, string name) => new(DocumentKind.ServiceEntry, ns, name);

    private static DocumentChange Put(string ns, string name, string host, bool isOptedOut = false, string? address = null)
    {
        var document = new MeshDocument
        {
            Key = KeyOf(ns, name),
            Labels = isOptedOut ? new Dictionary<string, string> { [HostDeclaration.AutoAllocateLabel] = "false" } : null,
            Spec = new ServiceEntrySpec { Hosts = [HostName.Parse(host)], Addresses = address is null ? [] : [address], Resolution = Resolution.Static, Ports = [new ServicePort(80, "main", "TCP", null)] },
        };
        return new DocumentChange(document.Key, document);
    }

    private static async Task<ChangeReply> ApplyAsync(EngineNode node, params DocumentChange[] changes)
    {
        var reply = await node.Mesh.Control.ChangeAsync(new ChangeRequest { Changes = changes }, _patience, default);
        Assert.True(reply.Outcome == ChangeOutcome.Applied, reply.Detail);
        Assert.Empty(await node.Mesh.Control.WaitForEdgesAsync(reply.Position, _patience, default));
        return reply;
    }

    private async Task<EngineNode> NodeAsync()
    {
        var node = await EngineNode.OnSqliteAsync(Path.Combine(_folder, "journal.db"), text => { lock (output) output.WriteLine(text); });
        await node.WhenReadyAsync();
        return node;
    }
}
