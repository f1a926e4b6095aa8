using System.Globalization;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Vips;

/// <summary>
/// What the journal's second, independent guard does with its tables for an event, in the same transaction as the append. Closed: the
/// six kinds nested here. The tables are <c>vip_lease(idx PRIMARY KEY, host, state)</c> with UNIQUE (host) WHERE state = 'leased', and
/// <c>vip_claim(address, host, PRIMARY KEY (address, host))</c>. A step that hits other than the rows it names refuses the append.
/// </summary>
public abstract record GuardStep
{
    private GuardStep() { }

    /// <summary>Deletes a row of the index that is 'quarantined', then inserts it as 'leased'; a key violation refuses.</summary>
    public sealed record LeaseInsert(int Index, HostName Host) : GuardStep;

    /// <summary>Makes the row of the index that is 'leased' to the host 'quarantined'; exactly one.</summary>
    public sealed record LeaseToQuarantine(int Index, HostName Host) : GuardStep;

    /// <summary>Deletes a row of the index that is 'quarantined', then inserts it as 'reserved'; a key violation refuses.</summary>
    public sealed record Reserve(int Index) : GuardStep;

    /// <summary>Makes the row of the index that is 'reserved' 'quarantined'; exactly one.</summary>
    public sealed record Unreserve(int Index) : GuardStep;

    /// <summary>Inserts a claim; a key violation refuses.</summary>
    public sealed record ClaimInsert(string Address, HostName Host) : GuardStep;

    /// <summary>Deletes a claim; exactly one.</summary>
    public sealed record ClaimDelete(string Address, HostName Host) : GuardStep;
}

/// <summary>A row of <c>vip_lease</c>.</summary>
/// <param name="Index">The column idx.</param>
/// <param name="Host">The holder, or the last one; null or empty when reserved.</param>
/// <param name="State"><see cref="VipGuard.Leased"/>, <see cref="VipGuard.Quarantined"/> or <see cref="VipGuard.Reserved"/>.</param>
public sealed record VipLeaseRow(int Index, string? Host, string State);

/// <summary>A row of <c>vip_claim</c>.</summary>
public sealed record VipClaimRow(string Address, string Host);

/// <summary>The guard tables: what an event does to them, and whether they agree with a ledger.</summary>
public static class VipGuard
{
    /// <summary>The state of a row whose host holds the index.</summary>
    public const string Leased = "leased";

    /// <summary>The state of a row whose index nobody holds; it stays after the rest, until the index is used again.</summary>
    public const string Quarantined = "quarantined";

    /// <summary>The state of a row whose index explicit addresses took.</summary>
    public const string Reserved = "reserved";

    /// <summary>The steps of an event, in order; none for events that touch neither table.</summary>
    public static IEnumerable<GuardStep> Of(MeshEvent fact) => fact switch
    {
        VipGranted e => [new GuardStep.LeaseInsert(e.Index, e.Host)],
        VipReleased e => [new GuardStep.LeaseToQuarantine(e.Index, e.Host)],
        VipReserved e => [new GuardStep.Reserve(e.Index)],
        VipUnreserved e => [new GuardStep.Unreserve(e.Index)],
        AddressClaimed e => [new GuardStep.ClaimInsert(e.Address, e.Host)],
        AddressUnclaimed e => [new GuardStep.ClaimDelete(e.Address, e.Host)],
        _ => [],
    };

    /// <summary>Every way in which the tables and a ledger disagree, or the ledger with itself, one sentence each; empty when all agree.</summary>
    public static IEnumerable<string> Check(VipLedger ledger, IEnumerable<VipLeaseRow> leases, IEnumerable<VipClaimRow> claims) =>
        ledger.Breaches().Concat(CheckLeases(ledger, leases)).Concat(CheckClaims(ledger, claims));

    private static IEnumerable<string> CheckLeases(VipLedger ledger, IEnumerable<VipLeaseRow> rows)
    {
        // A quarantined row says nothing: the index rests, or has rested, or (released and never used again) is free.
        var expected = ledger.Leases.ToDictionary(lease => lease.Index, lease => new VipLeaseRow(lease.Index, lease.Host.Text, Leased));
        foreach (var index in ledger.Reservations) expected.Add(index, new VipLeaseRow(index, null, Reserved));
        var seen = new HashSet<int>();
        foreach (var row in rows)
        {
            if (!seen.Add(row.Index)) yield return $"vip_lease has index {row.Index} twice";
            var wanted = expected.GetValueOrDefault(row.Index);
            expected.Remove(row.Index);
            if (Agree(ledger, wanted, row)) continue;
            yield return $"index {row.Index}: the ledger has {(wanted is null ? "no holder" : Describe(wanted))}, vip_lease has {Describe(row)}";
        }
        foreach (var missing in expected.Values) yield return $"index {missing.Index}: the ledger has {Describe(missing)}, vip_lease has no row";
    }

    private static bool Agree(VipLedger ledger, VipLeaseRow? wanted, VipLeaseRow row) => wanted?.State switch
    {
        null => row.State == Quarantined && ledger.Range.IsUsable(row.Index),
        Leased => row.State == Leased && row.Host == wanted.Host,
        _ => row.State == wanted.State,
    };

    private static IEnumerable<string> CheckClaims(VipLedger ledger, IEnumerable<VipClaimRow> rows)
    {
        var expected = ledger.Claims.Select(claim => new VipClaimRow(claim.Address, claim.Host.Text)).ToHashSet();
        foreach (var row in rows)
            if (!expected.Remove(row)) yield return $"vip_claim has {row.Address} of {row.Host}, the ledger has not";
        foreach (var missing in expected) yield return $"the ledger has {missing.Address} of {missing.Host}, vip_claim has not";
    }

    private static string Describe(VipLeaseRow row) => string.Create(CultureInfo.InvariantCulture, $"'{row.State}'{(string.IsNullOrEmpty(row.Host) ? "" : " " + row.Host)}");
}
