using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using static MeshDns.Actors.Tests.Vips.LedgerRig;

namespace MeshDns.Actors.Tests.Vips;

public class VipGuardTests
{
    private static (LedgerRig Rig, GuardTables Tables) Busy()
    {
        var rig = new LedgerRig();
        var tables = new GuardTables();
        tables.Run(rig.Events(Lease("h0"), Lease("h1"), Lease("h2")));
        tables.Run(rig.Events(Nothing("h1"), Claim("c", "240.240.7.1")));
        return (rig, tables);
    }

    [Fact]
    public void An_eviction_is_written_in_event_order()
    {
        var rig = new LedgerRig();
        rig.Fill(1);
        var host = HostName.Parse("h0");
        Assert.Equal(
            [new GuardStep.ClaimInsert("240.240.7.1", HostName.Parse("c")), new GuardStep.LeaseToQuarantine(0x0701, host), new GuardStep.Reserve(0x0701), new GuardStep.LeaseInsert(0x0702, host)],
            rig.Events(Claim("c", "240.240.7.1")).SelectMany(VipGuard.Of));
        Assert.Equal(
            [new GuardStep.ClaimDelete("240.240.7.1", HostName.Parse("c")), new GuardStep.Unreserve(0x0701)],
            rig.Events(Nothing("c")).SelectMany(VipGuard.Of));
    }

    [Fact]
    public void Other_events_touch_no_table()
    {
        Assert.Empty(VipGuard.Of(new QuarantineChanged(5) { At = 0 }));
        Assert.Empty(VipGuard.Of(new RangeExcluded("240.240.7.0/29", HostName.Parse("x")) { At = 0 }));
    }

    [Fact]
    public void Tables_that_followed_every_event_agree()
    {
        var (rig, tables) = Busy();
        Assert.Empty(VipGuard.Check(rig.State, tables.Leases, tables.Claims));
    }

    [Fact]
    public void Each_disagreement_is_named()
    {
        var (rig, tables) = Busy();
        IReadOnlyList<VipLeaseRow> leases = [.. tables.Leases];
        string[] Breaches(IEnumerable<VipLeaseRow> rows) => [.. VipGuard.Check(rig.State, rows, tables.Claims)];
        Assert.Contains("vip_lease has no row", Assert.Single(Breaches(leases.Where(row => row.Index != 0x0703))), StringComparison.Ordinal);
        Assert.Contains("'leased' liar", Assert.Single(Breaches(leases.Select(row => row.Index == 0x0703 ? row with { Host = "liar" } : row))), StringComparison.Ordinal);
        Assert.Contains("no holder", Assert.Single(Breaches(leases.Append(new VipLeaseRow(0x0709, "h9", VipGuard.Leased)))), StringComparison.Ordinal);
        Assert.Contains("'reserved'", Assert.Single(Breaches(leases.Select(row => row.Index == 0x0701 ? row with { State = VipGuard.Quarantined } : row))), StringComparison.Ordinal);
        Assert.Contains("twice", Breaches(leases.Append(leases[0]))[0], StringComparison.Ordinal);
        Assert.Single(VipGuard.Check(rig.State, leases, []));
        Assert.Single(VipGuard.Check(rig.State, leases, tables.Claims.Append(new VipClaimRow("240.240.7.9", "c"))));
    }

    [Fact]
    public void A_second_lease_of_an_index_or_of_a_host_is_refused_by_the_tables_alone()
    {
        var (_, tables) = Busy();
        Assert.Throws<InvalidOperationException>(() => tables.Run([new VipGranted(0x0703, HostName.Parse("z")) { At = 0 }]));
        Assert.Throws<InvalidOperationException>(() => tables.Run([new VipGranted(0x0709, HostName.Parse("h2")) { At = 0 }]));
    }
}

/// <summary>The guard's two tables with their constraints, in memory.</summary>
internal sealed class GuardTables
{
    private readonly Dictionary<int, VipLeaseRow> _leases = [];
    private readonly HashSet<VipClaimRow> _claims = [];

    public IEnumerable<VipLeaseRow> Leases => _leases.Values;

    public IEnumerable<VipClaimRow> Claims => _claims;

    public void Run(IEnumerable<MeshEvent> events)
    {
        foreach (var step in events.SelectMany(VipGuard.Of)) Run(step);
    }

    private void Run(GuardStep step)
    {
        switch (step)
        {
            case GuardStep.LeaseInsert s: Insert(new VipLeaseRow(s.Index, s.Host.Text, VipGuard.Leased)); break;
            case GuardStep.Reserve s: Insert(new VipLeaseRow(s.Index, null, VipGuard.Reserved)); break;
            case GuardStep.LeaseToQuarantine s: Rest(s.Index, row => row.State == VipGuard.Leased && row.Host == s.Host.Text); break;
            case GuardStep.Unreserve s: Rest(s.Index, row => row.State == VipGuard.Reserved); break;
            case GuardStep.ClaimInsert s: Must(_claims.Add(new VipClaimRow(s.Address, s.Host.Text)), step); break;
            case GuardStep.ClaimDelete s: Must(_claims.Remove(new VipClaimRow(s.Address, s.Host.Text)), step); break;
            default: throw new InvalidOperationException($"unknown step {step}");
        }
    }

    private void Insert(VipLeaseRow row)
    {
        if (_leases.TryGetValue(row.Index, out var old) && old.State == VipGuard.Quarantined) _leases.Remove(row.Index);
        Must(row.State != VipGuard.Leased || !_leases.Values.Any(other => other.State == VipGuard.Leased && other.Host == row.Host), row);
        Must(_leases.TryAdd(row.Index, row), row);
    }

    private void Rest(int index, Func<VipLeaseRow, bool> isTheOne)
    {
        Must(_leases.TryGetValue(index, out var row) && isTheOne(row), index);
        _leases[index] = _leases[index] with { State = VipGuard.Quarantined };
    }

    private static void Must(bool holds, object what)
    {
        if (!holds) throw new InvalidOperationException($"the guard refuses {what}");
    }
}
