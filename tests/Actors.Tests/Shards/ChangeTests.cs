using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Shards;

/// <summary>What a change does, from the caller's side.</summary>
public sealed class ChangeTests
{
    internal static void Run(Func<SimulatedNode, Task> body, int shards = 8, string range = "240.240.0.0/28") => Simulated.Run(1, async world =>
    {
        var node = await new SimulatedNode(world, new SimulatedStore(world.Clock), new JournalFaults(), SimulatedNode.Options(shards, range)).StartAsync();
        await body(node);
        node.AssertClean();
        await node.CaughtUpAsync();
        Assert.Empty(node.Violations);
    });

    private static string[] Hosts(string prefix, int count) => [.. Enumerable.Range(0, count).Select(i => $"{prefix}{i}.example")];

    private static async Task<ChangeReply> RefusedAsync(SimulatedNode node, RefusalReason reason, ChangeRequest request)
    {
        var before = node.Events();
        var reply = await node.ChangeAsync(request);
        Assert.NotNull(reply);
        Assert.Equal((ChangeOutcome.Refused, reason), (reply.Outcome, reply.Reason));
        Assert.NotEqual("", reply.Detail);
        Assert.Equal(before, node.Events());
        return reply;
    }

    [Fact]
    public void Several_documents_over_several_shards_are_one_transaction_in_stream_order() => Run(async node =>
    {
        var faults = new JournalFaults();
        var watched = await new SimulatedNode(node.World, node.Store, faults, SimulatedNode.Options(8)).StartAsync();
        var appends = faults.Appends.Count;
        await watched.AppliedAsync([.. Enumerable.Range(0, 6).Select(i => Make.Put("d" + i, "h" + i + ".example"))]);
        var append = Assert.Single(faults.Appends.Skip(appends));
        var streams = append.Streams.Select(s => s.Fence.Stream).ToArray();
        Assert.True(streams.Length >= 4);
        Assert.Equal(streams.Order(StringComparer.Ordinal), streams);
        Assert.Equal(Streams.Vips, streams[^1]);
        Assert.Equal(6, watched.Leases().Count);
    });

    [Fact]
    public void One_document_that_cannot_be_refuses_all_of_them() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("there", "there.example"));
        await RefusedAsync(node, RefusalReason.VersionMismatch, Make.Request(Make.Put("a", "a.example"), Make.Put(Make.Entry("there", "b.example"), ifMatch: 99), Make.Put("c", "c.example")));
        await RefusedAsync(node, RefusalReason.PoolExhausted, Make.Request(Make.Put(Make.Entry("a", ["a.example"], ["10.0.0.1"])), Make.Put(Make.Entry("many", Hosts("m", 40)))));
        Assert.Single(node.Documents());
    });

    [Fact]
    public void The_reply_has_actions_versions_and_addresses_per_document() => Run(async node =>
    {
        var created = await node.AppliedAsync(Make.Put("a", "a.example"), Make.Put(Make.Entry("b", ["b.example"], ["10.0.0.1"])));
        Assert.Equal([DocumentAction.Created, DocumentAction.Created], created.Results.Select(r => r.Action));
        Assert.Equal([new HostAddress(HostName.Parse("a.example"), "240.240.0.1"), new HostAddress(HostName.Parse("a.example"), "2001:2::1")], created.Results[0].Addresses);
        Assert.Empty(created.Results[1].Addresses);
        Assert.All(created.Results, r => Assert.True(r.Version > 0));
        Assert.Equal(node.Store.Ownership.Where(o => o.Seq > 0).ToDictionary(o => o.Stream, o => o.Seq), created.Position);
        var changed = await node.AppliedAsync(Make.Put(Make.Entry("a", ["a.example"], port: 81)), Make.Delete("b"), Make.Delete("never"));
        Assert.Equal([DocumentAction.Configured, DocumentAction.Deleted, DocumentAction.Absent], changed.Results.Select(r => r.Action));
        Assert.Equal(0, changed.Results[1].Version);
        Assert.Equal("240.240.0.1", changed.Results[0].Addresses[0].Value);
    });

    [Fact]
    public void An_unchanged_apply_writes_no_event() => Run(async node =>
    {
        var documents = new[] { Make.Put("a", "a.example", "b.example"), Make.Put(Make.Entry("c", ["c.example"], ["240.240.0.9"])) };
        var first = await node.AppliedAsync(documents);
        var before = node.Events();
        var again = await node.AppliedAsync(documents);
        Assert.All(again.Results, r => Assert.Equal(DocumentAction.Unchanged, r.Action));
        Assert.Equal(first.Results.Select(r => r.Version), again.Results.Select(r => r.Version));
        Assert.Equal(first.Results[0].Addresses, again.Results[0].Addresses);
        Assert.Equal(before, node.Events());
    });

    [Fact]
    public void A_dry_run_decides_everything_and_writes_nothing() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("a", "a.example"));
        var before = node.Events();
        var dry = await node.ChangeAsync(new ChangeRequest { DryRun = true, IdempotencyKey = "k", Changes = [Make.Put("b", "b.example"), Make.Delete("a")] });
        Assert.Equal(ChangeOutcome.Applied, dry!.Outcome);
        Assert.Equal([DocumentAction.Created, DocumentAction.Deleted], dry.Results.Select(r => r.Action));
        Assert.Equal("240.240.0.2", dry.Results[0].Addresses[0].Value);
        Assert.Empty(dry.Position);
        Assert.Equal(before, node.Events());
        await RefusedAsync(node, RefusalReason.PoolExhausted, new ChangeRequest { DryRun = true, Changes = [Make.Put(Make.Entry("many", Hosts("m", 40)))] });
        await RefusedAsync(node, RefusalReason.NotFound, new ChangeRequest { DryRun = true, MustExist = true, Changes = [Make.Delete("never")] });
        // It held streams and has let them go, at once.
        var began = node.World.Clock.Elapsed;
        await node.AppliedAsync(Make.Put("b", "b.example"));
        Assert.True(node.World.Clock.Elapsed - began < TimeSpan.FromSeconds(1));
    });

    [Fact]
    public void If_Match_takes_exactly_the_version_and_0_means_absent() => Run(async node =>
    {
        var version = (await node.AppliedAsync(Make.Put(Make.Entry("a", "a.example"), ifMatch: 0))).Results[0].Version;
        var refused = await RefusedAsync(node, RefusalReason.VersionMismatch, Make.Request(Make.Put(Make.Entry("a", "b.example"), ifMatch: 0)));
        Assert.Equal(Make.Key("a"), refused.Document);
        await RefusedAsync(node, RefusalReason.VersionMismatch, Make.Request(Make.Put(Make.Entry("a", "b.example"), ifMatch: version + 1)));
        await RefusedAsync(node, RefusalReason.VersionMismatch, Make.Request(Make.Delete("a", ifMatch: version + 1)));
        await RefusedAsync(node, RefusalReason.VersionMismatch, Make.Request(Make.Delete("never", ifMatch: 3)));
        await node.AppliedAsync(Make.Put(Make.Entry("a", "b.example"), ifMatch: version));
    });

    [Fact]
    public void A_version_never_comes_back_not_even_after_a_deletion() => Run(async node =>
    {
        var seen = new HashSet<(string, long)>();
        for (var i = 0; i < 6; i++)
        {
            foreach (var result in (await node.AppliedAsync(Make.Put(Make.Entry("a", ["a.example"], port: 80 + i)), Make.Put(Make.Entry("b", ["b.example"], port: 80 + i)))).Results)
                Assert.True(seen.Add((result.Key.Name, result.Version)), $"{result.Key} had version {result.Version} before");
            await node.AppliedAsync(Make.Delete("a"));
        }
        var stale = await node.AppliedAsync(Make.Put("a", "a.example"));
        await node.AppliedAsync(Make.Delete("a"));
        var back = await node.AppliedAsync(Make.Put("a", "a.example"));
        await RefusedAsync(node, RefusalReason.VersionMismatch, Make.Request(Make.Delete("a", ifMatch: stale.Results[0].Version)));
        Assert.NotEqual(stale.Results[0].Version, back.Results[0].Version);
    });

    [Fact]
    public void A_document_of_another_source_is_left_alone_until_it_is_taken_over() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("a", "a.example"));
        var refused = await RefusedAsync(node, RefusalReason.OtherSource, new ChangeRequest { Source = "file:x", Changes = [Make.Put("a", "a.example")] });
        Assert.Contains("'api'", refused.Detail, StringComparison.Ordinal);
        await RefusedAsync(node, RefusalReason.OtherSource, new ChangeRequest { Source = "file:x", Changes = [Make.Delete("a")] });
        var taken = await node.ChangeAsync(new ChangeRequest { Source = "file:x", TakeOver = true, Changes = [Make.Put("a", "a.example")] });
        Assert.Equal(DocumentAction.Configured, Assert.Single(taken!.Results).Action);
        Assert.Equal("file:x", node.Documents()[Make.Key("a")].Source);
        Assert.Equal(1, node.LeaseOf("a.example"));
        await RefusedAsync(node, RefusalReason.OtherSource, Make.Request(Make.Delete("a")));
    });

    [Fact]
    public void Deleting_what_is_not_there_is_refused_or_absent_as_asked() => Run(async node =>
    {
        var before = node.Events();
        await RefusedAsync(node, RefusalReason.NotFound, new ChangeRequest { MustExist = true, Changes = [Make.Delete("never")] });
        Assert.Equal(DocumentAction.Absent, Assert.Single((await node.AppliedAsync(Make.Delete("never"))).Results).Action);
        Assert.Equal(before, node.Events());
    });

    public static TheoryData<string> Malformed => ["empty", "twice", "mislabelled", "key-empty", "key-long", "key-control"];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_request_that_contradicts_itself_is_invalid(string how) => Run(async node =>
    {
        var put = Make.Put("a", "a.example");
        var request = how switch
        {
            "empty" => Make.Request(),
            "twice" => Make.Request(put, Make.Delete("a")),
            "mislabelled" => Make.Request(put with { Key = Make.Key("b") }),
            "key-empty" => Make.Request(put) with { IdempotencyKey = "" },
            "key-long" => Make.Request(put) with { IdempotencyKey = new string('k', 129) },
            _ => Make.Request(put) with { IdempotencyKey = "a\nb" },
        };
        await RefusedAsync(node, RefusalReason.Invalid, request);
    });

    [Fact]
    public void A_full_pool_says_how_full_it_is_and_room_made_is_room_taken() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put(Make.Entry("reserve", ["r.example"], ["240.240.0.1"])));
        await node.AppliedAsync(Make.Put(Make.Entry("many", Hosts("m", 13))));
        var capacity = node.Mesh.Options.Range.Capacity;
        await node.AppliedAsync(Make.Put(Make.Entry("rest", Hosts("n", capacity - 14))));
        var refused = await RefusedAsync(node, RefusalReason.PoolExhausted, Make.Request(Make.Put("one", "one.example")));
        foreach (var part in new[] { "exhausted", $"of {capacity} (capacity)", $"{capacity - 1} are used", "0 quarantined", "1 reserved" }) Assert.Contains(part, refused.Detail, StringComparison.Ordinal);
        await node.AppliedAsync(Make.Delete("many"));
        await RefusedAsync(node, RefusalReason.PoolExhausted, Make.Request(Make.Put("one", "one.example")));
        await node.World.PassAsync(TimeSpan.FromHours(1));
        await node.AppliedAsync(Make.Put("one", "one.example"));
    });

    [Fact]
    public void Two_documents_that_declare_a_host_share_its_VIP_until_the_last_eligible_one_goes() => Run(async node =>
    {
        var first = Make.Entry("a", ["shared.example"], ns: "one");
        var second = Make.Entry("b", ["shared.example"], ns: "two");
        var index = (await node.AppliedAsync(Make.Put(first))).Results[0].Addresses[0].Value;
        await node.World.PassAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(index, (await node.AppliedAsync(Make.Put(second))).Results[0].Addresses[0].Value);
        var record = await node.Mesh.Control.GetHostAsync(HostName.Parse("shared.example"), CancellationToken.None);
        Assert.Equal(["one", "two"], record!.Records.Select(r => r.Namespace));
        await node.AppliedAsync(Make.Delete("a", "one"));
        Assert.Equal(1, node.LeaseOf("shared.example"));
        await node.AppliedAsync(Make.Put(Make.Entry("b", ["shared.example"], ns: "two", optOut: true)));
        Assert.Null(node.LeaseOf("shared.example"));
        await node.AppliedAsync(Make.Put(second));
        Assert.Equal(1, node.LeaseOf("shared.example"));
        await node.AppliedAsync(Make.Delete("b", "two"));
        Assert.Null(node.LeaseOf("shared.example"));
        Assert.Null(await node.Mesh.Control.GetHostAsync(HostName.Parse("shared.example"), CancellationToken.None));
    });

    [Fact]
    public void A_host_that_moves_between_documents_of_one_change_keeps_its_VIP_and_is_not_released() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("a", "moving.example"));
        var before = node.Seq(Streams.Vips);
        await node.AppliedAsync(Make.Delete("a"), Make.Put("b", "moving.example"));
        await node.AppliedAsync(Make.Put("a", "moving.example"), Make.Put("b", "other.example"));
        Assert.Equal(1, node.LeaseOf("moving.example"));
        Assert.Equal(before + 1, node.Seq(Streams.Vips));
    });

    [Fact]
    public void Ports_that_conflict_within_a_namespace_are_warned_about_and_the_older_wins() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("a", "shared.example"));
        await node.World.PassAsync(TimeSpan.FromSeconds(1));
        var other = Make.Entry("b", "shared.example");
        other = other with { ServiceEntry = other.ServiceEntry! with { Ports = [new ServicePort(80, "other", "TCP", null)] } };
        var reply = await node.AppliedAsync(Make.Put(other));
        Assert.Contains("ServiceEntry/default/a, wins", Assert.Single(reply.Results[0].Warnings), StringComparison.Ordinal);
        Assert.Empty((await node.AppliedAsync(Make.Put(other with { Key = Make.Key("b", "elsewhere") }), Make.Delete("b"))).Results[1].Warnings);
    });

    [Fact]
    public void The_same_port_over_tcp_and_udp_is_no_conflict() => Run(async node =>
    {
        var dns = Make.Entry("kube-dns", "dns.example");
        dns = dns with { ServiceEntry = dns.ServiceEntry! with { Ports = [new ServicePort(53, "dns", "UDP", null), new ServicePort(53, "dns-tcp", "TCP", null)] } };
        Assert.Empty((await node.AppliedAsync(Make.Put(dns))).Results[0].Warnings);
        var other = dns with { Key = Make.Key("other"), ServiceEntry = dns.ServiceEntry with { Ports = [new ServicePort(53, "dns-tcp", "TCP", null)] } };
        Assert.Empty((await node.AppliedAsync(Make.Put(other))).Results[0].Warnings);
    });

    [Fact]
    public void An_explicit_address_moves_its_holder_in_the_same_transaction_and_says_so() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("a", "a.example"));
        var before = node.Store.Facts.Count;
        var reply = await node.AppliedAsync(Make.Put(Make.Entry("b", ["b.example"], ["240.240.0.1"])));
        Assert.Equal(2, node.LeaseOf("a.example"));
        Assert.Contains(reply.Results[0].Warnings, w => w.Contains("a.example moved to another VIP", StringComparison.Ordinal) && w.Contains("b.example declares the address 240.240.0.1", StringComparison.Ordinal));
        var facts = node.Store.Facts.Skip(before).ToArray();
        Assert.Single(facts.Select(f => f.CommittedAt).Distinct());
        Assert.Contains(facts, f => f.Fact is VipReleased { Index: 1, Reason: ReleaseReason.Evicted });
        Assert.Contains(facts, f => f.Fact is VipGranted { Index: 2 });
        await node.CaughtUpAsync();
        Assert.Null(node.Directory.HolderOf(1));
        Assert.Equal("a.example", node.Directory.HolderOf(2)!.Host.Text);
    });

    [Fact]
    public void Both_sides_of_a_move_within_one_change_are_told() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("a", "a.example"));
        var reply = await node.AppliedAsync(Make.Put(Make.Entry("a", ["a.example"], port: 81)), Make.Put(Make.Entry("b", ["b.example"], ["240.240.0.1"])));
        Assert.Contains(reply.Results[0].Warnings, w => w.Contains("moved", StringComparison.Ordinal));
        Assert.Equal("240.240.0.2", reply.Results[0].Addresses[0].Value);
    });

    [Fact]
    public void A_CIDR_moves_everyone_it_covers_or_is_refused_whole() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put(Make.Entry("a", Hosts("a", 3))));
        var cidr = Make.Entry("c", ["c.example"], ["240.240.0.0/30"], Resolution.None);
        await node.AppliedAsync(Make.Put(cidr));
        Assert.All(node.Leases().Values, index => Assert.True(index > 3));
        await node.AppliedAsync(Make.Put(Make.Entry("more", Hosts("m", 8))));
        await RefusedAsync(node, RefusalReason.PoolExhausted, Make.Request(Make.Put(Make.Entry("d", ["d.example"], ["240.240.0.8/29"], Resolution.None))));
        var whole = await node.AppliedAsync(Make.Put(Make.Entry("w", ["w.example"], ["240.240.0.0/16"], Resolution.None)));
        Assert.Contains(whole.Results[0].Warnings, w => w.Contains("excludes nothing", StringComparison.Ordinal));
    });

    [Fact]
    public void VIPs_are_given_in_the_order_in_which_a_person_wrote_the_hosts() => Run(async node =>
    {
        var hosts = new[] { "z.example", "m.example", "a.example", "k.example" };
        await node.AppliedAsync(Make.Put(Make.Entry("second-by-name", hosts[..2])), Make.Put(Make.Entry("first-by-name", hosts[2..])));
        Assert.Equal([1, 2, 3, 4], hosts.Select(h => node.LeaseOf(h)!.Value));
    });

    [Fact]
    public void Wildcards_get_a_VIP_only_under_DYNAMIC_DNS() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put("a", "*.a.example"), Make.Put(Make.Entry("b", ["*.b.example"], resolution: Resolution.DynamicDns)));
        Assert.Null(node.LeaseOf("*.a.example"));
        Assert.NotNull(node.LeaseOf("*.b.example"));
    });

    [Fact]
    public void The_most_documents_that_may_declare_one_host_is_bounded() => Run(async node =>
    {
        await node.AppliedAsync([.. Enumerable.Range(0, 256).Select(i => Make.Put("d" + i, "popular.example"))]);
        await RefusedAsync(node, RefusalReason.Invalid, Make.Request(Make.Put("one-more", "popular.example")));
        await node.AppliedAsync(Make.Delete("d7"), Make.Put("one-more", "popular.example"));
    });

    [Fact]
    public void A_Service_is_declared_under_the_cluster_domain_and_gets_no_VIP() => Run(async node =>
    {
        await node.AppliedAsync(Make.Put(Make.Service("web", "shop", "10.1.2.3")));
        await node.CaughtUpAsync();
        var host = Assert.Single(node.Directory.Hosts);
        Assert.Equal("web.shop.svc.cluster.local", host.Host.Text);
        Assert.Empty(node.Leases());
    });
}
