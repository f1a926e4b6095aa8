using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

public class VipExclusionTests
{
    [Theory]
    [InlineData("240.240.7.0/29")]
    [InlineData("2001:2::700/125")]
    public void What_a_CIDR_covers_is_not_granted(string cidr)
    {
        var rig = new LedgerRig();
        rig.Do(Exclude("x", cidr));
        Assert.Equal(new VipUsage(15, 0, 0, 0, 7, 8), rig.Usage);
        rig.Do(Lease("a"));
        Assert.Equal("240.240.7.8", rig.VipOf("a"));
    }

    [Fact]
    public void Holders_inside_move_and_their_VIPs_rest_in_their_names()
    {
        var rig = new LedgerRig();
        rig.Fill(3);
        var reply = rig.Do(Exclude("x", "240.240.7.2/31"));
        Assert.Equal([(HostName.Parse("h1"), 0x0702, 0x0704), (HostName.Parse("h2"), 0x0703, 0x0705)], reply.Moves.Select(move => (move.Host, move.From, move.To)));
        Assert.All(reply.Moves, move => Assert.Contains("240.240.7.2/31", move.Cause, StringComparison.Ordinal));
        var record = rig.Record("240.240.7.2");
        Assert.Equal((VipState.Quarantined, HostName.Parse("h1")), (record.State, Assert.Single(record.Hosts)));
        Assert.Equal("240.240.7.1", rig.VipOf("h0"));
    }

    [Fact]
    public void A_CIDR_whose_holders_the_pool_cannot_take_is_refused()
    {
        var rig = new LedgerRig();
        rig.Fill(10);
        var refused = rig.Refused(Exclude("x", "240.240.7.0/29"));
        Assert.Equal(RefusalReason.PoolExhausted, refused.Reason);
        Assert.Contains("asks for 7 VIPs", refused.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("240.240.0.0/16")]
    [InlineData("240.240.7.0/28")]
    [InlineData("2001:2::/32")]
    [InlineData("0.0.0.0/0")]
    public void A_CIDR_over_the_whole_pool_excludes_nothing_and_is_warned_of(string cidr)
    {
        var rig = new LedgerRig();
        var decision = rig.Try(Exclude("x", cidr));
        Assert.Empty(decision.Events);
        Assert.Contains("excludes nothing", Assert.Single(decision.Reply!.Warnings).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/8")]
    [InlineData("2001:2:0:1::/64")]
    public void A_CIDR_beside_the_pool_is_nothing_to_the_ledger(string cidr)
    {
        var decision = new LedgerRig().Try(Exclude("x", cidr));
        Assert.Empty(decision.Events);
        Assert.Empty(decision.Reply!.Warnings);
    }

    [Fact]
    public void A_withdrawn_CIDR_rests_as_one_range_for_former_holders_too()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        rig.Do(Exclude("x", "240.240.7.0/29"), Nothing("h0"));
        rig.Now += Quarantine;
        Assert.IsType<RangeIncluded>(Assert.Single(rig.Events(Nothing("x"))));
        Assert.Equal(new VipUsage(15, 0, 0, 0, 7, 8), rig.Usage);
        rig.Now += Quarantine - 1;
        rig.Do(Lease("h0"));
        Assert.Equal("240.240.7.8", rig.VipOf("h0"));
        rig.Now += 1;
        Assert.Equal(new VipUsage(15, 1, 0, 0, 0, 14), rig.Usage);
    }

    [Fact]
    public void A_CIDR_declared_again_while_it_rests_is_declared()
    {
        var rig = new LedgerRig();
        rig.Do(Exclude("x", "240.240.7.0/29"));
        rig.Do(Nothing("x"));
        rig.Do(Exclude("y", "240.240.7.0/29"));
        Assert.Empty(rig.State.RestingExclusions);
        rig.Now += 10 * Quarantine;
        Assert.Equal(7, rig.Usage.Excluded);
    }

    [Fact]
    public void A_CIDR_of_several_hosts_excludes_until_the_last_one_withdraws_it()
    {
        var rig = new LedgerRig();
        rig.Do(Exclude("x", "240.240.7.0/29"), Exclude("y", "240.240.7.0/29"), Exclude("z", "240.240.7.4/30"));
        rig.Do(Nothing("x"));
        rig.Now += Quarantine;
        Assert.Equal(7, rig.Usage.Excluded);
        rig.Do(Nothing("y"));
        rig.Now += Quarantine;
        Assert.Equal(4, rig.Usage.Excluded);
    }

    [Fact]
    public void A_claim_inside_a_CIDR_still_reserves()
    {
        var rig = new LedgerRig();
        rig.Do(Exclude("x", "240.240.7.0/29"), Claim("c", "240.240.7.3"));
        Assert.Equal(new VipUsage(15, 0, 0, 1, 6, 8), rig.Usage);
    }

    [Fact]
    public void A_host_that_moved_keeps_to_its_new_VIP()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        rig.Do(Exclude("x", "240.240.7.0/29"));
        rig.Do(Nothing("x"));
        rig.Now += 10 * Quarantine;
        rig.Do(Nothing("h0"));
        rig.Do(Lease("h0"));
        Assert.Equal("240.240.7.8", rig.VipOf("h0"));
    }

    [Fact]
    public void A_text_that_is_no_CIDR_breaks_the_contract()
    {
        Assert.Equal(RefusalReason.Invalid, new LedgerRig().Refused(Exclude("x", "240.240.7.0")).Reason);
    }
}
