using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>A damaged journal is found when it is replayed, not when two names have one VIP.</summary>
public class VipApplyTests
{
    private const long At = 20_000;
    private static readonly HostName _h0 = HostName.Parse("h0");
    private static readonly HostName _other = HostName.Parse("other");

    public static TheoryData<string, MeshEvent> Contradictions => new()
    {
        { "a grant of a leased index", new VipGranted(0x0701, _other) { At = At } },
        { "a second lease", new VipGranted(0x0705, _h0) { At = At } },
        { "a grant of a resting index", new VipGranted(0x0702, _other) { At = At } },
        { "a grant of a reserved index", new VipGranted(0x0703, _other) { At = At } },
        { "a grant of an excluded index", new VipGranted(0x070c, _other) { At = At } },
        { "a grant of an unusable index", new VipGranted(0x0700, _other) { At = At } },
        { "a release by another", new VipReleased(0x0701, _other, At + 1, ReleaseReason.Withdrawn) { At = At } },
        { "a release of a free index", new VipReleased(0x0705, _h0, At + 1, ReleaseReason.Withdrawn) { At = At } },
        { "a release without rest", new VipReleased(0x0701, _h0, At, ReleaseReason.Withdrawn) { At = At } },
        { "a claim made twice", new AddressClaimed("240.240.7.3", HostName.Parse("c")) { At = At } },
        { "a claim withdrawn by another", new AddressUnclaimed("240.240.7.3", _other) { At = At } },
        { "a reservation that nobody claims", new VipReserved(0x0705) { At = At } },
        { "a reservation made twice", new VipReserved(0x0703) { At = At } },
        { "an end of a reservation that is still claimed", new VipUnreserved(0x0703, At + 1) { At = At } },
        { "an end of no reservation", new VipUnreserved(0x0705, At + 1) { At = At } },
        { "an exclusion made twice", new RangeExcluded("240.240.7.12/30", HostName.Parse("x")) { At = At } },
        { "an exclusion of everything", new RangeExcluded("240.240.0.0/16", HostName.Parse("x")) { At = At } },
        { "an exclusion that is no CIDR", new RangeExcluded("x", HostName.Parse("x")) { At = At } },
        { "an exclusion withdrawn by another", new RangeIncluded("240.240.7.12/30", _other, At + 1) { At = At } },
        { "a quarantine of nothing", new QuarantineChanged(0) { At = At } },
        { "a clock set forward", new ClockSetBack(-1) { At = At } },
        { "time that goes back", new VipGranted(0x0705, _other) { At = At - 1 } },
        { "an event of a shard", new HostWithdrawn(_h0, default!) },
    };

    [Theory]
    [MemberData(nameof(Contradictions), DisableDiscoveryEnumeration = true)]
    public void An_event_that_contradicts_the_state_is_damage(string what, MeshEvent fact)
    {
        var rig = new LedgerRig { Now = At };
        rig.Fill(2);
        rig.Do(Nothing("h1"), Claim("c", "240.240.7.3"), Exclude("x", "240.240.7.12/30"));
        var thrown = Record.Exception(() => rig.Apply(fact));
        Assert.True(thrown is InvalidOperationException { Message.Length: > 20 }, $"{what}: {thrown}");
    }
}
