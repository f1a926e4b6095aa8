using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Vips;

/// <summary>
/// The pure half of the VIP allocator: who gets which VIP ("Who gets a VIP" of behaviour.md). The order of a decision: what hosts give up,
/// explicit addresses and CIDRs (they win, and evict), what rested elsewhere, then leases: to those who come back, by wishes, then next-fit.
/// </summary>
public sealed class VipLedgerCore
{
    /// <summary>
    /// The period that every journal begins with; another one is journalled before the first lease. Part of the journal's format: it never
    /// changes, or old journals would replay differently.
    /// </summary>
    public static readonly TimeSpan FirstQuarantine = TimeSpan.FromHours(24);

    private readonly VipRange _range;

    /// <summary>A core for journals.</summary>
    public VipLedgerCore(VipRange range) : this(range, FirstQuarantine)
    {
    }

    /// <summary>Takes the cluster's ranges and its first quarantine period; later periods are events.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A quarantine shorter than a millisecond.</exception>
    public VipLedgerCore(VipRange range, TimeSpan initialQuarantine)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(initialQuarantine, TimeSpan.FromMilliseconds(1));
        _range = range;
        Empty = new VipLedger(range, (long)initialQuarantine.TotalMilliseconds);
    }

    /// <summary>The ledger before the first event.</summary>
    public VipLedger Empty { get; }

    /// <summary>
    /// Decides a change, whole or not at all. Refused as <see cref="RefusalReason.PoolExhausted"/> when the pool cannot give every lease
    /// that it needs, as <see cref="RefusalReason.Invalid"/> when the sender broke the contract of <see cref="VipCommand"/>.
    /// </summary>
    public Decision<VipLedger, VipReply> Decide(VipLedger state, VipCommand command)
    {
        var invalid = WantedVips.TryRead(_range, command.Demands, out var wanted);
        IReadOnlyList<WantedRest> rests = [];
        if (command.Rests is { } asked) invalid ??= WantedRests.TryRead(_range, asked, command.At, out rests);
        return invalid is null ? new VipChange(state, wanted, rests, command.At).Decide() : new(state, [], null, invalid);
    }

    /// <summary>Applies a journalled event.</summary>
    /// <exception cref="InvalidOperationException">The event contradicts the state: the journal is damaged.</exception>
    public static VipLedger Apply(VipLedger state, MeshEvent fact) =>
        state.After(fact as VipEvent ?? throw new InvalidOperationException($"{fact.GetType().Name} does not belong into the stream {Streams.Vips}"));

    /// <summary>The ledger as bytes; equal ones give equal bytes.</summary>
    public static byte[] Snapshot(VipLedger state) => VipSnapshot.Write(state);

    /// <summary>The ledger that <see cref="Snapshot"/> wrote.</summary>
    /// <exception cref="FormatException">The snapshot is damaged.</exception>
    public VipLedger Restore(ReadOnlySpan<byte> snapshot) => VipSnapshot.Read(_range, snapshot);

    /// <summary>
    /// What a recovery appends that finds the journal's clock behind the last event: nobody knows how long ago that event was, so every
    /// running quarantine lasts longer by the difference. Null when the clock is not behind.
    /// </summary>
    /// <param name="state">The recovered state.</param>
    /// <param name="now">The journal's clock, milliseconds since the Unix epoch.</param>
    public static MeshEvent? OnClock(VipLedger state, long now) =>
        now < state.LastAt ? new ClockSetBack(state.LastAt - now) { At = state.LastAt } : null;

    /// <summary>
    /// What is appended when the cluster's quarantine is to be another one. Null when it is the same. It holds for later releases only, and a shorter one for those that come a whole longer one after it.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <param name="period">The quarantine that is wanted.</param>
    /// <param name="at">Now, by the journal's clock, milliseconds since the Unix epoch.</param>
    /// <exception cref="ArgumentOutOfRangeException">A quarantine shorter than a millisecond.</exception>
    public static MeshEvent? OnQuarantine(VipLedger state, TimeSpan period, long at)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(period, TimeSpan.FromMilliseconds(1));
        var periodMs = (long)period.TotalMilliseconds;
        if (periodMs == state.QuarantineMs) return null;
        at = Math.Max(at, state.LastAt);
        // Of a log in which nothing was ever leased nobody knows anything.
        return new QuarantineChanged(periodMs, periodMs < state.QuarantineMs && state.LastAt > 0 ? state.RestUntil(at) : null) { At = at };
    }
}
