using System.Text.Json;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Cluster;

/// <summary>A whole node: how it starts, stops, and what it shows.</summary>
public sealed class MeshTests
{
    private static void Run(Func<Simulated, SimulatedStore, JournalFaults, Task> body) => Simulated.Run(17, async world =>
    {
        var store = new SimulatedStore(world.Clock);
        await body(world, store, new JournalFaults());
        Assert.Empty(Journal(store));
    });

    private static IReadOnlyList<string> Journal(SimulatedStore store) => JournalAudit.Run(store.Image()).Breaches;

    [Fact]
    public void Everything_is_there_again_after_a_crash() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        for (var i = 0; i < 5; i++) await node.AppliedAsync(Make.Put("d" + i, "h" + i + ".example"));
        var (documents, leases) = (node.Documents(), node.Leases());
        node.Crash();
        var next = await new SimulatedNode(world, store, faults).StartAsync();
        Assert.Equal(documents.Keys.ToHashSet(), next.Documents().Keys.ToHashSet());
        Assert.Equal(leases, next.Leases());
        await next.CaughtUpAsync();
        Assert.Equal(5, next.Directory.Names);
        Assert.Equal(leases.OrderBy(l => l.Key), next.Directory.Hosts.ToDictionary(h => h.Host, h => h.VipIndex).OrderBy(l => l.Key));
    });

    [Fact]
    public void A_node_that_lost_its_streams_to_another_cannot_write() => Run(async (world, store, faults) =>
    {
        var old = await new SimulatedNode(world, store, faults).StartAsync();
        await old.AppliedAsync(Make.Put("a", "a.example"));
        var next = await new SimulatedNode(world, store, faults).StartAsync();
        await next.AppliedAsync(Make.Put("b", "b.example"));
        // It still believes, and would give b's VIP again; the fence makes it look, and it finds itself superseded.
        var reply = await old.ChangeAsync(Make.Request(Make.Put("c", "c.example")));
        Assert.Equal(ChangeOutcome.Unavailable, reply!.Outcome);
        await next.AppliedAsync(Make.Put("c", "c.example"));
        Assert.Equal(3, next.Leases().Values.Distinct().Count());
        next.AssertClean();
    });

    [Fact]
    public void A_node_that_lost_its_streams_to_another_does_not_say_that_nothing_had_to_be_done() => Run(async (world, store, faults) =>
    {
        var old = await new SimulatedNode(world, store, faults).StartAsync();
        await old.AppliedAsync(Make.Put("a", "a.example"));
        var next = await new SimulatedNode(world, store, faults).StartAsync();
        await next.AppliedAsync(Make.Put("b", "b.example"));
        await next.AppliedAsync(Make.Delete("a"));
        // As it knows the world, b is not there and a is there as asked; neither is so, and no append would have shown it.
        foreach (var change in (DocumentChange[])[Make.Delete("b"), Make.Put("a", "a.example")])
            Assert.Equal(ChangeOutcome.Unavailable, (await old.ChangeAsync(Make.Request(change)))!.Outcome);
        next.AssertClean();
    });

    public static TheoryData<string> OtherSettings => ["shards", "range", "zones", "ttl", "domain"];

    [Theory]
    [MemberData(nameof(OtherSettings))]
    public void A_node_with_other_cluster_settings_does_not_start_and_names_them(string which) => Run(async (world, store, faults) =>
    {
        var options = SimulatedNode.Options();
        var first = await new SimulatedNode(world, store, faults, options).StartAsync();
        await first.Mesh.StopAsync();
        var (other, name) = which switch
        {
            "shards" => (SimulatedNode.Options(shards: 8), "cluster.shards is '8' here and '4'"),
            "range" => (SimulatedNode.Options(range: "240.240.0.0/24"), "vips.ipv4"),
            "zones" => (options with { Zones = new MeshZones([HostName.Parse("mesh.example")]) }, "mesh.zones"),
            "ttl" => (options with { MaxTtl = TimeSpan.FromSeconds(60) }, "dns.ttl is '60' here and '30'"),
            _ => (options with { ClusterDomain = HostName.Parse("other.local") }, "mesh.cluster-domain"),
        };
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => new SimulatedNode(world, store, faults, other).StartAsync());
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        await new SimulatedNode(world, store, faults, options).StartAsync();
    });

    [Fact]
    public void A_start_that_failed_because_the_journal_was_away_can_be_tried_again() => Run(async (world, store, faults) =>
    {
        faults.Inject(JournalCall.Settings, FaultKind.Unavailable);
        faults.Inject(JournalCall.Claim, FaultKind.Unavailable);
        faults.Inject(JournalCall.Claim, FaultKind.Unavailable);
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => node.AppliedAsync(Make.Put("d" + i, "h" + i + ".example"))));
        var feeds = faults.Calls[JournalCall.Feed];
        await world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.InRange(faults.Calls[JournalCall.Feed] - feeds, 29, 31);
        Assert.Empty(world.Alarms);
    });

    [Fact]
    public void The_quarantine_is_in_the_journal_from_the_first_day_and_each_change_of_it_too() => Run(async (world, store, faults) =>
    {
        foreach (var hours in new[] { 1, 1, 2, 2, 24 })
        {
            var node = await new SimulatedNode(world, store, faults, SimulatedNode.Options(quarantine: TimeSpan.FromHours(hours))).StartAsync();
            Assert.Equal(hours * 3_600_000L, node.Mesh.Local.Allocator.View.State.QuarantineMs);
            node.AssertClean();
            await node.Mesh.StopAsync();
        }
        Assert.Equal([3_600_000L, 7_200_000, 86_400_000], store.Facts.Select(f => f.Fact).OfType<QuarantineChanged>().Select(q => q.PeriodMs));
    });

    [Fact]
    public void A_shorter_quarantine_holds_for_later_releases_only() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults, SimulatedNode.Options(quarantine: TimeSpan.FromHours(10))).StartAsync();
        var all = Enumerable.Range(0, node.Mesh.Options.Range.Capacity).Select(i => $"h{i}.example").ToArray();
        await node.AppliedAsync(Make.Put(Make.Entry("all", all)));
        await node.AppliedAsync(Make.Put(Make.Entry("all", all[1..])));
        node.Crash();
        node = await new SimulatedNode(world, store, faults, SimulatedNode.Options(quarantine: TimeSpan.FromHours(1))).StartAsync();
        await world.PassAsync(TimeSpan.FromHours(2));
        Assert.Equal(RefusalReason.PoolExhausted, (await node.ChangeAsync(Make.Request(Make.Put("new", "new.example"))))!.Reason);
        await world.PassAsync(TimeSpan.FromHours(8));
        await node.AppliedAsync(Make.Put("new", "new.example"));
        Assert.Equal(1, node.LeaseOf("new.example"));
    });

    [Fact]
    public void A_clock_that_was_set_back_while_the_node_was_down_lengthens_every_quarantine() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        var all = Enumerable.Range(0, node.Mesh.Options.Range.Capacity).Select(i => $"h{i}.example").ToArray();
        await node.AppliedAsync(Make.Put(Make.Entry("all", all)));
        await node.AppliedAsync(Make.Put(Make.Entry("all", all[1..])));
        node.Crash();
        world.Clock.StepWall(TimeSpan.FromHours(-5));
        node = await new SimulatedNode(world, store, faults).StartAsync();
        await world.PassAsync(TimeSpan.FromHours(2));
        Assert.Equal(RefusalReason.PoolExhausted, (await node.ChangeAsync(Make.Request(Make.Put("new", "new.example"))))!.Reason);
        await world.PassAsync(TimeSpan.FromHours(10));
        await node.AppliedAsync(Make.Put("new", "new.example"));
        Assert.Contains(store.Facts, f => f.Fact is ClockSetBack);
    });

    [Fact]
    public void A_wall_clock_that_jumps_while_the_node_runs_ends_no_quarantine_early() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        var all = Enumerable.Range(0, node.Mesh.Options.Range.Capacity).Select(i => $"h{i}.example").ToArray();
        await node.AppliedAsync(Make.Put(Make.Entry("all", all)));
        await node.AppliedAsync(Make.Put(Make.Entry("all", all[1..])));
        world.Clock.StepWall(TimeSpan.FromDays(3));
        await world.PassAsync(TimeSpan.FromMinutes(30));
        Assert.Equal(RefusalReason.PoolExhausted, (await node.ChangeAsync(Make.Request(Make.Put("new", "new.example"))))!.Reason);
    });

    [Fact]
    public void The_directory_goes_on_from_where_it_was_and_reloads_a_stream_that_was_rewound() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults, SimulatedNode.Options(shards: 1)).StartAsync();
        await node.AppliedAsync(Make.Put(Make.Entry("a", ["a.example"], ["10.0.0.1"])));
        var seq = node.Seq("shard-00");
        await node.AppliedAsync(Make.Put(Make.Entry("b", ["b.example"], ["10.0.0.1"])));
        await node.CaughtUpAsync();
        Assert.Equal(2, node.Directory.Names);
        node.Crash();
        store.Rewind("shard-00", seq);
        var next = await new SimulatedNode(world, store, faults, SimulatedNode.Options(shards: 1), node.Directory.Capture()).StartAsync();
        await next.AppliedAsync(Make.Put(Make.Entry("c", ["c.example"], ["10.0.0.1"])));
        await next.CaughtUpAsync();
        Assert.Equal(["a.example", "c.example"], next.Directory.Hosts.Select(h => h.Host.Text).Order(StringComparer.Ordinal));
        Assert.Empty(next.Violations);
        Assert.Contains(world.Alarms, a => a.Source == "feed" && a.Message.Contains("no longer has the past", StringComparison.Ordinal));
    });

    [Fact]
    public void The_feed_outlasts_a_journal_that_is_away_and_shows_its_failures() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        await node.CaughtUpAsync();
        faults.Rule = call => new JournalFault(call == JournalCall.Feed ? FaultKind.Unavailable : FaultKind.None);
        await world.PassAsync(TimeSpan.FromSeconds(60));
        Assert.InRange(node.Mesh.Feed.Failures, 55, 65);
        Assert.InRange(node.Directory.Age.TotalSeconds, 58, 62);
        Assert.Single(world.Log, l => l.Source == "feed" && l.Level == ActorLogLevel.Warning);
        await node.AppliedAsync(Make.Put("a", "a.example"));
        faults.Rule = null;
        await world.PassAsync(TimeSpan.FromSeconds(2));
        Assert.Equal(1, node.Directory.Names);
        Assert.Equal(0, node.Mesh.Feed.Failures);
    });

    [Fact]
    public void The_feed_begins_from_snapshots_as_well_as_from_events() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        await node.AppliedAsync(Make.Put("a", "a.example", "*.b.example"), Make.Put(Make.Entry("c", ["c.example"], ["240.240.0.9"])));
        await node.AppliedAsync(Make.Delete("c"), Make.Put("d", "d.example"));
        await node.Mesh.StopAsync();
        var next = await new SimulatedNode(world, store, faults).StartAsync();
        await next.AppliedAsync(Make.Put("e", "e.example"));
        await next.CaughtUpAsync();
        Assert.Equal(["*.b.example", "a.example", "d.example", "e.example"], next.Directory.Hosts.Select(h => h.Host.Text).Order(StringComparer.Ordinal));
        Assert.All(next.Leases(), l => Assert.Equal(l.Key, next.Directory.HolderOf(l.Value)!.Host));
    });

    [Fact]
    public void Owners_and_directories_agree_which_of_two_documents_of_one_change_is_the_older() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        await node.AppliedAsync([.. Enumerable.Range(0, 20).SelectMany(i => new[] { "a", "b" }.Select(ns => Make.Put(Make.Entry("d" + i, ["h" + i + ".example"], ["10.0.0.1"], ns: ns))))]);
        await node.CaughtUpAsync();
        foreach (var entry in node.Directory.Hosts)
        {
            var shown = await node.Mesh.Control.GetHostAsync(entry.Host, CancellationToken.None);
            Assert.Equal(shown!.Records[0].Namespace, entry.Declarations[0].Shape.Namespace);
        }
    });

    [Fact]
    public void What_the_admin_side_reads_is_paged_sorted_and_filtered() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        await node.AppliedAsync([.. Enumerable.Range(0, 7).Select(i => Make.Put(Make.Entry("d" + i, ["h" + i + ".example"], ns: i % 2 == 0 ? "a" : "b")))]);
        await node.ChangeAsync(new ChangeRequest { Source = "file:x", Changes = [Make.Put(Make.Service("web", "a", "10.0.0.1"))] });
        var control = node.Mesh.Control;
        var names = new List<string>();
        for (string? after = null; ;)
        {
            var page = await control.ListDocumentsAsync(DocumentKind.ServiceEntry, new PageRequest(3, after), CancellationToken.None);
            Assert.InRange(page.Items.Count, 1, 3);
            names.AddRange(page.Items.Select(d => d.Document.Key.Namespace + "/" + d.Document.Key.Name));
            if ((after = page.Next) is null) break;
        }
        Assert.Equal(["a/d0", "a/d2", "a/d4", "a/d6", "b/d1", "b/d3", "b/d5"], names);
        Assert.Single((await control.ListDocumentsAsync(DocumentKind.Service, new PageRequest(Source: "file:x"), CancellationToken.None)).Items);
        Assert.Empty((await control.ListDocumentsAsync(DocumentKind.Service, new PageRequest(Source: "api"), CancellationToken.None)).Items);
        Assert.Equal(["h3.example"], (await control.ListHostsAsync(new PageRequest(Query: "H3"), CancellationToken.None)).Items.Select(h => h.Host.Text));
        Assert.Equal([1, 2], (await control.ListVipsAsync(new PageRequest(2), CancellationToken.None)).Items.Select(v => v.Index));
        Assert.Null(await control.GetVipAsync(0, CancellationToken.None));
        Assert.Equal(VipState.Leased, (await control.GetVipAsync(1, CancellationToken.None))!.State);
    });

    [Fact]
    public void A_member_that_died_does_not_come_to_life_when_the_clock_of_the_database_is_set_back() => Run(async (world, store, faults) =>
    {
        await new SimulatedNode(world, store, faults).StartAsync();
        var report = JsonSerializer.Serialize(new MemberReport { State = "up" }, NodeJson.Default.MemberReport);
        store.Join(new MemberBeat(new NodeIdentity("b", "dead"), "", "b:1", "owner,edge", "", MeshProtocol.Current, report, TimeSpan.FromSeconds(5)));
        await world.PassAsync(TimeSpan.FromSeconds(30));
        Assert.All(store.Ownership, row => Assert.Equal("a", row.Node));
        // So far back that the end of the dead row lies ahead once more.
        store.ClockOffset = -TimeSpan.FromSeconds(60);
        for (var second = 0; second < 90; second++)
        {
            await world.PassAsync(TimeSpan.FromSeconds(1));
            Assert.All(store.Ownership, row => Assert.Equal("a", row.Node));
        }
    });

    [Fact]
    public void The_cluster_view_adds_up() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        await node.AppliedAsync(Make.Put("a", "a.example"), Make.Put(Make.Entry("b", ["b.example"], ["240.240.0.9"])));
        await node.CaughtUpAsync();
        var view = await node.Mesh.Control.GetClusterAsync(CancellationToken.None);
        Assert.Equal(Streams.All(4), view.Streams.Select(s => s.Stream));
        Assert.Equal(store.Ownership.Select(o => o.Seq), view.Streams.Select(s => s.Seq));
        var member = Assert.Single(view.Members);
        Assert.Equal(("a", "up", 5, 2, 0L), (member.Node, member.State, member.Streams, member.Directory.Names, member.Directory.LagEvents));
        var vips = view.Vips;
        Assert.Equal((1, 1, 0), (vips.Leased, vips.Reserved, vips.Quarantined));
        Assert.Equal(vips.Capacity, vips.Leased + vips.Quarantined + vips.Reserved + vips.Excluded + vips.Free);
        Assert.False(await node.Mesh.Control.DrainAsync("somebody", CancellationToken.None));
        Assert.True(await node.Mesh.Control.DrainAsync("a", CancellationToken.None));
        Assert.Equal("draining", (await node.Mesh.Control.GetClusterAsync(CancellationToken.None)).Members[0].State);
    });

    [Fact]
    public void A_host_that_holds_no_VIP_any_more_shows_the_one_that_rests_for_it() => Run(async (world, store, faults) =>
    {
        var node = await new SimulatedNode(world, store, faults).StartAsync();
        await node.AppliedAsync(Make.Put("a", "a.example"));
        await node.AppliedAsync(Make.Put(Make.Entry("a", ["a.example"], optOut: true)));
        var vip = (await node.Mesh.Control.GetHostAsync(HostName.Parse("a.example"), CancellationToken.None))!.Vip;
        Assert.Equal((1, VipState.Quarantined), (vip!.Index, vip.State));
        Assert.Single((await node.Mesh.Control.ListVipsAsync(new PageRequest(), CancellationToken.None)).Items);
        await world.PassAsync(TimeSpan.FromHours(1));
        Assert.Empty((await node.Mesh.Control.ListVipsAsync(new PageRequest(), CancellationToken.None)).Items);
        Assert.Null((await node.Mesh.Control.GetHostAsync(HostName.Parse("a.example"), CancellationToken.None))!.Vip);
    });
}
