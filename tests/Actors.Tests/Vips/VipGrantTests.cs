using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

public class VipGrantTests
{
    [Fact]
    public void The_first_VIP_of_the_default_range_is_240_240_0_1()
    {
        var rig = new LedgerRig("240.240.0.0/16");
        rig.Do(Lease("a"), Lease("b"));
        Assert.Equal(("240.240.0.1", "240.240.0.2"), (rig.VipOf("a"), rig.VipOf("b")));
    }

    [Fact]
    public void Octets_0_and_255_are_passed_over()
    {
        var rig = new LedgerRig("240.240.0.0/16");
        rig.Fill(255);
        Assert.Equal("240.240.0.254", rig.VipOf("h253"));
        Assert.Equal("240.240.1.1", rig.VipOf("h254"));
    }

    [Fact]
    public void A_range_that_begins_with_a_usable_address_grants_it_first()
    {
        var rig = new LedgerRig("240.240.7.16/28");
        rig.Do(Lease("a"));
        Assert.Equal("240.240.7.16", rig.VipOf("a"));
    }

    [Fact]
    public void A_demand_that_holds_already_makes_no_event()
    {
        var rig = new LedgerRig();
        VipDemand[] demands = [Lease("a"), Claim("b", "240.240.7.9"), Exclude("c", "240.240.7.12/30"), Nothing("d")];
        rig.Do(demands);
        var before = rig.State;
        rig.Now += 50;
        Assert.Empty(rig.Events(demands));
        Assert.Same(before, rig.State);
    }

    [Fact]
    public void What_the_ledger_says_a_host_holds_is_a_demand_that_changes_nothing()
    {
        var rig = new LedgerRig();
        rig.Do(new VipDemand(HostName.Parse("a"), true, ["240.240.7.9", "2001:2::70a"], ["240.240.7.12/30"]));
        Assert.Empty(rig.Events(rig.State.Demand(HostName.Parse("a"))));
    }

    [Fact]
    public void A_released_VIP_rests_and_comes_back_last()
    {
        var rig = new LedgerRig();
        rig.Fill(3);
        rig.Do(Nothing("h0"));
        rig.Now += Quarantine;
        for (var i = 3; i < 15; i++) rig.Do(Lease($"h{i}"));
        Assert.Equal("240.240.7.15", rig.VipOf("h14"));
        rig.Do(Lease("late"));
        Assert.Equal("240.240.7.1", rig.VipOf("late"));
    }

    [Fact]
    public void A_resting_VIP_goes_to_nobody_else_until_its_quarantine_ends()
    {
        var rig = new LedgerRig();
        rig.Fill(15);
        rig.Do(Nothing("h4"));
        rig.Now += Quarantine - 1;
        Assert.Equal(RefusalReason.PoolExhausted, rig.Refused(Lease("late")).Reason);
        rig.Now += 1;
        rig.Do(Lease("late"));
        Assert.Equal("240.240.7.5", rig.VipOf("late"));
    }

    [Fact]
    public void A_host_that_returns_gets_its_VIP_back_during_quarantine_and_after()
    {
        var rig = new LedgerRig();
        rig.Fill(3);
        rig.Do(Nothing("h1"));
        rig.Do(Lease("h1"));
        Assert.Equal("240.240.7.2", rig.VipOf("h1"));
        rig.Do(Nothing("h1"));
        rig.Now += 100 * Quarantine;
        rig.Do(Lease("h1"));
        Assert.Equal("240.240.7.2", rig.VipOf("h1"));
    }

    [Fact]
    public void A_grant_by_affinity_does_not_move_the_cursor()
    {
        var rig = new LedgerRig();
        rig.Fill(3);
        rig.Do(Nothing("h0"));
        rig.Do(Lease("h0"));
        rig.Do(Lease("new"));
        Assert.Equal("240.240.7.4", rig.VipOf("new"));
    }

    [Fact]
    public void A_newcomer_does_not_take_the_VIP_of_one_who_returns_in_the_same_change()
    {
        var rig = new LedgerRig();
        rig.Fill(15);
        rig.Do(Nothing("h6"));
        rig.Do(Nothing("h9"));
        rig.Now += Quarantine;
        rig.Do(Lease("new"), Lease("h6"));
        Assert.Equal("240.240.7.7", rig.VipOf("h6"));
        Assert.Equal("240.240.7.10", rig.VipOf("new"));
    }

    [Fact]
    public void A_free_VIP_given_to_another_host_forgets_the_one_before()
    {
        var rig = new LedgerRig();
        rig.Fill(15);
        rig.Do(Nothing("h0"));
        rig.Now += Quarantine;
        rig.Do(Lease("new"));
        rig.Do(Nothing("new"));
        Assert.Equal(RefusalReason.PoolExhausted, rig.Refused(Lease("h0")).Reason);
        rig.Do(Lease("new"));
        Assert.Equal("240.240.7.1", rig.VipOf("new"));
    }

    [Fact]
    public void A_full_pool_refuses_the_whole_change_and_names_the_numbers()
    {
        var rig = new LedgerRig();
        rig.Do(Claim("c", "240.240.7.1"));
        rig.Do(Exclude("x", "240.240.7.2/31"));
        rig.Fill(8);
        rig.Do(Nothing("h7"));
        var refused = rig.Refused(Lease("a"), Lease("b"), Lease("c1"), Lease("d"), Lease("e"), Lease("f"));
        Assert.Equal(RefusalReason.PoolExhausted, refused.Reason);
        Assert.Equal("the VIP pool is exhausted: the change asks for 6 VIPs; of 15 (capacity) 7 are used (leased), 1 quarantined, 1 reserved, 2 excluded, 4 free", refused.Detail);
        Assert.Equal(new VipUsage(15, 7, 1, 1, 2, 4), rig.Usage);
    }

    [Fact]
    public void A_pool_at_80_percent_warns_once_a_change()
    {
        var rig = new LedgerRig();
        var demands = Enumerable.Range(0, 11).Select(i => Lease($"h{i}")).ToArray();
        Assert.Empty(rig.Do(demands).Warnings);
        var warning = Assert.Single(rig.Do(Lease("x"), Lease("y")).Warnings);
        Assert.StartsWith("the VIP pool is 86 % used", warning.Text, StringComparison.Ordinal);
        Assert.Empty(rig.Do(Nothing("x")).Warnings);
    }

    [Fact]
    public void A_change_that_speaks_of_a_host_twice_is_refused()
    {
        Assert.Equal(RefusalReason.Invalid, new LedgerRig().Refused(Lease("a"), Nothing("a")).Reason);
    }

    [Fact]
    public void Events_carry_the_effective_time()
    {
        var rig = new LedgerRig();
        rig.Do(Lease("a"));
        rig.Now -= 5000;
        var granted = Assert.IsType<VipGranted>(Assert.Single(rig.Events(Lease("b"))));
        Assert.Equal(10_000, granted.At);
    }

    [Fact]
    public void A_directory_gets_a_grant_for_each_lease_as_it_was_granted()
    {
        var rig = new LedgerRig();
        var granted = rig.Events(Lease("a"), Lease("b"), Lease("c"));
        rig.Now += 10;
        rig.Do(Nothing("b"));
        Assert.Equal([granted[0], granted[2]], rig.State.DirectoryFacts());
    }
}
