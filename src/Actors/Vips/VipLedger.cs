using System.Collections.Immutable;
using System.Net;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>
/// The state of the stream <c>vips</c>: who leases which index, what rests until when, what is claimed and excluded. Immutable, so any
/// thread may query any state it holds. Bounded by the pool and by what hosts declare: a free index remembers only its last host.
/// All times are milliseconds since the Unix epoch, by the journal's clock.
/// </summary>
public sealed record VipLedger
{
    internal VipLedger(VipRange range, long quarantineMs)
    {
        Range = range;
        QuarantineMs = quarantineMs;
        Pool = VipPool.Of(range);
        ExcludedRanges = VipExclusions.Of(range);
    }

    /// <summary>The ranges that VIPs come from.</summary>
    public VipRange Range { get; }

    /// <summary>How long an index released now rests, in milliseconds; above 0.</summary>
    public long QuarantineMs { get; internal init; }

    /// <summary>
    /// What is released before this rests at least until this: so long an edge that was cut off before the quarantine was shortened may answer out of what it knows. 0 for no such end.
    /// </summary>
    public long RestFloor { get; internal init; }

    /// <summary>The time of the last event; 0 before the first.</summary>
    public long LastAt { get; internal init; }

    internal VipPool Pool { get; init; }

    internal HostRelation ClaimedAddresses { get; init; } = HostRelation.Empty;

    internal VipExclusions ExcludedRanges { get; init; }

    /// <summary>Every lease, in order of index.</summary>
    public IEnumerable<(int Index, HostName Host, long Since)> Leases =>
        Pool.Slots.Used(Range.First, Range.Last).Where(used => used.Slot.State == VipState.Leased).Select(used => (used.Index, used.Slot.Host!.Value, used.Slot.Since));

    /// <summary>Every reserved index, in order.</summary>
    public IEnumerable<int> Reservations =>
        Pool.Slots.Used(Range.First, Range.Last).Where(used => used.Slot.State == VipState.Reserved).Select(used => used.Index);

    /// <summary>Every explicit address inside the ranges (canonical text) with each host that declares it; one that is no usable VIP too.</summary>
    public IEnumerable<(string Address, HostName Host)> Claims => ClaimedAddresses.Pairs;

    /// <summary>Every excluding CIDR (canonical text) with each host that declares it.</summary>
    public IEnumerable<(string Cidr, HostName Host)> Exclusions => ExcludedRanges.Declared.Pairs;

    /// <summary>Every CIDR that is withdrawn but still excludes, with the end of its rest.</summary>
    public IEnumerable<(string Cidr, long Until)> RestingExclusions => ExcludedRanges.Resting.Select(entry => (entry.Key, entry.Value));

    /// <summary>The end of the rest of what is released at a time.</summary>
    public long RestUntil(long at) => Math.Max(VipPool.Later(at, QuarantineMs), RestFloor);

    /// <summary>The index that a host leases; false when it has no lease.</summary>
    public bool TryGetLease(HostName host, out int index) => Pool.TryGetLease(host, out index);

    /// <summary>What a host holds, as the demand that would change nothing.</summary>
    public VipDemand Demand(HostName host) =>
        new(host, TryGetLease(host, out _), ClaimedAddresses.KeysOf(host), ExcludedRanges.Declared.KeysOf(host));

    /// <summary>The state of a usable index at a time.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is not usable in these ranges.</exception>
    public VipRecord Record(int index, long now)
    {
        if (!Range.IsUsable(index)) throw new ArgumentOutOfRangeException(nameof(index), index, $"not usable in {Range.V4}");
        return RecordOf(index, Pool.Slots[index], now);
    }

    /// <summary>Every index that was ever used, in order, at a time.</summary>
    public IEnumerable<VipRecord> Records(long now) => Pool.Slots.Used(Range.First, Range.Last).Select(used => RecordOf(used.Index, used.Slot, now));

    /// <summary>Everything that rests at a time, the VIPs in order of index, then the CIDRs.</summary>
    public IEnumerable<RestingVip> Rests(long now)
    {
        foreach (var (index, slot) in Pool.Slots.Used(Range.First, Range.Last))
            if (slot.State == VipState.Quarantined && slot.Until > now) yield return new RestingVip(Range.IPv4(index).ToString(), slot.Host, slot.Until);
        foreach (var (cidr, until) in RestingExclusions)
            if (until > now) yield return new RestingVip(cidr, null, until);
    }

    /// <summary>How full the pool is at a time.</summary>
    public VipUsage Usage(long now)
    {
        // Counts the rests that have ended instead of ending them: a reader of metrics must not free a whole pool on each read.
        var covered = ExcludedRanges.MaturedAt(now).Covered;
        var (quarantined, excluded) = (Pool.Quarantined, Pool.Free.Overlap(covered));
        foreach (var index in Pool.EndedBy(now))
        {
            quarantined--;
            if (covered.Contains(index)) excluded++;
        }
        return new VipUsage(Range.Capacity, Pool.Leased, quarantined, Pool.Reserved, excluded, Range.Capacity - Pool.Leased - quarantined - Pool.Reserved - excluded);
    }

    /// <summary>A grant for each lease, in order of index: what a directory needs of a snapshot.</summary>
    public IEnumerable<MeshEvent> DirectoryFacts() => Leases.Select(lease => new VipGranted(lease.Index, lease.Host) { At = lease.Since });

    /// <summary>What does not fit together, one sentence each; nothing between two changes, whatever happened (halfway through a change's events it may).</summary>
    public IEnumerable<string> Breaches()
    {
        foreach (var (index, host, _) in Leases)
        {
            if (!TryGetLease(host, out var held) || held != index) yield return $"index {index} is leased to {host}, who holds {held}";
            if (ExcludedRanges.Covered.Contains(index)) yield return $"index {index} is leased to {host} but excluded";
        }
        foreach (var index in Reservations)
            if (ClaimantsOf(index).IsEmpty) yield return $"index {index} is reserved but nobody claims it";
        foreach (var (address, host) in Claims)
            if (TryIndexOf(address, out var index) && Pool.Slots[index]?.State != VipState.Reserved) yield return $"{host} claims {address} but index {index} is not reserved";
    }

    /// <summary>Every host that explicitly declares one of an index's two addresses.</summary>
    internal ImmutableSortedSet<HostName> ClaimantsOf(int index) =>
        ClaimedAddresses.HostsOf(Range.IPv4(index).ToString()).Union(ClaimedAddresses.HostsOf(Range.IPv6(index).ToString()));

    /// <summary>The index of an address inside the ranges; false when it is no usable VIP.</summary>
    internal bool TryIndexOf(string address, out int index)
    {
        index = 0;
        return IPAddress.TryParse(address, out var parsed) && Range.TryIndexOf(parsed, out index);
    }

    /// <summary>What the passing of time does: rests end. A function of the time alone, used before deciding and before applying.</summary>
    internal VipLedger MaturedAt(long time)
    {
        var (pool, excluded) = (Pool.MaturedAt(time), ExcludedRanges.MaturedAt(time));
        return pool == (object)Pool && excluded == (object)ExcludedRanges ? this : this with { Pool = pool, ExcludedRanges = excluded };
    }

    /// <summary>True when an index could be granted to anybody.</summary>
    internal bool IsFree(int index) => Range.IsUsable(index) && Pool.Free.Contains(index) && !ExcludedRanges.Covered.Contains(index);

    /// <summary>True when a host holds an index, or would get one back.</summary>
    internal bool Remembers(HostName host) => Pool.Remembers(host);

    /// <summary>The state after an event.</summary>
    /// <exception cref="InvalidOperationException">The event contradicts the state.</exception>
    internal VipLedger After(VipEvent fact)
    {
        if (fact.At < LastAt) throw Broken($"{fact} is before the last event, at {LastAt}");
        var now = MaturedAt(fact.At) with { LastAt = fact.At, RestFloor = RestFloor > fact.At ? RestFloor : 0 };
        return fact switch
        {
            VipGranted e => now.Granted(e),
            VipReleased e => now with { Pool = now.Pool.Release(e.Index, e.Host, e.Until, e.At) },
            AddressClaimed e => now with { ClaimedAddresses = now.ClaimedAddresses.With(e.Address, e.Host) },
            AddressUnclaimed e => now with { ClaimedAddresses = now.ClaimedAddresses.Without(e.Address, e.Host) },
            VipReserved e => now.ReservedBy(e),
            VipUnreserved e => now.Unreserved(e),
            RangeExcluded e => now with { ExcludedRanges = now.ExcludedRanges.Exclude(e.Cidr, e.Host) },
            RangeIncluded e => now with { ExcludedRanges = now.ExcludedRanges.Include(e.Cidr, e.Host, e.Until) },
            VipRested e => now with { Pool = now.Pool.RestFor(e.Index, e.Host, e.Until, e.At) },
            RangeRested e => now with { ExcludedRanges = now.ExcludedRanges.Rest(e.Cidr, e.Until) },
            QuarantineChanged { PeriodMs: > 0 } e => now with { QuarantineMs = e.PeriodMs, RestFloor = Math.Max(now.RestFloor, e.RestUntil ?? 0) },
            TimelineSeen e => e.RestUntil == 0 ? now : now with { Pool = now.Pool.RestedUntil(e.RestUntil, e.At) },
            ClockSetBack { ByMs: > 0 } e => now with { RestFloor = now.RestFloor == 0 ? 0 : VipPool.Later(now.RestFloor, e.ByMs), Pool = now.Pool.Extended(e.ByMs), ExcludedRanges = now.ExcludedRanges.Extended(e.ByMs) },
            _ => throw Broken($"{fact} cannot be"),
        };
    }

    private VipLedger Granted(VipGranted e)
    {
        if (ExcludedRanges.Covered.Contains(e.Index)) throw Broken($"index {e.Index} is granted to {e.Host} but is excluded");
        return this with { Pool = Pool.Grant(e.Index, e.Host, e.At) };
    }

    private VipLedger ReservedBy(VipReserved e)
    {
        if (ClaimantsOf(e.Index).IsEmpty) throw Broken($"index {e.Index} is reserved but nobody claims it");
        return this with { Pool = Pool.Reserve(e.Index, e.At) };
    }

    private VipLedger Unreserved(VipUnreserved e)
    {
        if (!ClaimantsOf(e.Index).IsEmpty) throw Broken($"index {e.Index} is no longer reserved but is still claimed");
        return this with { Pool = Pool.Unreserve(e.Index, e.Until, e.At) };
    }

    private VipRecord RecordOf(int index, VipSlot? slot, long now) => slot switch
    {
        null => new VipRecord(index, VipState.Free, [], 0, null),
        { State: VipState.Reserved } => new VipRecord(index, VipState.Reserved, ClaimantsOf(index), slot.Since, null),
        { State: VipState.Quarantined } when slot.Until <= now => new VipRecord(index, VipState.Free, HostsOf(slot), slot.Until, null),
        { State: VipState.Quarantined } => new VipRecord(index, VipState.Quarantined, HostsOf(slot), slot.Since, slot.Until),
        _ => new VipRecord(index, slot.State, HostsOf(slot), slot.Since, null),
    };

    private static HostName[] HostsOf(VipSlot slot) => slot.Host is { } host ? [host] : [];

    private static InvalidOperationException Broken(string what) => new("the VIP ledger is contradicted: " + what);
}
