using MeshDns.Actors.Directory;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;
using MeshDns.Tests.Shared;
using static MeshDns.Tests.Shared.DirectoryFacts;

namespace MeshDns.Actors.Tests.Directory;

public sealed class MeshDirectoryTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly List<string> _violations = [];
    private readonly MeshDirectory _directory;

    public MeshDirectoryTests() =>
        _directory = new MeshDirectory(VipRange.Default, new MeshZones([HostName.Parse("mesh.internal"), HostName.Parse("cluster.local")]), ShardCount, _time, _violations.Add);

    [Fact]
    public void A_new_directory_knows_nothing()
    {
        Assert.False(_directory.IsLoaded);
        Assert.Null(Find("a.example").Entry);
        Assert.False(_directory.HasNamesBelow(Wire("mesh.internal"), ClientView.Default));
    }

    [Fact]
    public void A_name_is_found_by_its_hash_however_it_was_spelt_when_it_was_hashed()
    {
        var names = Enumerable.Range(0, 500).Select(i => $"n{i}.mesh.internal").ToArray();
        _directory.Apply(Batch(1, [.. names.Select(n => Declare(n, ["10.0.0.1"]))]));
        _directory.Apply(Batch(2, [.. names.Where((_, i) => i % 3 == 0).Select(n => Withdraw(n))]));
        var hashes = names.Select(n => _directory.HashOf(Wire(n))).ToArray();
        Assert.Equal(hashes, names.Select(n => _directory.HashOf(Spelt(n.ToUpperInvariant()))));
        _directory.PrefetchExact(hashes);
        for (var i = 0; i < names.Length; i++)
            Assert.Equal(i % 3 != 0, _directory.FindExact(Wire(names[i]), hashes[i], ClientView.Default).Entry is not null);

        static byte[] Spelt(string name) => [.. name.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. System.Text.Encoding.ASCII.GetBytes(label)]), 0];
    }

    [Fact]
    public void Other_zones_hold_for_every_name_that_is_there()
    {
        // Declared without an address: such a name exists in a mesh zone and nowhere else.
        _directory.Apply(Batch(1, Declare("a.b.mesh.internal"), Declare("a.b.two.internal")));
        Assert.True(_directory.HasNamesBelow(Wire("b.mesh.internal"), ClientView.Default));
        Assert.False(_directory.HasNamesBelow(Wire("b.two.internal"), ClientView.Default));
        Assert.Null(_directory.Shared);
        Assert.Equal(uint.MaxValue, _directory.LargestTtl);
        _directory.Apply(Batch(2, new SettingsChanged(20_000, ["two.internal"], "cluster.local") { At = 1 }));
        Assert.False(_directory.HasNamesBelow(Wire("b.mesh.internal"), ClientView.Default));
        Assert.True(_directory.HasNamesBelow(Wire("b.two.internal"), ClientView.Default));
        Assert.True(_directory.HasNamesBelow(Wire("two.internal"), ClientView.Default) && _directory.Zones.Contains(Wire("two.internal")) && _directory.Zones.Contains(Wire("240.240.in-addr.arpa")));
        _directory.Apply(Batch(3, Withdraw("a.b.two.internal"), Withdraw("a.b.mesh.internal")));
        Assert.False(_directory.HasNamesBelow(Wire("b.two.internal"), ClientView.Default));
    }

    [Fact]
    public void The_quarantine_and_the_other_settings_come_in_any_order()
    {
        _directory.Apply(Batch(1, new SettingsChanged(20_000, [], "cluster.local") { At = 1 }));
        Assert.Equal((86_400_000, TimeSpan.FromHours(24) - TimeSpan.FromSeconds(40)), (_directory.Shared!.QuarantineMs, _directory.Shared.MaxAge));
        _directory.Apply(Batch(2, new QuarantineChanged(600_000) { At = 1 }));
        _directory.Apply(Batch(3, new SettingsChanged(10_000, [], "cluster.local") { At = 1 }));
        Assert.Equal((600_000, 10_000, 10u), (_directory.Shared.QuarantineMs, _directory.Shared.LargestTtlMs, _directory.LargestTtl));
    }

    [Fact]
    public void Age_is_the_time_since_the_last_read()
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        _directory.Apply(Batch(now));
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.True(_directory.IsLoaded);
        Assert.Equal(TimeSpan.FromSeconds(7), _directory.Age);
        _directory.Apply(Batch(now + 60_000));
        Assert.Equal(TimeSpan.Zero, _directory.Age);
    }

    [Fact]
    public void Age_goes_on_when_the_clock_is_set()
    {
        _directory.Apply(Batch(_time.GetUtcNow().ToUnixTimeMilliseconds()));
        _time.StepUtc(TimeSpan.FromHours(-3));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(TimeSpan.FromMinutes(2), _directory.Age);
        _time.StepUtc(TimeSpan.FromHours(30));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(TimeSpan.FromMinutes(3), _directory.Age);
    }

    [Fact]
    public void A_restored_directory_is_as_old_as_the_wall_clock_says_and_grows_no_younger()
    {
        var saved = _time.GetUtcNow().ToUnixTimeMilliseconds() - 60_000;
        _directory.Restore(new DirectoryImage([], DirectoryPosition.None, saved));
        Assert.Equal(TimeSpan.FromMinutes(1), _directory.Age);
        _time.StepUtc(TimeSpan.FromHours(-3));
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(TimeSpan.FromMinutes(3), _directory.Age);
        _time.StepUtc(TimeSpan.FromHours(4));
        Assert.Equal(TimeSpan.FromMinutes(63), _directory.Age);
        _directory.Apply(Batch(saved + 120_000));
        Assert.Equal(TimeSpan.Zero, _directory.Age);
    }

    [Theory]
    [InlineData(59, false)]
    [InlineData(61, true)]
    [InlineData(5 * 3600, true)]
    public void A_saved_directory_from_later_than_the_clock_is_of_no_known_age(int seconds, bool isExpired)
    {
        _directory.Restore(new DirectoryImage([], DirectoryPosition.None, _time.GetUtcNow().ToUnixTimeMilliseconds() + (seconds * 1000L)));
        Assert.Equal(isExpired, _directory.Age > TimeSpan.FromDays(1000));
        if (!isExpired) Assert.Equal(TimeSpan.Zero, _directory.Age);
    }

    [Fact]
    public void A_declared_host_is_found_with_its_addresses()
    {
        Apply(Declare("a.example", ["10.0.0.1", "2001:db8::1", "10.0.0.2", "10.1.0.0/16"]));
        var match = Find("a.example");
        Assert.Equal(AnswerSource.Explicit, match.Choice.Source);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], Addresses(match, v6: false));
        Assert.Equal(["2001:db8::1"], Addresses(match, v6: true));
    }

    [Fact]
    public void A_host_with_CIDRs_only_is_declared_but_has_no_address()
    {
        Apply(Declare("a.example", ["10.1.0.0/16"]));
        Assert.Equal(AnswerSource.NoAddress, Find("a.example").Choice.Source);
    }

    [Fact]
    public void An_eligible_host_answers_with_its_lease_once_it_has_one()
    {
        Apply(Declare("a.example", eligible: true));
        Assert.Equal(AnswerSource.NoAddress, Find("a.example").Choice.Source);
        Apply(Grant(0x0102, "a.example"));
        var match = Find("a.example");
        Assert.Equal(AnswerSource.Vip, match.Choice.Source);
        Assert.Equal(0x0102, match.Entry!.VipIndex);
        Assert.Equal("a.example", _directory.HolderOf(0x0102)!.Host.Text);
        Assert.Equal(1, _directory.Leases);
    }

    [Fact]
    public void A_lease_may_come_before_the_declaration()
    {
        Apply(Grant(0x0102, "a.example"));
        Assert.Null(Find("a.example").Entry);
        Assert.Equal(0, _directory.Names);
        Apply(Declare("a.example", eligible: true));
        Assert.Equal(AnswerSource.Vip, Find("a.example").Choice.Source);
    }

    [Fact]
    public void Withdrawing_the_last_declaration_forgets_the_host()
    {
        Apply(Declare("a.example", eligible: true), Grant(1, "a.example"));
        Apply(Withdraw("a.example"), Release(1, "a.example"));
        Assert.Null(Find("a.example").Entry);
        Assert.Null(_directory.HolderOf(1));
        Assert.Equal(0, _directory.Names);
        Assert.Empty(_directory.Hosts);
        Assert.Empty(_violations);
    }

    [Fact]
    public void Declaring_again_replaces_what_the_document_said()
    {
        Apply(Declare("a.example", ["10.0.0.1"]));
        Apply(Declare("a.example", ["10.0.0.2"]));
        Assert.Equal(["10.0.0.2"], Addresses(Find("a.example"), v6: false));
        Assert.Equal(1, Find("a.example").Entry!.Declarations.Length);
    }

    [Fact]
    public void One_host_per_VIP_a_second_grant_is_told_and_not_served()
    {
        Apply(Declare("a.example", eligible: true), Declare("b.example", eligible: true), Grant(1, "a.example"), Grant(1, "b.example"));
        Assert.Equal(AnswerSource.Vip, Find("a.example").Choice.Source);
        Assert.Equal(AnswerSource.NoAddress, Find("b.example").Choice.Source);
        Assert.Single(_violations);
        Assert.Equal(1, _directory.Violations);
    }

    [Fact]
    public void One_VIP_per_host_a_second_one_is_told_and_not_served()
    {
        Apply(Declare("a.example", eligible: true), Grant(1, "a.example"), Grant(2, "a.example"));
        Assert.Equal(1, Find("a.example").Entry!.VipIndex);
        Assert.Null(_directory.HolderOf(2));
        Assert.Single(_violations);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(-5)]
    [InlineData(70000)]
    public void An_index_that_is_no_VIP_is_told_and_not_served(int index)
    {
        Apply(Declare("a.example", eligible: true), Grant(index, "a.example"));
        Assert.Equal(AnswerSource.NoAddress, Find("a.example").Choice.Source);
        Assert.Single(_violations);
    }

    [Fact]
    public void A_VIP_moves_from_one_host_to_another_within_a_batch()
    {
        Apply(Declare("a.example", eligible: true), Declare("b.example", eligible: true), Grant(1, "a.example"));
        Apply(Release(1, "a.example"), Grant(2, "a.example"), Grant(1, "b.example"));
        Assert.Equal((2, 1), (Find("a.example").Entry!.VipIndex, Find("b.example").Entry!.VipIndex));
        Assert.Equal("b.example", _directory.HolderOf(1)!.Host.Text);
        Assert.Empty(_violations);
    }

    [Fact]
    public void A_chain_of_moves_and_a_ring_of_moves_end_right()
    {
        Apply(Declare("a.x", eligible: true), Declare("b.x", eligible: true), Declare("c.x", eligible: true), Grant(1, "a.x"), Grant(2, "b.x"), Grant(3, "c.x"));
        Apply(Release(1, "a.x"), Release(2, "b.x"), Release(3, "c.x"), Grant(2, "a.x"), Grant(3, "b.x"), Grant(4, "c.x"));
        Assert.Equal([2, 3, 4], new[] { "a.x", "b.x", "c.x" }.Select(h => Find(h).Entry!.VipIndex));
        Apply(Release(2, "a.x"), Release(3, "b.x"), Release(4, "c.x"), Grant(3, "a.x"), Grant(4, "b.x"), Grant(2, "c.x"));
        Assert.Equal([3, 4, 2], new[] { "a.x", "b.x", "c.x" }.Select(h => Find(h).Entry!.VipIndex));
        Assert.Equal(["c.x", "a.x", "b.x"], new[] { 2, 3, 4 }.Select(i => _directory.HolderOf(i)!.Host.Text));
        Assert.Equal(3, _directory.Leases);
    }

    [Fact]
    public void A_reset_stream_is_dropped_before_the_facts()
    {
        Apply(Declare("a.example", eligible: true), Declare("b.example", eligible: true), Grant(1, "a.example"), Grant(2, "b.example"));
        var streamOfA = Streams.Shard(Streams.ShardOf(HostName.Parse("a.example"), ShardCount), ShardCount);
        _directory.Apply(Reset([streamOfA]));
        Assert.Null(Find("a.example").Entry);
        Assert.NotNull(Find("b.example").Entry);
        Assert.Equal(2, _directory.Leases);
        _directory.Apply(Reset([Streams.Vips], Grant(3, "b.example")));
        Assert.Equal(3, Find("b.example").Entry!.VipIndex);
        Assert.Null(_directory.HolderOf(1));
        _directory.Apply(Reset([.. Streams.All(ShardCount)]));
        Assert.Empty(_directory.Hosts);
        Assert.Equal((0, 0), (_directory.Names, _directory.Leases));
        Assert.Empty(_violations);
    }

    [Fact]
    public void The_longest_wildcard_wins_and_never_its_suffix()
    {
        Apply(Declare("*.example", ["10.0.0.1"]), Declare("*.a.example", ["10.0.0.2"]));
        Assert.Equal(["10.0.0.1"], Addresses(_directory.FindWildcard(Wire("b.example"), ClientView.Default), false));
        Assert.Equal(["10.0.0.1"], Addresses(_directory.FindWildcard(Wire("a.example"), ClientView.Default), false));
        Assert.Equal(["10.0.0.2"], Addresses(_directory.FindWildcard(Wire("b.a.example"), ClientView.Default), false));
        Assert.Equal(["10.0.0.2"], Addresses(_directory.FindWildcard(Wire("c.b.a.example"), ClientView.Default), false));
        Assert.Null(_directory.FindWildcard(Wire("example"), ClientView.Default).Entry);
        Assert.Null(_directory.FindWildcard(Wire("b.sample"), ClientView.Default).Entry);
        Assert.Null(Find("a.example").Entry);
        Apply(Withdraw("*.a.example"));
        Assert.Equal(["10.0.0.1"], Addresses(_directory.FindWildcard(Wire("b.a.example"), ClientView.Default), false));
    }

    [Fact]
    public void Names_above_declared_ones_exist_RFC_8020()
    {
        Apply(Declare("a.b.c.mesh.internal", ["10.0.0.1"]), Declare("*.w.mesh.internal", ["10.0.0.1"]), Declare("x.y.example", ["10.0.0.1"]), Declare("*.v.example", ["10.0.0.1"]));
        AssertAbove(true, "b.c.mesh.internal", "c.mesh.internal", "w.mesh.internal", "y.example", "v.example", "example");
        AssertAbove(false, "a.b.c.mesh.internal", "d.mesh.internal", "x.y.example", "z.v.example", "b.c", "ample");
        Apply(Declare("z.c.mesh.internal"), Withdraw("a.b.c.mesh.internal"), Withdraw("*.w.mesh.internal"), Withdraw("x.y.example"));
        AssertAbove(true, "c.mesh.internal", "v.example", "example");
        AssertAbove(false, "b.c.mesh.internal", "w.mesh.internal", "y.example");
        Apply(Withdraw("*.v.example"));
        AssertAbove(false, "v.example", "example");
    }

    [Fact]
    public void The_names_above_a_mesh_zone_exist_whatever_is_declared()
    {
        AssertAbove(true, "internal");
        Apply(Declare("x.internal", ["10.0.0.1"]));
        Apply(Withdraw("x.internal"));
        AssertAbove(true, "internal");
    }

    [Fact]
    public void Outside_the_zones_only_what_is_answered_makes_the_names_above_it_exist()
    {
        Apply(Declare("none.a.example"), Declare("none.a.mesh.internal"), Declare("vip.b.example", eligible: true));
        AssertAbove(true, "a.mesh.internal");
        AssertAbove(false, "a.example", "b.example");
        Apply(Grant(1, "vip.b.example"));
        AssertAbove(true, "b.example");
        Apply(Declare("vip.b.example"));
        AssertAbove(false, "b.example");
    }

    [Fact]
    public void A_name_exists_for_those_who_see_what_is_below_it()
    {
        Apply(Declare("x.y.example", ["10.0.0.1"], ns: "prod", exportTo: [".", "test"]), Declare("z.y.mesh.internal", ns: "prod", exportTo: ["~"]));
        AssertAbove(false, "y.example", "y.mesh.internal");
        foreach (var (ns, isSeen) in new[] { ("prod", true), ("test", true), ("other", false) }) Assert.Equal(isSeen, _directory.HasNamesBelow(Wire("y.example"), new ClientView(ns, true)));
        Apply(Declare("x.y.example", ["10.0.0.1"], ns: "prod", exportTo: ["test"]));
        Assert.False(_directory.HasNamesBelow(Wire("y.example"), new ClientView("prod", true)));
        Apply(Declare("x.y.example", ["10.0.0.1"], ns: "prod"));
        AssertAbove(true, "y.example");
        Apply(Withdraw("x.y.example", ns: "prod"));
        foreach (var ns in new[] { null, "prod", "test" }) Assert.False(_directory.HasNamesBelow(Wire("y.example"), new ClientView(ns, true)));
    }

    [Theory]
    [InlineData("", null, true)]
    [InlineData("*", null, true)]
    [InlineData(".", null, false)]
    [InlineData(".", "prod", true)]
    [InlineData(".", "test", false)]
    [InlineData("test", "test", true)]
    [InlineData("test", null, false)]
    [InlineData("test", "prod", false)]
    public void A_record_is_visible_where_it_is_exported_to(string exportTo, string? clientNamespace, bool isVisible)
    {
        Apply(Declare("a.example", ["10.0.0.1"], ns: "prod", exportTo: exportTo.Length == 0 ? [] : [exportTo]));
        Assert.Equal(isVisible, Find("a.example", clientNamespace).Entry is not null);
    }

    [Fact]
    public void The_clients_namespace_answers_first_then_the_oldest_visible_record()
    {
        Apply(
            Declare("a.example", ["10.0.0.1"], ns: "old", created: 1),
            Declare("a.example", ["10.0.0.2"], ns: "young", created: 2),
            Declare("a.example", ["10.0.0.3"], ns: "hidden", created: 0, exportTo: ["."]));
        Assert.Equal(["10.0.0.1"], Addresses(Find("a.example"), false));
        Assert.Equal(["10.0.0.2"], Addresses(Find("a.example", "young"), false, "young"));
        Assert.Equal(["10.0.0.3"], Addresses(Find("a.example", "hidden"), false, "hidden"));
    }

    [Fact]
    public void A_record_without_an_address_leaves_the_answer_to_one_that_has_one()
    {
        Apply(Declare("a.example", ns: "old", created: 1), Declare("a.example", ["10.0.0.2"], ns: "young", created: 2));
        Assert.Equal(["10.0.0.2"], Addresses(Find("a.example"), false));
        Assert.Equal(["10.0.0.2"], Addresses(Find("a.example", "old"), false, "old"));
    }

    [Fact]
    public void Explicit_addresses_answer_rather_than_the_VIP_within_a_namespace()
    {
        Apply(Declare("a.example", eligible: true, name: "one", created: 1), Declare("a.example", ["10.0.0.2"], name: "two", created: 2), Grant(1, "a.example"));
        Assert.Equal(AnswerSource.Explicit, Find("a.example").Choice.Source);
        Assert.Equal(["10.0.0.2"], Addresses(Find("a.example"), false));
    }

    [Fact]
    public void Declarations_of_a_namespace_unite_without_doubles()
    {
        Apply(Declare("a.example", ["10.0.0.2", "10.0.0.1"], name: "one", created: 1), Declare("a.example", ["10.0.0.1", "10.0.0.3"], name: "two", created: 2));
        Assert.Equal(["10.0.0.2", "10.0.0.1", "10.0.0.3"], Addresses(Find("a.example"), false));
    }

    [Fact]
    public void A_Service_beats_a_ServiceEntry()
    {
        Apply(
            Declare("s.default.svc.cluster.local", ["10.0.0.1"], created: 1),
            Declare("s.default.svc.cluster.local", ["10.0.0.2"], name: "s", created: 9, kind: DocumentKind.Service));
        Assert.Equal(["10.0.0.2"], Addresses(Find("s.default.svc.cluster.local"), false));
    }

    [Fact]
    public void An_ExternalName_is_a_CNAME_unless_it_is_an_address()
    {
        Apply(Declare("s.default.svc.cluster.local", kind: DocumentKind.Service, externalName: "db.example.com"), Declare("t.default.svc.cluster.local", kind: DocumentKind.Service, externalName: "10.0.0.1"));
        Assert.Equal(AnswerSource.Cname, Find("s.default.svc.cluster.local").Choice.Source);
        Assert.Equal(Wire("db.example.com"), Find("s.default.svc.cluster.local").Choice.Record!.Shape.CnameTarget);
        Assert.Equal(AnswerSource.NoAddress, Find("t.default.svc.cluster.local").Choice.Source);
    }

    private void Apply(params MeshEvent[] facts) => _directory.Apply(Batch(1, facts));

    private DirectoryMatch Find(string host, string? clientNamespace = null) => _directory.FindExact(Wire(host), new ClientView(clientNamespace, true));

    private static List<string> Addresses(DirectoryMatch match, bool v6, string? clientNamespace = null)
    {
        var list = match.Entry!.Addresses(match.Choice, new ClientView(clientNamespace, true), v6);
        var addresses = new List<string>();
        for (var i = 0; i < list.Count; i++) if (list.TryGet(i, out var address)) addresses.Add(new System.Net.IPAddress(address).ToString());
        return addresses;
    }

    private void AssertAbove(bool exists, params string[] names)
    {
        foreach (var name in names) Assert.True(exists == _directory.HasNamesBelow(Wire(name), ClientView.Default), name);
    }
}
