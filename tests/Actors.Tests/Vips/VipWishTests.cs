using MeshDns.Contracts.Messages;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>A host that had a VIP elsewhere gets it here, when nobody has it and it rests for nobody else.</summary>
public class VipWishTests
{
    private static VipDemand Wish(string host, int last) => Lease(host) with { Wish = 0x0700 | last };

    [Fact]
    public void A_free_VIP_is_granted_to_who_had_it_elsewhere()
    {
        var rig = new LedgerRig();
        Assert.Empty(rig.Do(Wish("a", 9)).Warnings);
        Assert.Equal("240.240.7.9", rig.VipOf("a"));
    }

    [Fact]
    public void A_newcomer_earlier_in_the_same_change_does_not_take_it()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("new"), Wish("a", 1), Wish("b", 2));
        Assert.Equal(("240.240.7.3", "240.240.7.1", "240.240.7.2"), (rig.VipOf("new"), rig.VipOf("a"), rig.VipOf("b")));
    }

    [Fact]
    public void Next_fit_goes_on_above_all_that_a_moved_mesh_brought()
    {
        var rig = new LedgerRig();
        rig.Do(Wish("c", 8), Wish("a", 3), Wish("b", 5));
        rig.Do(Lease("next"));
        Assert.Equal("240.240.7.9", rig.VipOf("next"));
    }

    [Fact]
    public void One_that_another_holds_gives_the_next_and_a_warning_that_names_the_holder()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("holder"));
        var warning = Assert.Single(rig.Do(Wish("a", 1)).Warnings);
        Assert.Equal("a", warning.Host.Text);
        Assert.Contains("240.240.7.1", warning.Text, StringComparison.Ordinal);
        Assert.Contains("holder holds it", warning.Text, StringComparison.Ordinal);
        Assert.Equal("240.240.7.2", rig.VipOf("a"));
    }

    [Fact]
    public void One_that_rests_is_only_for_its_last_holder()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("last"));
        rig.Do(Nothing("last"));
        Assert.Contains("it rests for last until", Assert.Single(rig.Do(Wish("a", 1)).Warnings).Text, StringComparison.Ordinal);
        Assert.Empty(rig.Do(Wish("last", 1)).Warnings);
        Assert.Equal("240.240.7.1", rig.VipOf("last"));
        rig.Do(Nothing("last"));
        rig.Now += Quarantine;
        Assert.Empty(rig.Do(Wish("b", 1)).Warnings);
        Assert.Equal("240.240.7.1", rig.VipOf("b"));
    }

    [Fact]
    public void Claimed_and_excluded_ones_are_not_given()
    {
        var rig = new LedgerRig();
        rig.Do(Claim("c", "240.240.7.3"), Exclude("x", "240.240.7.8/30"));
        Assert.Contains("c declares the address", Assert.Single(rig.Do(Wish("a", 3)).Warnings).Text, StringComparison.Ordinal);
        Assert.Contains("CIDR", Assert.Single(rig.Do(Wish("b", 9)).Warnings).Text, StringComparison.Ordinal);
        Assert.Equal(("240.240.7.1", "240.240.7.2"), (rig.VipOf("a"), rig.VipOf("b")));
    }

    [Fact]
    public void A_VIP_that_is_held_never_moves_for_a_wish()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("a"));
        Assert.Empty(rig.Events(Wish("a", 9)));
        Assert.Equal("240.240.7.1", rig.VipOf("a"));
    }

    [Fact]
    public void It_counts_more_than_the_VIP_that_the_host_had_here_which_goes_on_resting()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("a"));
        rig.Do(Nothing("a"));
        rig.Do(Wish("a", 9));
        Assert.Equal("240.240.7.9", rig.VipOf("a"));
        Assert.Equal(VipState.Quarantined, rig.Record("240.240.7.1").State);
        rig.Do(Nothing("a"));
        // Of its own two that rest it may also have the older one back.
        Assert.Empty(rig.Do(Wish("a", 1)).Warnings);
        Assert.Equal("240.240.7.1", rig.VipOf("a"));
    }

    [Fact]
    public void One_that_cannot_be_had_leaves_the_host_the_VIP_that_it_had_here()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("a"), Lease("b"));
        rig.Do(Nothing("a"));
        Assert.Single(rig.Do(Wish("a", 2)).Warnings);
        Assert.Equal("240.240.7.1", rig.VipOf("a"));
    }

    [Fact]
    public void A_host_that_comes_back_is_not_robbed_by_a_wish_of_the_same_change()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("a"));
        rig.Do(Nothing("a"));
        rig.Now += Quarantine;
        rig.Do(Wish("b", 1), Lease("a"));
        Assert.Equal("240.240.7.1", rig.VipOf("a"));
        rig.Do(Nothing("a"));
        rig.Now += Quarantine;
        rig.Do(Wish("c", 1), Wish("a", 1));
        Assert.Equal("240.240.7.1", rig.VipOf("a"));
    }

    [Fact]
    public void An_evicted_host_may_name_where_it_moves_to()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("a"));
        rig.Do(Claim("c", "240.240.7.1"), Wish("a", 9));
        Assert.Equal("240.240.7.9", rig.VipOf("a"));
    }

    [Fact]
    public void An_index_that_is_no_VIP_is_refused() => Assert.Equal(RefusalReason.Invalid, new LedgerRig().Refused(Lease("a") with { Wish = 0x0700 }).Reason);
}
