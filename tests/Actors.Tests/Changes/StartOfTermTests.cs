using MeshDns.Actors.Changes;
using MeshDns.Actors.Tests.Log;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Tests.Changes;

/// <summary>What a log begins with, and each incarnation after that.</summary>
public sealed class StartOfTermTests
{
    [Fact]
    public void An_empty_log_is_founded_with_all_that_its_nodes_share()
    {
        var rig = new ChangeLogRig();
        rig.Begin(LogRows.TermA, quarantineMs: 60_000);
        rig.LookAtEnd();
        rig.Append();
        var mesh = rig.State.Mesh;
        Assert.Equal((1L, 60_000L, "n1"), (mesh.Epoch, mesh.Ledger.QuarantineMs, LogRows.Read(rig.Rows)[0].Facts.OfType<AllocatorStarted>().Single().Node));
        Assert.Equal(("c", "240.240.0.0/28", "2001:2::/48", 8), (mesh.Cluster!.ClusterId, mesh.Cluster.Ipv4, mesh.Cluster.Ipv6, mesh.Cluster.Shards));
        Assert.Equal((30_000L, "cluster.local"), (mesh.Settings!.LargestTtlMs, mesh.Settings.ClusterDomain));
    }

    [Fact]
    public void Another_quarantine_of_a_node_alone_is_a_fact_of_its_next_term_and_what_rests_already_rests_as_long_as_it_was_told()
    {
        var rig = ChangeLogRig.Serving(quarantineMs: 60_000);
        rig.Submit(Make.Request(Make.Put(Make.Entry("all", "a.example"))));
        rig.Append();
        rig.Submit(Make.Request(Make.Delete("all")));
        rig.Append();
        var releasedAt = rig.State.Mesh.At;
        rig.Begin(LogRows.TermB, quarantineMs: 1, isAlone: true);
        rig.LookAtEnd();
        var facts = rig.Append();
        Assert.Equal(2, facts.OfType<AllocatorStarted>().Single().Epoch);
        var changed = facts.OfType<QuarantineChanged>().Single();
        Assert.Equal((1, changed.At + 60_000), (changed.PeriodMs, changed.RestUntil));
        Assert.Equal(1, rig.State.Mesh.Ledger.QuarantineMs);
        Assert.Equal(releasedAt + 60_000, rig.State.Mesh.Ledger.Records(releasedAt).Single(r => r.State == VipState.Quarantined).Until);
    }

    [Theory]
    [InlineData(true, 5_000, 90_000)]
    [InlineData(false, 30_000, 60_000)]
    public void A_node_alone_writes_its_own_settings_and_a_cluster_keeps_those_of_its_log(bool isAlone, long ttlMs, long quarantineMs)
    {
        var rig = ChangeLogRig.Serving(quarantineMs: 60_000);
        rig.Begin(LogRows.TermB, quarantineMs: 90_000, largestTtlMs: 5_000, isAlone: isAlone);
        rig.LookAtEnd();
        Assert.Equal(isAlone ? 3 : 1, rig.Append().Count);
        Assert.Equal((ttlMs, quarantineMs), (rig.State.Mesh.Shared!.LargestTtlMs, rig.State.Mesh.Shared.QuarantineMs));
    }

    [Theory]
    [InlineData(false, "other.local")]
    [InlineData(true, "cluster.local")]
    public void A_node_alone_keeps_the_domain_that_names_of_Services_carry(bool hasService, string expected)
    {
        var rig = ChangeLogRig.Serving();
        rig.Submit(Make.Request(Make.Put(hasService ? Make.Service("web", "shop", "10.0.0.1") : Make.Entry("all", "a.example"))));
        rig.Append();
        rig.Begin(LogRows.TermB, largestTtlMs: 5_000, clusterDomain: "other.local", isAlone: true);
        rig.LookAtEnd();
        rig.Append();
        Assert.Equal((5_000, expected), (rig.State.Mesh.Shared!.LargestTtlMs, rig.State.Mesh.Shared.ClusterDomain));
    }

    [Fact]
    public void A_clock_that_was_set_back_meanwhile_lengthens_every_quarantine_before_anything_is_granted()
    {
        var rig = ChangeLogRig.Serving(quarantineMs: 60_000);
        rig.Submit(Make.Request(Make.Put(Make.Entry("all", ChangesRig.Hosts("h", ChangesRig.Capacity)))));
        rig.Append();
        rig.Submit(Make.Request(Make.Put(Make.Entry("all", ChangesRig.Hosts("h", ChangesRig.Capacity - 1)))));
        rig.Append();
        var releasedAt = rig.State.Mesh.At;
        rig.Begin(LogRows.TermB);
        rig.Handle(new LookedAtEnd(rig.State.Looking!.Id, rig.Rows[^1].Position, releasedAt - 50_000));
        Assert.Equal(50_000, Assert.Single(rig.Append().OfType<ClockSetBack>()).ByMs);
        var record = rig.State.Mesh.Ledger.Records(releasedAt).Single(r => r.State == VipState.Quarantined);
        Assert.Equal(releasedAt + 110_000, record.Until);
    }

    [Theory]
    [InlineData("240.240.0.0/24", "2001:2::/48", 8)]
    [InlineData("240.240.0.0/28", "2001:3::/48", 8)]
    [InlineData("240.240.0.0/28", "2001:2::/48", 4)]
    public void A_log_of_other_ranges_or_shards_is_not_folded_and_named(string ipv4, string ipv6, int shards)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => LogRows.Fold.Fold(LogRows.Fold.Empty, [new ClusterFounded("c", ipv4, ipv6, shards) { At = 1 }]));
        Assert.Equal($"the log is of {ipv4}, {ipv6} and {shards} shards", refused.Message);
    }
}
