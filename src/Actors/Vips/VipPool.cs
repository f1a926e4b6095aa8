using System.Collections.Immutable;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>
/// Every index and who has it. Immutable; each operation checks what must hold before it and throws
/// <see cref="InvalidOperationException"/> otherwise, so that a lease is checked when it is decided and again when it is replayed.
/// </summary>
internal sealed record VipPool
{
    private VipPool(VipRange range)
    {
        Range = range;
        Cursor = range.First - 1;
        Free = IndexSet.Where(range.First, range.Last, range.IsUsable);
    }

    public VipRange Range { get; }

    /// <summary>The last index that next-fit granted.</summary>
    public int Cursor { get; private init; }

    public SlotTable Slots { get; private init; } = SlotTable.Empty;

    /// <summary>Usable indexes that nobody holds and that do not rest, excluded ones too.</summary>
    public IndexSet Free { get; private init; }

    public int Leased { get; private init; }

    public int Reserved { get; private init; }

    public int Quarantined => Quarantine.Count;

    // By end, so that maturing looks only at those that have ended.
    private ImmutableSortedSet<(long Until, int Index)> Quarantine { get; init; } = [];

    // The index that each host holds or would get back: the slots whose Host it is and that say Returns, from the other side.
    private ImmutableDictionary<HostName, int> Hosts { get; init; } = ImmutableDictionary<HostName, int>.Empty;

    public static VipPool Of(VipRange range) => new(range);

    /// <summary>A pool with these slots (a snapshot's).</summary>
    public static VipPool Of(VipRange range, int cursor, IEnumerable<(int Index, VipSlot Slot)> used)
    {
        var slots = SlotTable.Empty;
        var hosts = ImmutableDictionary.CreateBuilder<HostName, int>();
        var quarantine = ImmutableSortedSet.CreateBuilder<(long, int)>();
        int leased = 0, reserved = 0;
        foreach (var (index, slot) in used)
        {
            if (!range.IsUsable(index) || slots[index] is not null) throw Broken($"index {index} is outside the pool or there twice");
            if (!Enum.IsDefined(slot.State)) throw Broken($"index {index} has an unknown state");
            if (slot.State == VipState.Quarantined && slot.Until <= slot.Since) throw Broken($"the quarantine of index {index} has no end");
            if (slot.State == VipState.Leased && slot is not { Host: not null, Returns: true }) throw Broken($"index {index} is leased to nobody");
            slots = slots.With(index, slot);
            if (slot is { Host: { } host, Returns: true } && !hosts.TryAdd(host, index)) throw Broken($"{host} has two indexes");
            if (slot.State == VipState.Quarantined) quarantine.Add((slot.Until, index));
            if (slot.State == VipState.Leased) leased++;
            if (slot.State == VipState.Reserved) reserved++;
        }
        if (cursor < range.First - 1 || cursor > range.Last) throw Broken($"the cursor {cursor} is outside the pool");
        return new VipPool(range)
        {
            Cursor = cursor,
            Slots = slots,
            Hosts = hosts.ToImmutable(),
            Quarantine = quarantine.ToImmutable(),
            Leased = leased,
            Reserved = reserved,
            Free = IndexSet.Where(range.First, range.Last, index => range.IsUsable(index) && slots[index] is null or { State: VipState.Free }),
        };
    }

    /// <summary>The index that a host leases.</summary>
    public bool TryGetLease(HostName host, out int index) =>
        Hosts.TryGetValue(host, out index) && Slots[index]!.State == VipState.Leased;

    /// <summary>The index that a host without lease had last, when it can have it again.</summary>
    public bool TryGetFormer(HostName host, IndexSet excluded, out int index) =>
        Hosts.TryGetValue(host, out index) && Slots[index]!.State is VipState.Free or VipState.Quarantined && !excluded.Contains(index);

    /// <summary>True when a host holds an index, or would get one back.</summary>
    public bool Remembers(HostName host) => Hosts.ContainsKey(host);

    /// <summary>The next free index after the last one granted so; -1 when there is none.</summary>
    public int NextFree(IndexSet excluded)
    {
        var next = Free.Next(Cursor + 1, Range.Last, excluded);
        return next >= 0 ? next : Free.Next(Range.First, Cursor, excluded);
    }

    /// <summary>True when an index is free, or rests for nobody but this host.</summary>
    public bool CanGrant(int index, HostName host) => Slots[index] is null or { State: VipState.Free } || Slots[index] is { State: VipState.Quarantined } slot && slot.Host == host;

    public VipPool Grant(int index, HostName host, long at)
    {
        var slot = Usable(index);
        if (TryGetLease(host, out var held)) throw Broken($"{host} is granted index {index} but holds {held}");
        var returning = slot is { Returns: true } && slot.Host == host && slot.State is VipState.Free or VipState.Quarantined;
        if (!returning && !CanGrant(index, host)) throw Broken($"index {index} is granted to {host} but is {slot?.State} ({slot?.Host})");
        var pool = Vacate(index, slot);
        var slots = pool.Slots;
        if (pool.Hosts.TryGetValue(host, out var former)) slots = slots.With(former, slots[former]! with { Returns = false });
        return pool with
        {
            Slots = slots.With(index, new VipSlot(VipState.Leased, host, at, 0, Returns: true)),
            Hosts = pool.Hosts.SetItem(host, index),
            Leased = Leased + 1,
            Cursor = returning ? Cursor : index,
        };
    }

    public VipPool Release(int index, HostName host, long until, long at)
    {
        var slot = Usable(index);
        if (slot?.State != VipState.Leased || slot.Host != host) throw Broken($"{host} releases index {index}, which it does not hold");
        return Rest(index, host, until, at) with { Leased = Leased - 1 };
    }

    public VipPool Reserve(int index, long at)
    {
        var slot = Usable(index);
        if (slot is { State: VipState.Leased or VipState.Reserved }) throw Broken($"index {index} is reserved but is {slot.State} ({slot.Host})");
        var pool = Vacate(index, slot);
        return pool with { Slots = pool.Slots.With(index, new VipSlot(VipState.Reserved, null, at, 0, Returns: false)), Reserved = Reserved + 1 };
    }

    public VipPool Unreserve(int index, long until, long at)
    {
        if (Usable(index)?.State != VipState.Reserved) throw Broken($"index {index} is no longer reserved but never was");
        return Rest(index, null, until, at) with { Reserved = Reserved - 1 };
    }

    /// <summary>
    /// An index that nobody holds rests until then. Of several that rest for a host that holds none, it has the one back that rests longest: the one that it held last.
    /// </summary>
    public VipPool RestFor(int index, HostName? host, long until, long at)
    {
        var slot = Usable(index);
        if (slot is { State: VipState.Leased or VipState.Reserved }) throw Broken($"index {index} is to rest but is {slot.State} ({slot.Host})");
        if (until <= at) throw Broken($"the rest of index {index} ends at {until}, which is not after {at}");
        if (slot is { State: VipState.Quarantined })
        {
            if (until <= slot.Until) throw Broken($"the rest of index {index} is to end at {until}, but it rests until {slot.Until}");
            return this with { Slots = Slots.With(index, slot with { Until = until }), Quarantine = Quarantine.Remove((slot.Until, index)).Add((until, index)) };
        }
        var pool = Vacate(index, slot);
        var (slots, hosts) = (pool.Slots, pool.Hosts);
        var returns = host is not null;
        if (host is { } last)
        {
            var own = hosts.TryGetValue(last, out var other) ? slots[other] : null;
            returns = own is null || own.State != VipState.Leased && own.Until < until;
            if (returns && own is not null) slots = slots.With(other, own with { Returns = false });
            if (returns) hosts = hosts.SetItem(last, index);
        }
        return pool with
        {
            Slots = slots.With(index, new VipSlot(VipState.Quarantined, host, at, until, returns)),
            Hosts = hosts,
            Quarantine = pool.Quarantine.Add((until, index)),
        };
    }

    /// <summary>Frees what has rested long enough: a function of the time alone, so that it needs no event.</summary>
    public VipPool MaturedAt(long time)
    {
        if (Quarantine.IsEmpty || Quarantine.Min.Until > time) return this;
        var (slots, free, quarantine) = (Slots, Free, Quarantine);
        while (!quarantine.IsEmpty && quarantine.Min.Until <= time)
        {
            var ended = quarantine.Min;
            quarantine = quarantine.Remove(ended);
            free = free.With(ended.Index);
            slots = slots.With(ended.Index, slots[ended.Index]! with { State = VipState.Free, Since = ended.Until, Until = 0 });
        }
        return this with { Slots = slots, Free = free, Quarantine = quarantine };
    }

    /// <summary>The resting indexes whose quarantine has ended by then.</summary>
    public IEnumerable<int> EndedBy(long time) => Quarantine.TakeWhile(entry => entry.Until <= time).Select(entry => entry.Index);

    public VipPool Extended(long byMs)
    {
        var slots = Slots;
        foreach (var (until, index) in Quarantine) slots = slots.With(index, slots[index]! with { Until = Later(until, byMs) });
        return this with { Slots = slots, Quarantine = [.. Quarantine.Select(entry => (Later(entry.Until, byMs), entry.Index))] };
    }

    /// <summary>Every index that nobody holds rests at least until then; it keeps its last host.</summary>
    public VipPool RestedUntil(long until, long at)
    {
        if (until <= at) throw Broken($"a rest ends at {until}, which is not after {at}");
        var slots = Slots;
        var quarantine = Quarantine.ToBuilder();
        for (var index = Range.First; index <= Range.Last; index++)
        {
            if (!Range.IsUsable(index) || slots[index] is { State: VipState.Leased or VipState.Reserved }) continue;
            var slot = slots[index];
            if (slot is { State: VipState.Quarantined } && slot.Until >= until) continue;
            if (slot is { State: VipState.Quarantined }) quarantine.Remove((slot.Until, index));
            quarantine.Add((until, index));
            slots = slots.With(index, slot is { State: VipState.Quarantined } ? slot with { Until = until } : new VipSlot(VipState.Quarantined, slot?.Host, at, until, slot?.Returns ?? false));
        }
        return this with { Slots = slots, Quarantine = quarantine.ToImmutable(), Free = IndexSet.Where(Range.First, Range.Last, _ => false) };
    }

    /// <summary>A time so many milliseconds later, never past the end of time: a wrapped sum would end a quarantine at once.</summary>
    public static long Later(long time, long byMs) => time > long.MaxValue - byMs ? long.MaxValue : time + byMs;

    private VipPool Rest(int index, HostName? host, long until, long at)
    {
        if (until <= at) throw Broken($"the quarantine of index {index} ends at {until}, which is not after {at}");
        return this with
        {
            Slots = Slots.With(index, new VipSlot(VipState.Quarantined, host, at, until, Returns: host is not null)),
            Quarantine = Quarantine.Add((until, index)),
        };
    }

    // Takes an index out of the free and the resting ones, and out of its last host's memory.
    private VipPool Vacate(int index, VipSlot? slot) => this with
    {
        Free = Free.Without(index),
        Quarantine = slot?.State == VipState.Quarantined ? Quarantine.Remove((slot.Until, index)) : Quarantine,
        Hosts = slot is { Host: { } last, Returns: true } ? Hosts.Remove(last) : Hosts,
    };

    private VipSlot? Usable(int index) => Range.IsUsable(index) ? Slots[index] : throw Broken($"index {index} is not usable in {Range.V4}");

    private static InvalidOperationException Broken(string what) => new("the VIP ledger is contradicted: " + what);
}
