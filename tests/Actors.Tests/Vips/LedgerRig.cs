using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>A ledger over a small range (240.240.7.1 to .15 by default), a clock, and short words for what hosts want.</summary>
internal sealed class LedgerRig
{
    public const long Quarantine = 1000;
    public const string Small = "240.240.7.0/28";

    public LedgerRig(string v4 = Small)
    {
        Range = new VipRange(Cidr.Parse(v4), Cidr.Parse("2001:2::/48"));
        Core = new VipLedgerCore(Range, TimeSpan.FromMilliseconds(Quarantine));
        State = Core.Empty;
    }

    public VipRange Range { get; }

    public VipLedgerCore Core { get; }

    public VipLedger State { get; private set; }

    public long Now { get; set; } = 10_000;

    public VipUsage Usage => State.Usage(Now);

    public static VipDemand Lease(string host) => new(HostName.Parse(host), true, [], []);

    public static VipDemand Nothing(string host) => new(HostName.Parse(host), false, [], []);

    public static VipDemand Claim(string host, params string[] addresses) => new(HostName.Parse(host), false, addresses, []);

    public static VipDemand Exclude(string host, params string[] cidrs) => new(HostName.Parse(host), false, [], cidrs);

    /// <summary>Decides and, where accepted, goes on from there; folding the events must give the decision's state.</summary>
    public Decision<VipLedger, VipReply> Try(RestingVip[]? rests, VipDemand[] demands)
    {
        var before = State;
        var decision = Core.Decide(before, new VipCommand(demands, Now, rests));
        var folded = decision.Events.Aggregate(before, VipLedgerCore.Apply);
        Assert.Equal(VipLedgerCore.Snapshot(folded), VipLedgerCore.Snapshot(decision.State));
        State = decision.State;
        return decision;
    }

    public Decision<VipLedger, VipReply> Try(params VipDemand[] demands) => Try(null, demands);

    public VipReply Do(params VipDemand[] demands) => Do(null, demands);

    public VipReply Do(RestingVip[]? rests, VipDemand[] demands)
    {
        var decision = Try(rests, demands);
        Assert.Null(decision.Refused);
        return decision.Reply!;
    }

    public IReadOnlyList<MeshEvent> Events(params VipDemand[] demands) => Try(demands).Events;

    public IReadOnlyList<MeshEvent> Events(RestingVip[] rests, VipDemand[] demands) => Try(rests, demands).Events;

    public Refusal Refused(params VipDemand[] demands) => Refused(null, demands);

    public Refusal Refused(RestingVip[]? rests, VipDemand[] demands)
    {
        var before = State;
        var decision = Try(rests, demands);
        Assert.NotNull(decision.Refused);
        Assert.Empty(decision.Events);
        Assert.Same(before, decision.State);
        return decision.Refused;
    }

    public void Apply(MeshEvent fact) => State = VipLedgerCore.Apply(State, fact);

    /// <summary>The IPv4 VIP of a host; empty when it has none.</summary>
    public string VipOf(string host) => State.TryGetLease(HostName.Parse(host), out var index) ? Range.IPv4(index).ToString() : "";

    public VipRecord Record(string address)
    {
        Assert.True(Range.TryIndexOf(System.Net.IPAddress.Parse(address), out var index));
        return State.Record(index, Now);
    }

    /// <summary>Leases to so many hosts named h0, h1, ...</summary>
    public void Fill(int hosts) => Do([.. Enumerable.Range(0, hosts).Select(i => Lease($"h{i}"))]);
}
