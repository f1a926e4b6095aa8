using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

public class VipClockTests
{
    [Fact]
    public void A_clock_set_back_lengthens_every_running_rest()
    {
        var rig = new LedgerRig();
        rig.Fill(2);
        rig.Do(Exclude("x", "240.240.7.12/30"));
        rig.Do(Nothing("h0"), Nothing("x"));
        var fact = Assert.IsType<ClockSetBack>(VipLedgerCore.OnClock(rig.State, rig.Now - 300));
        Assert.Equal((300, rig.Now), (fact.ByMs, fact.At));
        rig.Apply(fact);
        Assert.Equal(rig.Now + Quarantine + 300, rig.Record("240.240.7.1").Until);
        Assert.Equal(("240.240.7.12/30", rig.Now + Quarantine + 300), Assert.Single(rig.State.RestingExclusions));
        rig.Now += Quarantine + 299;
        Assert.Equal(new VipUsage(15, 1, 1, 0, 4, 9), rig.Usage);
        rig.Now += 1;
        Assert.Equal(new VipUsage(15, 1, 0, 0, 0, 14), rig.Usage);
    }

    [Fact]
    public void A_clock_that_is_not_behind_makes_no_event()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        Assert.Null(VipLedgerCore.OnClock(rig.State, rig.Now));
        Assert.Null(VipLedgerCore.OnClock(rig.Core.Empty, 0));
    }

    [Fact]
    public void A_longer_quarantine_holds_for_later_releases_only()
    {
        var rig = new LedgerRig();
        rig.Fill(2);
        rig.Do(Nothing("h0"));
        Assert.Null(VipLedgerCore.OnQuarantine(rig.State, TimeSpan.FromMilliseconds(Quarantine), rig.Now));
        rig.Apply(VipLedgerCore.OnQuarantine(rig.State, TimeSpan.FromMilliseconds(Quarantine + 10), rig.Now)!);
        rig.Do(Nothing("h1"));
        Assert.Equal(rig.Now + Quarantine, rig.Record("240.240.7.1").Until);
        Assert.Equal(rig.Now + Quarantine + 10, rig.Record("240.240.7.2").Until);
    }

    [Fact]
    public void A_shorter_quarantine_ends_no_rest_while_who_was_cut_off_before_it_may_answer_by_the_longer_one()
    {
        var rig = new LedgerRig();
        rig.Fill(3);
        rig.Do(Nothing("h0"));
        var changed = rig.Now;
        rig.Apply(VipLedgerCore.OnQuarantine(rig.State, TimeSpan.FromMilliseconds(10), rig.Now)!);
        rig.Now += Quarantine - 100;
        rig.Do(Nothing("h1"));
        Assert.Equal(changed + Quarantine, rig.Record("240.240.7.1").Until);
        Assert.Equal(changed + Quarantine, rig.Record("240.240.7.2").Until);
        rig.Now += 100;
        rig.Do(Nothing("h2"));
        Assert.Equal(rig.Now + 10, rig.Record("240.240.7.3").Until);
    }

    [Fact]
    public void A_clock_that_is_set_back_moves_the_end_of_the_longer_quarantine_too()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        rig.Apply(VipLedgerCore.OnQuarantine(rig.State, TimeSpan.FromMilliseconds(10), rig.Now)!);
        rig.Apply(new ClockSetBack(300) { At = rig.Now });
        rig.Do(Nothing("h0"));
        Assert.Equal(rig.Now + Quarantine + 300, rig.Record("240.240.7.1").Until);
    }

    [Fact]
    public void The_first_quarantine_of_a_log_may_be_any()
    {
        var rig = new LedgerRig();
        Assert.Null(Assert.IsType<QuarantineChanged>(VipLedgerCore.OnQuarantine(rig.Core.Empty, TimeSpan.FromMilliseconds(1), rig.Now)).RestUntil);
    }

    [Fact]
    public void A_rest_never_wraps_past_the_end_of_time()
    {
        var rig = new LedgerRig { Now = long.MaxValue - 10 };
        rig.Fill(1);
        rig.Do(Nothing("h0"));
        rig.Apply(new ClockSetBack(long.MaxValue) { At = rig.Now });
        Assert.Equal(long.MaxValue, rig.Record("240.240.7.1").Until);
        Assert.NotEmpty(rig.Do(Claim("c", "240.240.7.1")).Warnings);
    }

    [Fact]
    public void A_quarantine_below_a_millisecond_is_no_quarantine()
    {
        var rig = new LedgerRig();
        Assert.Throws<ArgumentOutOfRangeException>(() => new VipLedgerCore(rig.Range, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => VipLedgerCore.OnQuarantine(rig.State, TimeSpan.Zero, rig.Now));
    }

    [Fact]
    public void A_record_says_since_when_and_until_when()
    {
        var rig = new LedgerRig();
        Assert.Equal((VipState.Free, 0), (rig.Record("240.240.7.1").State, rig.Record("240.240.7.1").Since));
        rig.Fill(1);
        Assert.Equal((VipState.Leased, rig.Now), (rig.Record("240.240.7.1").State, rig.Record("240.240.7.1").Since));
        rig.Now += 5;
        rig.Do(Nothing("h0"));
        var (released, record) = (rig.Now, rig.Record("240.240.7.1"));
        Assert.Equal((VipState.Quarantined, released, released + Quarantine), (record.State, record.Since, record.Until));
        rig.Now += Quarantine;
        record = rig.Record("240.240.7.1");
        Assert.Equal((VipState.Free, released + Quarantine, null, 1), (record.State, record.Since, record.Until, record.Hosts.Count));
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.State.Record(0x0700, rig.Now));
    }
}
