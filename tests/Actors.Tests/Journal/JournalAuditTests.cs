using System.Text;
using System.Text.RegularExpressions;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Directory;
using MeshDns.Actors.Journal;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>Each invariant, broken on purpose in the file itself: the audit must see it and name it.</summary>
public sealed class JournalAuditTests : IAsyncLifetime
{
    private static readonly MeshOptions _options = SimulatedNode.Options(shards: 8) with { SnapshotWhenLeaving = 1 };

    private readonly TemporaryDirectory _directory = new();

    // a.example and b.example lease 240.240.0.1 and .2; c.example claims .9; e.example excludes .4/30; gone.example has left .3.
    public async Task InitializeAsync()
    {
        await using var journal = await SqliteJournal.OpenAsync(_directory.Path, TimeProvider.System);
        var system = new ActorSystem(TaskScheduler.Default, TimeProvider.System, new Random(1), (_, _, _, _) => { });
        var mesh = new Mesh(system, journal, _options, new MeshDirectory(_options.Range, _options.Zones, _options.Shards, TimeProvider.System));
        await mesh.StartAsync(CancellationToken.None);
        while (!mesh.IsReady) await Task.Yield();
        foreach (var change in new[]
        {
            Make.Request(Make.Put("ab", "a.example", "b.example"), Make.Put("gone", "gone.example")),
            Make.Request(Make.Put(Make.Entry("c", ["c.example"], ["240.240.0.9"])), Make.Put(Make.Entry("e", ["e.example"], ["240.240.0.4/30"])), Make.Delete("gone")),
        })
            Assert.Equal(ChangeOutcome.Applied, (await mesh.Control.ChangeAsync(change, TimeSpan.FromSeconds(60), CancellationToken.None)).Outcome);
        await mesh.StopAsync();
    }

    public Task DisposeAsync()
    {
        _directory.Dispose();
        return Task.CompletedTask;
    }

    private static string ShardOf(string host) => Streams.Shard(Streams.ShardOf(Contracts.Names.HostName.Parse(host), _options.Shards), _options.Shards);

    private static string ShardOf(DocumentKey key) => Streams.Shard(Streams.ShardOf(key, _options.Shards), _options.Shards);

    private AuditReport Audit() => JournalAudit.Run(SqliteImage.Read(_directory.Path));

    private void Plant(params string[] statements)
    {
        using var file = SqliteFile.Open(_directory.Path);
        foreach (var sql in statements) Assert.True(file.Run(sql) != 0, $"'{sql}' changed nothing");
    }

    private void Breached(string pattern)
    {
        var breaches = Audit().Breaches;
        Assert.True(breaches.Any(b => Regex.IsMatch(b, pattern)), $"no breach like '{pattern}' among:\n{string.Join('\n', breaches)}");
    }

    private void Append(string stream, MeshEvent fact)
    {
        var encoded = EventCodec.Encode(fact);
        Plant($"INSERT INTO event SELECT stream, seq + 1, term, epoch, '{encoded.Kind}', CAST('{Encoding.UTF8.GetString(encoded.Payload)}' AS BLOB) FROM ownership WHERE stream = '{stream}'",
            $"UPDATE ownership SET seq = seq + 1 WHERE stream = '{stream}'");
    }

    private void WithoutSnapshots() => Plant("DELETE FROM snapshot WHERE seq > 0");

    [Fact]
    public void A_journal_in_order_has_no_breach_and_is_counted()
    {
        var report = Audit();
        Assert.Empty(report.Breaches);
        Assert.Equal((9, 3, 4, 2), (report.Streams, report.Documents, report.Hosts, report.Leases));
        Assert.Equal(SqliteImage.Read(_directory.Path).Streams.Sum(s => s.Owner.Seq), report.Events);
    }

    [Fact]
    public void A_gap_in_a_stream()
    {
        Plant("DELETE FROM event WHERE stream = 'vips' AND seq = 2");
        Breached("^vips has a gap: 3 where 2 was expected$");
    }

    [Fact]
    public void A_gap_in_one_shard_is_not_blamed_on_the_others()
    {
        Plant($"DELETE FROM event WHERE stream = '{ShardOf(Make.Key("ab"))}' AND seq = 1");
        var breaches = Audit().Breaches;
        Assert.Contains(breaches, b => b.Contains("has a gap", StringComparison.Ordinal));
        Assert.DoesNotContain(breaches, b => b.Contains("where it does not belong", StringComparison.Ordinal));
    }

    [Fact]
    public void A_missing_end()
    {
        WithoutSnapshots();
        Plant("DELETE FROM event WHERE stream = 'vips' AND seq = (SELECT seq FROM ownership WHERE stream = 'vips')");
        Breached("^vips ends at .*, but its ownership row says");
    }

    [Fact]
    public void A_wrong_ownership_seq()
    {
        Plant("UPDATE ownership SET seq = seq + 5 WHERE stream = 'vips'");
        Breached("^vips ends at .*, but its ownership row says");
    }

    [Fact]
    public void An_epoch_that_goes_back()
    {
        Plant("UPDATE event SET epoch = 0 WHERE stream = 'vips' AND seq = 3");
        Breached("^vips 3 was written at epoch 0, after 1");
    }

    [Fact]
    public void An_epoch_beyond_the_owners()
    {
        Plant("UPDATE event SET epoch = 9 WHERE stream = 'vips'");
        Breached("^vips 1 was written at epoch 9");
    }

    [Fact]
    public void A_stream_without_an_owner()
    {
        Plant("DELETE FROM ownership WHERE stream = 'vips'");
        Breached("^vips has events but no ownership row$");
    }

    [Fact]
    public void A_stream_that_is_gone_altogether()
    {
        var empty = SqliteImage.Read(_directory.Path).Streams.First(s => s.Owner.Seq == 0).Owner.Stream;
        Plant($"DELETE FROM ownership WHERE stream = '{empty}'");
        Breached($"^{empty} is missing$");
    }

    [Fact]
    public void A_stream_that_nobody_knows()
    {
        Plant("INSERT INTO ownership SELECT 'shard-77', owner, incarnation, term, epoch, 0 FROM ownership WHERE stream = 'vips'");
        Breached("^shard-77 is not a stream of 8 shards$");
    }

    [Theory]
    [InlineData("{ damaged")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("[1,2]")]
    public void An_event_that_cannot_be_read(string payload)
    {
        var stream = ShardOf("a.example");
        Plant($"UPDATE event SET payload = CAST('{payload}' AS BLOB) WHERE stream = '{stream}' AND kind = 'host-declared.1'");
        Breached($"^{stream} \\d+ cannot be replayed: ");
    }

    [Fact]
    public void An_event_of_an_unknown_kind()
    {
        Plant("UPDATE event SET kind = 'vip-granted.9' WHERE stream = 'vips' AND kind = 'vip-granted.1'");
        Breached("^vips \\d+ cannot be replayed: .*vip-granted\\.9.*newer version");
    }

    [Fact]
    public void An_event_in_the_wrong_stream()
    {
        Append("vips", new HostWithdrawn(Contracts.Names.HostName.Parse("a.example"), Make.Key("ab")));
        Breached("^vips \\d+ cannot be replayed: .*does not belong");
    }

    [Fact]
    public void An_event_that_contradicts_those_before_it()
    {
        Append("vips", new VipGranted(1, Contracts.Names.HostName.Parse("thief.example")) { At = long.MaxValue / 2 });
        Breached("^vips \\d+ cannot be replayed: .*index 1 is granted to thief.example");
    }

    [Fact]
    public void A_snapshot_that_is_not_what_the_events_give()
    {
        Plant("UPDATE snapshot SET payload = CAST(replace(CAST(payload AS TEXT), '\"host\":\"a.example\"', '\"host\":\"x.example\"') AS BLOB) WHERE stream = 'vips'");
        Breached("^the snapshot of vips at \\d+ is not what the events give$");
    }

    [Theory]
    [InlineData("{ damaged")]
    [InlineData("null")]
    [InlineData("{}")]
    public void A_snapshot_that_cannot_be_read_is_named_and_hides_nothing_else(string payload)
    {
        Plant($"UPDATE snapshot SET payload = CAST('{payload}' AS BLOB) WHERE stream = 'vips'");
        var breach = Assert.Single(Audit().Breaches);
        Assert.Matches("^the snapshot of vips at \\d+ (cannot be read|is not what the events give)", breach);
    }

    [Fact]
    public void A_snapshot_beyond_the_end()
    {
        Plant("UPDATE snapshot SET seq = seq + 3 WHERE stream = 'vips'");
        Breached("^the snapshot of vips is at \\d+, beyond the stream's end at \\d+$");
    }

    [Fact]
    public void A_lease_row_without_an_event()
    {
        Plant("INSERT INTO vip_lease VALUES (12, 'ghost.example', 'leased')");
        Breached("^index 12: the ledger has no holder, vip_lease has 'leased' ghost.example$");
    }

    [Fact]
    public void An_event_without_its_lease_row()
    {
        Plant("DELETE FROM vip_lease WHERE host = 'a.example'");
        Breached("^index 1: the ledger has 'leased' a.example, vip_lease has no row$");
    }

    [Fact]
    public void A_lease_row_of_another_host()
    {
        Plant("UPDATE vip_lease SET host = 'thief.example' WHERE idx = 1");
        Breached("^index 1: the ledger has 'leased' a.example, vip_lease has 'leased' thief.example$");
    }

    [Fact]
    public void Two_leases_of_one_host_in_the_table()
    {
        Plant("DROP INDEX vip_lease_host; INSERT INTO vip_lease VALUES (12, 'a.example', 'leased')");
        Breached("^index 12: the ledger has no holder, vip_lease has 'leased' a.example$");
    }

    [Fact]
    public void Two_leases_of_one_host_in_the_events()
    {
        Append("vips", new VipGranted(12, Contracts.Names.HostName.Parse("a.example")) { At = long.MaxValue / 2 });
        Breached("^vips \\d+ cannot be replayed: .*a.example is granted index 12 but holds 1");
    }

    [Fact]
    public void A_claim_row_too_many_and_one_too_few()
    {
        Plant("UPDATE vip_claim SET host = 'x.example'");
        Breached("^vip_claim has 240.240.0.9 of x.example, the ledger has not$");
        Breached("^the ledger has 240.240.0.9 of c.example, vip_claim has not$");
    }

    [Fact]
    public void A_lease_that_no_document_asks_for_is_named()
    {
        WithoutSnapshots();
        Append("vips", new VipGranted(12, Contracts.Names.HostName.Parse("ghost.example")) { At = long.MaxValue / 2 });
        Plant("INSERT INTO vip_lease VALUES (12, 'ghost.example', 'leased')");
        Breached("^ghost.example holds a VIP that no document asks for$");
    }

    [Fact]
    public void A_lease_that_a_document_asks_for_and_nobody_gave()
    {
        WithoutSnapshots();
        Append("vips", new VipReleased(1, Contracts.Names.HostName.Parse("a.example"), long.MaxValue, ReleaseReason.Withdrawn) { At = long.MaxValue / 2 });
        Plant("UPDATE vip_lease SET state = 'quarantined' WHERE idx = 1");
        Breached("^a.example should hold a VIP and holds none$");
    }

    [Fact]
    public void A_claim_that_no_document_makes()
    {
        WithoutSnapshots();
        Append("vips", new AddressClaimed("240.240.0.0", Contracts.Names.HostName.Parse("ghost.example")) { At = long.MaxValue / 2 });
        Plant("INSERT INTO vip_claim VALUES ('240.240.0.0', 'ghost.example')");
        Breached("^ghost.example declares the addresses none, the ledger has 240.240.0.0$");
    }

    [Fact]
    public void An_exclusion_that_no_document_makes()
    {
        WithoutSnapshots();
        Append("vips", new RangeExcluded("240.240.0.12/30", Contracts.Names.HostName.Parse("ghost.example")) { At = long.MaxValue / 2 });
        Breached("^ghost.example excludes none, the ledger has 240.240.0.12/30$");
    }

    [Fact]
    public void A_stray_declaration()
    {
        WithoutSnapshots();
        Append(ShardOf("stray.example"), new HostDeclared(Contracts.Names.HostName.Parse("stray.example"), new HostDeclaration { Document = Make.Key("nowhere") }));
        Breached("^ServiceEntry/default/nowhere declares stray.example to its shard, but is not there or says nothing of it$");
    }

    [Fact]
    public void A_declaration_that_is_missing()
    {
        WithoutSnapshots();
        Append(ShardOf("c.example"), new HostWithdrawn(Contracts.Names.HostName.Parse("c.example"), Make.Key("c")));
        Breached("^ServiceEntry/default/c declares c.example, but the host's shard does not know$");
    }

    [Fact]
    public void A_declaration_that_differs()
    {
        WithoutSnapshots();
        Append(ShardOf("c.example"), new HostDeclared(Contracts.Names.HostName.Parse("c.example"), new HostDeclaration { Document = Make.Key("c"), Addresses = ["240.240.0.9"], ExportTo = ["."] }));
        Breached("^what ServiceEntry/default/c declares of c.example differs from the host's record$");
    }

    [Fact]
    public void A_document_in_the_wrong_shard()
    {
        WithoutSnapshots();
        var wrong = Streams.All(_options.Shards).First(s => s != ShardOf(Make.Key("x")));
        Append(wrong, new DocumentPut(Make.Entry("x", ["x.example"], ["10.0.0.1"]), 1000, "api", 1, 1));
        Breached($"^ServiceEntry/default/x is in {wrong}, where it does not belong$");
    }

    [Fact]
    public void A_document_without_a_spec()
    {
        WithoutSnapshots();
        Append(ShardOf(Make.Key("x")), new DocumentPut(new MeshDocument { Key = Make.Key("x") }, 1000, "api", 1, 1));
        Breached("^ServiceEntry/default/x has no spec$");
    }

    [Fact]
    public void A_host_in_the_wrong_shard()
    {
        WithoutSnapshots();
        var wrong = Streams.All(_options.Shards).First(s => s != ShardOf("c.example"));
        Append(wrong, new HostDeclared(Contracts.Names.HostName.Parse("c.example"), new HostDeclaration { Document = Make.Key("c") }));
        Breached($"^c.example is in {wrong}, where it does not belong$");
    }

    [Fact]
    public void A_version_that_comes_back()
    {
        WithoutSnapshots();
        Append(ShardOf(Make.Key("c")), new DocumentPut(Make.Entry("c", ["c.example"], ["240.240.0.9"]), 1, "api", 1, 1));
        Breached("cannot be replayed: ServiceEntry/default/c got version 1, but the shard is at");
    }

    [Theory]
    [InlineData("DELETE FROM cluster_setting WHERE name = 'vips.ipv4'")]
    [InlineData("UPDATE cluster_setting SET value = 'x' WHERE name = 'vips.ipv6'")]
    [InlineData("UPDATE cluster_setting SET value = '' WHERE name = 'mesh.cluster-domain'")]
    [InlineData("UPDATE cluster_setting SET value = '-1' WHERE name = 'cluster.shards'")]
    public void Damaged_settings(string sql)
    {
        Plant(sql);
        Breached("^the journal's settings are damaged: ");
    }

    [Fact]
    public void No_settings_at_all()
    {
        Plant("DELETE FROM cluster_setting WHERE name > ''");
        Breached("^the journal has streams but no cluster settings$");
    }

    [Fact]
    public async Task A_journal_that_was_only_just_made_is_in_order()
    {
        using var fresh = new TemporaryDirectory();
        await (await SqliteJournal.OpenAsync(fresh.Path, TimeProvider.System)).DisposeAsync();
        Assert.Empty(JournalAudit.Run(SqliteImage.Read(fresh.Path)).Breaches);
        await using (var journal = await SqliteJournal.OpenAsync(fresh.Path, TimeProvider.System)) await journal.SettleSettingsAsync(_options.Shared(), [], CancellationToken.None);
        Assert.Empty(JournalAudit.Run(SqliteImage.Read(fresh.Path)).Breaches);
    }

    [Fact]
    public void The_list_of_breaches_is_bounded()
    {
        using (var file = SqliteFile.Open(_directory.Path))
            file.Run("WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO vip_lease SELECT i, 'h' || i, 'leased' FROM n");
        Assert.Equal(1000, Audit().Breaches.Count);
    }

    [Fact]
    public void There_is_no_journal()
    {
        using var empty = new TemporaryDirectory();
        Assert.Throws<JournalUnavailableException>(() => SqliteImage.Read(empty.Path));
    }
}
