using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

public class VipClaimTests
{
    [Theory]
    [InlineData("240.240.7.5")]
    [InlineData("2001:2::705")]
    public void A_claim_in_either_family_reserves_the_index(string address)
    {
        var rig = new LedgerRig();
        rig.Do(Claim("c", address));
        var record = rig.Record("240.240.7.5");
        Assert.Equal((VipState.Reserved, HostName.Parse("c")), (record.State, Assert.Single(record.Hosts)));
        Assert.Equal(1, rig.Usage.Reserved);
    }

    [Fact]
    public void A_claim_moves_the_holder_and_nobody_else()
    {
        var rig = new LedgerRig();
        rig.Fill(3);
        var reply = rig.Do(Claim("c", "240.240.7.2"));
        var move = Assert.Single(reply.Moves);
        Assert.Equal((HostName.Parse("h1"), 0x0702, 0x0704), (move.Host, move.From, move.To));
        Assert.Contains("240.240.7.2", move.Cause, StringComparison.Ordinal);
        Assert.Equal(["240.240.7.1", "240.240.7.4", "240.240.7.3"], new[] { "h0", "h1", "h2" }.Select(rig.VipOf));
    }

    [Fact]
    public void An_eviction_is_a_claim_a_release_a_reservation_then_a_grant()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        var events = rig.Events(Claim("c", "240.240.7.1"));
        Assert.Equal([typeof(AddressClaimed), typeof(VipReleased), typeof(VipReserved), typeof(VipGranted)], events.Select(e => e.GetType()));
        Assert.Equal(ReleaseReason.Evicted, ((VipReleased)events[1]).Reason);
    }

    [Fact]
    public void A_host_that_gives_its_lease_up_in_the_change_that_claims_it_is_simply_released()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        var decision = rig.Try(Claim("c", "240.240.7.1"), Nothing("h0"));
        Assert.Empty(decision.Reply!.Moves);
        Assert.Equal(ReleaseReason.Withdrawn, decision.Events.OfType<VipReleased>().Single().Reason);
        Assert.Empty(rig.State.Leases);
    }

    [Fact]
    public void A_claim_that_would_leave_the_holder_without_VIP_is_refused()
    {
        var rig = new LedgerRig();
        rig.Fill(15);
        Assert.Equal(RefusalReason.PoolExhausted, rig.Refused(Claim("c", "240.240.7.3")).Reason);
        Assert.Equal("240.240.7.3", rig.VipOf("h2"));
    }

    [Fact]
    public void Several_hosts_may_claim_an_address_and_are_warned()
    {
        var rig = new LedgerRig();
        Assert.Empty(rig.Do(Claim("c", "240.240.7.5")).Warnings);
        Assert.Contains("also declared by c", Assert.Single(rig.Do(Claim("d", "2001:2::705")).Warnings).Text, StringComparison.Ordinal);
        rig.Do(Nothing("c"));
        Assert.Equal(VipState.Reserved, rig.Record("240.240.7.5").State);
        rig.Do(Nothing("d"));
        Assert.Equal(VipState.Quarantined, rig.Record("240.240.7.5").State);
    }

    [Fact]
    public void The_two_addresses_of_an_index_count_as_claims_of_one_index()
    {
        var rig = new LedgerRig();
        rig.Do(Claim("c", "240.240.7.5", "2001:2::705"));
        Assert.Empty(rig.Events(Claim("c", "2001:2::705")).OfType<VipUnreserved>());
        Assert.Single(rig.Events(Nothing("c")).OfType<VipUnreserved>());
    }

    [Fact]
    public void A_withdrawn_claim_rests_for_everybody()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        rig.Do(Claim("c", "240.240.7.1"));
        rig.Do(Nothing("c"), Nothing("h0"));
        Assert.Empty(rig.Record("240.240.7.1").Hosts);
        rig.Do(Lease("h0"), Lease("c"));
        Assert.Equal(("240.240.7.2", "240.240.7.3"), (rig.VipOf("h0"), rig.VipOf("c")));
        rig.Now += Quarantine;
        Assert.Equal(VipState.Free, rig.Record("240.240.7.1").State);
    }

    [Fact]
    public void A_claim_overrides_quarantine_with_a_warning_that_names_the_last_host()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        rig.Do(Nothing("h0"));
        Assert.Contains("h0", Assert.Single(rig.Do(Claim("c", "240.240.7.1")).Warnings).Text, StringComparison.Ordinal);
        Assert.Equal(VipState.Reserved, rig.Record("240.240.7.1").State);
        rig.Do(Lease("h0"));
        Assert.Equal("240.240.7.2", rig.VipOf("h0"));
    }

    [Fact]
    public void A_host_may_make_its_own_VIP_explicit_without_warning()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        Assert.Empty(rig.Do(Claim("h0", "240.240.7.1")).Warnings);
        Assert.Equal(("", VipState.Reserved), (rig.VipOf("h0"), rig.Record("240.240.7.1").State));
    }

    [Theory]
    [InlineData("240.240.7.0")]
    [InlineData("2001:2:0:1::5")]
    [InlineData("2001:2::1234")]
    public void A_claim_that_is_no_usable_VIP_is_kept_and_reserves_nothing(string address)
    {
        var rig = new LedgerRig();
        Assert.IsType<AddressClaimed>(Assert.Single(rig.Events(Claim("c", address))));
        Assert.Equal([(address, HostName.Parse("c"))], rig.State.Claims);
        Assert.Contains("also declared by c", Assert.Single(rig.Do(Claim("d", address)).Warnings).Text, StringComparison.Ordinal);
        Assert.Equal(0, rig.Usage.Reserved);
        Assert.IsType<AddressUnclaimed>(Assert.Single(rig.Events(Nothing("c"))));
    }

    [Fact]
    public void An_address_may_pass_from_one_host_to_another_in_one_change()
    {
        var rig = new LedgerRig();
        rig.Do(Claim("c", "240.240.7.5"));
        rig.Do(Claim("d", "240.240.7.5"), Nothing("c"));
        Assert.Equal([("240.240.7.5", HostName.Parse("d"))], rig.State.Claims);
        Assert.Equal(VipState.Reserved, rig.Record("240.240.7.5").State);
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("nonsense")]
    public void An_address_outside_the_ranges_breaks_the_contract(string address)
    {
        Assert.Equal(RefusalReason.Invalid, new LedgerRig().Refused(Claim("c", address)).Reason);
    }
}
