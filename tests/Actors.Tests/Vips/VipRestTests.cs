using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>What rested elsewhere rests here, and takes nothing from anybody.</summary>
public class VipRestTests
{
    private readonly LedgerRig _rig = new();

    private RestingVip Rest(string vip, string? host, long forMs) => new(vip, host is null ? null : HostName.Parse(host), _rig.Now + forMs);

    private IReadOnlyList<string> Import(params RestingVip[] rests) => _rig.Do(rests, []).Notes ?? [];

    [Fact]
    public void A_resting_VIP_is_given_to_nobody_but_its_host_before_its_end()
    {
        Assert.Empty(Import(Rest("240.240.7.1", "old", 5000), Rest("2001:2::702", null, 5000)));
        Assert.Equal((VipState.Quarantined, _rig.Now + 5000), (_rig.Record("240.240.7.1").State, _rig.Record("240.240.7.2").Until));
        _rig.Now += 4999;
        _rig.Do(Lease("new"));
        Assert.Equal("240.240.7.3", _rig.VipOf("new"));
        _rig.Do(Lease("old"));
        Assert.Equal("240.240.7.1", _rig.VipOf("old"));
        _rig.Now += 1;
        Assert.Equal(VipState.Free, _rig.Record("240.240.7.2").State);
    }

    [Fact]
    public void The_VIPs_of_the_same_change_are_given_out_after_it()
    {
        var reply = _rig.Do([Rest("240.240.7.1", "old", 50), Rest("240.240.7.9", "a", 50)], [Lease("new"), Lease("a") with { Wish = 0x0709 }, Lease("old")]);
        Assert.Null(reply.Notes);
        Assert.Empty(reply.Warnings);
        Assert.Equal(("240.240.7.1", "240.240.7.9"), (_rig.VipOf("old"), _rig.VipOf("a")));
        Assert.NotEqual("240.240.7.1", _rig.VipOf("new"));
    }

    [Fact]
    public void Saying_it_again_changes_nothing_and_a_later_end_counts()
    {
        RestingVip[] rests = [Rest("240.240.7.1", "old", 5000), Rest("240.240.7.8/30", null, 5000)];
        Import(rests);
        Assert.Empty(_rig.Events(rests, []));
        Assert.Empty(_rig.Events([Rest("240.240.7.1", "old", 4000)], []));
        var later = Rest("240.240.7.1", "old", 6000);
        Assert.Empty(Import(later));
        Assert.Equal(later.Until, _rig.Record("240.240.7.1").Until);
    }

    [Fact]
    public void What_is_held_or_claimed_here_stays_as_it_is_with_a_note()
    {
        _rig.Do(Lease("a"), Claim("c", "240.240.7.9"));
        var notes = Import(Rest("240.240.7.1", "old", 50), Rest("240.240.7.9", "old", 50), Rest("240.240.7.0/29", null, 50));
        Assert.Equal(3, notes.Count);
        Assert.Contains("a holds it", notes[0], StringComparison.Ordinal);
        Assert.Contains("c declares", notes[1], StringComparison.Ordinal);
        Assert.Contains("a holds a VIP in it", notes[2], StringComparison.Ordinal);
        Assert.Equal("240.240.7.1", _rig.VipOf("a"));
        Assert.Empty(_rig.Events([Rest("240.240.7.1", "old", 50)], []));
    }

    [Fact]
    public void What_rests_here_for_another_keeps_its_host_and_rests_as_long_as_either()
    {
        _rig.Do(Lease("a"));
        _rig.Do(Nothing("a"));
        Assert.Contains("rests for a here, not for old", Assert.Single(Import(Rest("240.240.7.1", "old", 5000))), StringComparison.Ordinal);
        _rig.Now += 4999;
        Assert.Empty(_rig.Do(Lease("old")).Warnings);
        Assert.NotEqual("240.240.7.1", _rig.VipOf("old"));
        _rig.Do(Lease("a"));
        Assert.Equal("240.240.7.1", _rig.VipOf("a"));
    }

    [Fact]
    public void Of_several_a_host_has_the_one_back_that_it_held_last()
    {
        Import(Rest("240.240.7.4", "a", 300), Rest("240.240.7.5", "a", 500), Rest("240.240.7.6", "a", 400));
        _rig.Do(Lease("a"));
        Assert.Equal("240.240.7.5", _rig.VipOf("a"));
        Assert.Equal((VipState.Quarantined, VipState.Quarantined), (_rig.Record("240.240.7.4").State, _rig.Record("240.240.7.6").State));
        Import(Rest("240.240.7.7", "a", 900));
        _rig.Do(Nothing("a"));
        _rig.Do(Lease("a"));
        Assert.Equal("240.240.7.5", _rig.VipOf("a"));
    }

    [Fact]
    public void A_CIDR_rests_for_its_last_holders_too()
    {
        _rig.Do(Lease("a"));
        _rig.Do(Nothing("a"));
        Assert.Empty(Import(Rest("240.240.7.0/30", null, 50)));
        _rig.Do(Lease("a"));
        Assert.Equal("240.240.7.4", _rig.VipOf("a"));
    }

    [Fact]
    public void What_has_ended_has_no_effect_and_is_counted()
    {
        Assert.Contains("2 of 3", Assert.Single(Import(Rest("240.240.7.1", "a", 0), Rest("240.240.7.2", "a", -5), Rest("240.240.7.3", "a", 5))), StringComparison.Ordinal);
        Assert.Equal(VipState.Free, _rig.Record("240.240.7.1").State);
    }

    [Fact]
    public void Notes_are_bounded()
    {
        var rig = new LedgerRig("240.240.7.0/24");
        rig.Fill(100);
        var notes = rig.Do([.. Enumerable.Range(1, 100).Select(i => new RestingVip($"240.240.7.{i}", null, rig.Now + 5))], []).Notes!;
        Assert.Equal(33, notes.Count);
        Assert.Contains("68 more", notes[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("240.240.7.0")]
    [InlineData("240.240.8.1")]
    [InlineData("nonsense")]
    [InlineData("10.0.0.0/8")]
    [InlineData("240.240.0.0/16")]
    public void What_is_no_VIP_is_refused_with_the_whole_change(string vip)
    {
        var refused = _rig.Refused([Rest("240.240.7.1", "a", 5), Rest(vip, null, 5)], [Lease("b")]);
        Assert.Equal(RefusalReason.Invalid, refused.Reason);
        Assert.Contains(vip, refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rest_without_end_a_VIP_twice_and_a_CIDR_with_a_host_are_refused()
    {
        var longest = (long)RestingVip.Longest.TotalMilliseconds;
        Assert.Null(WantedRests.WrongWith(_rig.Range, Rest("240.240.7.1", "a", longest), _rig.Now));
        Assert.Contains("365 days", _rig.Refused([Rest("240.240.7.1", "a", longest + 1)], []).Detail, StringComparison.Ordinal);
        Assert.Contains("365 days", _rig.Refused([new RestingVip("240.240.7.1", null, long.MaxValue)], []).Detail, StringComparison.Ordinal);
        Assert.Contains("twice", _rig.Refused([Rest("240.240.7.1", "a", 5), Rest("2001:2::701", "a", 5)], []).Detail, StringComparison.Ordinal);
        Assert.Contains("no host", _rig.Refused([Rest("240.240.7.0/30", "a", 5)], []).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void What_one_ledger_says_rests_makes_another_rest_the_same()
    {
        _rig.Do(Lease("a"), Lease("b"), Claim("c", "240.240.7.9"), Exclude("x", "240.240.7.12/30"));
        _rig.Now += 10;
        _rig.Do(Nothing("a"), Nothing("c"), Nothing("x"));
        var there = _rig.State.Rests(_rig.Now).ToList();
        Assert.Equal(3, there.Count);
        var other = new LedgerRig { Now = _rig.Now + 20 };
        other.Do([.. there], [Lease("b") with { Wish = 0x0702 }]);
        Assert.Equal(there, other.State.Rests(other.Now));
        Assert.Empty(other.State.Rests(other.Now + Quarantine));
    }

    [Theory]
    [InlineData(5, 0)]
    [InlineData(0, 1)]
    public void An_event_that_contradicts_the_ledger_is_not_applied(long until, int leases)
    {
        _rig.Fill(leases);
        Assert.Throws<InvalidOperationException>(() => _rig.Apply(new VipRested(0x0701, null, until == 5 ? _rig.Now : _rig.Now + 9) { At = _rig.Now }));
    }
}
