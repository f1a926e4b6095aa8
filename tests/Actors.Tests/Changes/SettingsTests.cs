using MeshDns.Actors.Log;
using MeshDns.Actors.Tests.Log;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>Changes of what all nodes share. The rig holds decision, replay and image to each other, and a directory that reads the facts.</summary>
public sealed class SettingsTests
{
    private readonly ChangesRig _rig = new();

    private SharedSettings Shared => _rig.State.Shared!;

    [Fact]
    public void What_is_named_changes_and_the_rest_stays_in_the_log_an_image_and_the_directory()
    {
        var reply = _rig.Applied(Of(new SettingsChange { QuarantineMs = 7_200_000 }));
        Assert.Equal((7_200_000, 30_000, "cluster.local"), (Shared.QuarantineMs, Shared.LargestTtlMs, Shared.ClusterDomain));
        Assert.IsType<QuarantineChanged>(Assert.Single(_rig.Facts));
        Assert.Equal((Shared.Tag, "240.240.0.0/28", "2001:2::/48", 8), (reply.Settings!.Shared.Tag, reply.Settings.Ipv4, reply.Settings.Ipv6, reply.Settings.Shards));
        Assert.Null(reply.Warnings);
        _rig.Applied(Of(new SettingsChange { LargestTtlMs = 60_000, Zones = ["b.internal", "a.internal", "a.internal", "cluster.local"] }));
        Assert.IsType<SettingsChanged>(Assert.Single(_rig.Facts));
        Assert.Equal((7_200_000, 60_000, "a.internal,b.internal"), (Shared.QuarantineMs, Shared.LargestTtlMs, string.Join(',', Shared.Zones)));
        var image = MeshImage.Of(_rig.State, LogRows.Buckets, new VipLedgerCore(LogRows.Range));
        Assert.Equal(Shared.Tag, image.Read(LogRows.Buckets, new VipLedgerCore(LogRows.Range)).Shared!.Tag);
        Assert.Equal(60_000, Assert.IsType<SettingsChanged>(MeshImage.ReadSettings(image.Settings)).LargestTtlMs);
        Assert.Equal(Shared.Tag, _rig.Directory.Shared!.Tag);
        Assert.True(_rig.Directory.Zones.Contains(HostName.Parse("x.b.internal").ToWire()));
    }

    [Fact]
    public void The_same_again_writes_nothing()
    {
        _rig.Applied(Of(new SettingsChange { QuarantineMs = ChangesRig.QuarantineMs, LargestTtlMs = 30_000, Zones = [], ClusterDomain = "cluster.local" }));
        Assert.Empty(_rig.Facts);
    }

    [Fact]
    public void The_two_facts_of_one_change_stand_in_one_transaction()
    {
        _rig.Applied(Of(new SettingsChange { QuarantineMs = 14_400_000, LargestTtlMs = 3_600_000 }));
        Assert.Equal(2, _rig.Facts.Count);
        Assert.Equal(TimeSpan.FromHours(2), _rig.Directory.Shared!.MaxAge);
    }

    [Theory]
    [InlineData(999L, 1_000L, "vips.quarantine must be from")]
    [InlineData(366L * 86_400_000, null, "vips.quarantine must be from")]
    [InlineData(119_999L, null, "vips.quarantine must be at least 4 x dns.ttl, 120000 ms")]
    [InlineData(null, 1_500L, "dns.ttl must be from")]
    [InlineData(null, 0L, "dns.ttl must be from")]
    [InlineData(365L * 86_400_000, 86_401_000L, "dns.ttl must be from")]
    [InlineData(null, 901_000L, "vips.quarantine must be at least 4 x dns.ttl, 3604000 ms; got 3600000 ms")]
    public void Times_by_which_a_VIP_could_be_told_for_two_names_are_refused(long? quarantineMs, long? ttlMs, string why) =>
        Assert.Contains(why, _rig.Refused(RefusalReason.Invalid, Of(new SettingsChange { QuarantineMs = quarantineMs, LargestTtlMs = ttlMs })).Detail, StringComparison.Ordinal);

    [Theory]
    [InlineData("*.internal")]
    [InlineData("Upper.internal")]
    [InlineData("two words")]
    [InlineData("")]
    public void What_is_no_domain_is_refused(string zone)
    {
        _rig.Refused(RefusalReason.Invalid, Of(new SettingsChange { Zones = [zone] }));
        _rig.Refused(RefusalReason.Invalid, Of(new SettingsChange { ClusterDomain = zone }));
    }

    [Fact]
    public void Too_many_zones_are_refused() => _rig.Refused(RefusalReason.Invalid, Of(new SettingsChange { Zones = [.. Enumerable.Range(0, 1025).Select(i => $"z{i}.internal")] }));

    [Fact]
    public void Settings_and_documents_are_changes_of_their_own() =>
        _rig.Refused(RefusalReason.Invalid, Make.Request(Make.Put("a", "a.example")) with { Settings = new SettingsChange { QuarantineMs = 7_200_000 } });

    [Fact]
    public void A_change_of_other_settings_than_its_caller_saw_is_refused()
    {
        var seen = Shared.Tag;
        _rig.Applied(Of(new SettingsChange { IfMatch = seen, LargestTtlMs = 20_000 }));
        _rig.Refused(RefusalReason.VersionMismatch, Of(new SettingsChange { IfMatch = seen, LargestTtlMs = 10_000 }));
        _rig.Applied(Of(new SettingsChange { IfMatch = Shared.Tag, LargestTtlMs = 10_000 }));
    }

    [Fact]
    public void The_cluster_domain_changes_only_while_no_name_carries_it()
    {
        _rig.Applied(Make.Put(Make.Service("web", "shop", "10.0.0.1")), Make.Put("a", "a.example"));
        var refused = _rig.Refused(RefusalReason.Invalid, Of(new SettingsChange { ClusterDomain = "other.local", LargestTtlMs = 20_000 }));
        Assert.Contains("Service/shop/web is one", refused.Detail, StringComparison.Ordinal);
        _rig.Applied(Of(new SettingsChange { ClusterDomain = "cluster.local", LargestTtlMs = 20_000 }));
        _rig.Applied(Make.Put(Make.Service("web", "shop", "10.0.0.1")) with { Document = null });
        _rig.Applied(Of(new SettingsChange { ClusterDomain = "other.local" }));
        _rig.Pass(TimeSpan.FromSeconds(1));
        var put = ChangesRig.Decide(_rig.State, Make.Request(Make.Put(Make.Service("web", "shop", "10.0.0.1"))), _rig.Now);
        Assert.Equal("web.shop.svc.other.local", Assert.Single(put.Facts.OfType<HostDeclared>()).Host.Text);
    }

    [Fact]
    public void A_shorter_quarantine_says_until_when_the_longer_one_counts()
    {
        _rig.Applied(Make.Put("a", "a.example"), Make.Put("b", "b.example"));
        _rig.Applied(Make.Delete("a"));
        var (index, changedAt) = (_rig.State.Ledger.Records(_rig.Now).Single(r => r.State == VipState.Quarantined).Index, _rig.Now);
        var reply = _rig.Applied(Of(new SettingsChange { QuarantineMs = 120_000 }));
        Assert.StartsWith("what is released before 1970-01-01 01:16:40Z rests at least until then", Assert.Single(reply.Warnings!), StringComparison.Ordinal);
        Assert.Equal(changedAt + ChangesRig.QuarantineMs, _rig.State.Ledger.Record(index, _rig.Now).Until);
        _rig.Pass(TimeSpan.FromMinutes(10));
        _rig.Applied(Make.Delete("b"));
        Assert.All(_rig.State.Ledger.Records(_rig.Now), r => Assert.Equal(changedAt + ChangesRig.QuarantineMs, r.Until));
    }

    [Fact]
    public void A_repeated_change_is_told_its_first_reply_and_a_refusal_in_the_same_batch_leaves_no_trace()
    {
        var rig = ChangeLogRig.Serving(quarantineMs: 600_000);
        var tag = rig.State.Mesh.Shared!.Tag;
        rig.Submit(Make.Request(Make.Put("a", "a.example")));
        var first = rig.Submit(Of(new SettingsChange { IfMatch = tag, QuarantineMs = 900_000 }), key: "k1");
        var second = rig.Submit(Of(new SettingsChange { IfMatch = tag, QuarantineMs = 300_000 }), key: "k2");
        rig.Append();
        rig.Append();
        Assert.Equal(900_000, rig.ReplyTo(first)!.Settings!.Shared.QuarantineMs);
        Assert.Equal((ChangeOutcome.Refused, RefusalReason.VersionMismatch), (rig.ReplyTo(second)!.Outcome, rig.ReplyTo(second)!.Reason));
        Assert.Equal(900_000, rig.State.Mesh.Shared!.QuarantineMs);
        var again = rig.Submit(Of(new SettingsChange { IfMatch = tag, QuarantineMs = 900_000 }), key: "k1");
        rig.LookAtEnd();
        Assert.True(rig.ReplyTo(again)!.IsReplayed);
        Assert.Equal(900_000, rig.ReplyTo(again)!.Settings!.Shared.QuarantineMs);
        var dry = rig.State.Mesh;
        Assert.Equal(300_000, ChangesRig.Decide(dry, Of(new SettingsChange { QuarantineMs = 300_000 }), dry.At).Reply.Settings!.Shared.QuarantineMs);
        Assert.Equal(LogRows.Read(rig.Rows).Aggregate(LogRows.Fold.Empty, LogRows.Fold.Apply).Shared!.Tag, rig.State.Mesh.Shared.Tag);
    }

    [Fact]
    public void Zones_of_older_builds_have_the_others_among_them()
    {
        var state = LogRows.Fold.Fold(_rig.State, [new SettingsChanged(30_000, ["0.240.240.in-addr.arpa", "2.0.0.0.1.0.0.2.ip6.arpa", "cluster.local", "mesh.internal"], "cluster.local") { At = _rig.Now }]);
        Assert.DoesNotContain("cluster.local", state.Shared!.Zones);
        Assert.Contains("mesh.internal", state.Shared.Zones);
    }

    private static ChangeRequest Of(SettingsChange change) => new() { Changes = [], Settings = change };
}
