using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Vips;

/// <summary>
/// One change while it is decided. Each event is applied as it is made, by the function that replays it, so the decision's state is
/// what replay gives. Nothing leaves this class unless the whole change can be done.
/// </summary>
internal sealed partial class VipChange
{
    private const int WarnPercent = 80;
    private readonly VipLedger _before;
    private readonly IReadOnlyList<WantedVips> _wanted;
    private readonly IReadOnlyList<WantedRest> _rests;
    private readonly long _at;
    private readonly long _behindMs;
    private readonly List<MeshEvent> _events = [];
    private readonly List<VipMove> _moves = [];
    private readonly List<VipWarning> _warnings = [];
    private readonly List<Seeker> _evicted = [];
    private VipLedger _ledger;

    public VipChange(VipLedger state, IReadOnlyList<WantedVips> wanted, IReadOnlyList<WantedRest> rests, long at)
    {
        _before = state;
        _wanted = wanted;
        _rests = rests;
        // The journal's time never goes back; a clock that did is reported by its own event.
        _at = Math.Max(at, state.LastAt);
        _behindMs = _at - at;
        _ledger = state.MaturedAt(_at);
    }

    private long RestUntil => _ledger.RestUntil(_at);

    public Decision<VipLedger, VipReply> Decide()
    {
        foreach (var wanted in _wanted) GiveUp(wanted);
        foreach (var wanted in _wanted) Claim(wanted);
        foreach (var wanted in _wanted) Exclude(wanted);
        foreach (var wanted in _wanted) WarnOfSharedClaims(wanted);
        Rest();
        var refused = Grant(Seekers());
        if (refused is not null) return new(_before, [], null, refused);
        return new(_events.Count == 0 ? _before : _ledger, _events, new VipReply(_moves, _warnings, Notes), null);
    }

    private void GiveUp(WantedVips wanted)
    {
        if (!wanted.Lease && _ledger.TryGetLease(wanted.Host, out var index))
            Emit(new VipReleased(index, wanted.Host, RestUntil, ReleaseReason.Withdrawn) { At = _at });
        foreach (var address in _ledger.ClaimedAddresses.KeysOf(wanted.Host))
            if (!wanted.Claims.Contains(address)) Unclaim(address, wanted.Host);
        foreach (var cidr in _ledger.ExcludedRanges.Declared.KeysOf(wanted.Host))
            if (!wanted.Exclusions.Contains(cidr)) Emit(new RangeIncluded(cidr, wanted.Host, RestUntil) { At = _at });
    }

    private void Unclaim(string address, HostName host)
    {
        Emit(new AddressUnclaimed(address, host) { At = _at });
        if (_ledger.TryIndexOf(address, out var index) && _ledger.ClaimantsOf(index).IsEmpty)
            Emit(new VipUnreserved(index, RestUntil) { At = _at });
    }

    private void Claim(WantedVips wanted)
    {
        foreach (var address in wanted.Claims)
        {
            if (_ledger.ClaimedAddresses.Contains(address, wanted.Host)) continue;
            Emit(new AddressClaimed(address, wanted.Host) { At = _at });
            if (_ledger.TryIndexOf(address, out var index)) Reserve(index, address, wanted.Host);
        }
    }

    private void Reserve(int index, string address, HostName claimant)
    {
        var slot = _ledger.Pool.Slots[index];
        if (slot?.State == VipState.Reserved) return;
        if (slot is { State: VipState.Leased, Host: { } holder })
            Evict(index, holder, $"{claimant} declares the address {address}");
        if (slot is { State: VipState.Quarantined, Host: { } last } && last != claimant)
            Warn(claimant, $"{address} is taken out of quarantine: until lately it was the VIP of {last}, and clients may still use it for that name until {Moment(slot.Until)}");
        Emit(new VipReserved(index) { At = _at });
    }

    private void Exclude(WantedVips wanted)
    {
        foreach (var cidr in wanted.WholeRanges)
            Warn(wanted.Host, $"{cidr} contains the whole VIP range, so it excludes nothing from it");
        foreach (var cidr in wanted.Exclusions)
        {
            if (_ledger.ExcludedRanges.Declared.Contains(cidr, wanted.Host)) continue;
            Emit(new RangeExcluded(cidr, wanted.Host) { At = _at });
            var (first, last) = _ledger.ExcludedRanges.Span(cidr);
            foreach (var (index, slot) in _ledger.Pool.Slots.Used(first, last))
                if (slot.State == VipState.Leased) Evict(index, slot.Host!.Value, $"{wanted.Host} declares the range {cidr}");
        }
    }

    private void Evict(int index, HostName holder, string cause)
    {
        Emit(new VipReleased(index, holder, RestUntil, ReleaseReason.Evicted) { At = _at });
        _evicted.Add(new Seeker(holder, index, cause));
    }

    private void WarnOfSharedClaims(WantedVips wanted)
    {
        foreach (var address in wanted.Claims)
        {
            var claimants = _ledger.TryIndexOf(address, out var index) ? _ledger.ClaimantsOf(index) : _ledger.ClaimedAddresses.HostsOf(address);
            var others = claimants.Remove(wanted.Host);
            if (others.IsEmpty) continue;
            Warn(wanted.Host, $"{address} is also declared by {others[0]}" + (others.Count > 1 ? $" and {others.Count - 1} more" : ""));
        }
    }

    // Hosts that are to get a lease: new ones in the order of the demands, then those that had to move.
    private List<Seeker> Seekers()
    {
        var moving = _evicted.Select(seeker => seeker.Host).ToHashSet();
        var seekers = _wanted.Where(wanted => wanted.Lease && !moving.Contains(wanted.Host) && !_ledger.TryGetLease(wanted.Host, out _))
            .Select(wanted => new Seeker(wanted.Host, null, "", wanted.Wish))
            .ToList();
        var wishes = _evicted.Count == 0 ? [] : _wanted.Where(wanted => wanted.Wish is not null).ToDictionary(wanted => wanted.Host, wanted => wanted.Wish);
        seekers.AddRange(_evicted.Select(seeker => seeker with { Wish = wishes.GetValueOrDefault(seeker.Host) }));
        return seekers;
    }

    private Refusal? Grant(List<Seeker> seekers)
    {
        if (seekers.Count == 0) return null;
        var usage = _ledger.Usage(_at);
        // Those who come back first, and wishes next: else a newcomer earlier in the same change could be given the VIP that another one is entitled to.
        var newcomers = new List<Seeker>();
        foreach (var seeker in seekers)
            if (seeker.Wish is not null || !GrantFormer(seeker)) newcomers.Add(seeker);
        // In order of index, so that next-fit goes on above all that a moved mesh brought.
        foreach (var seeker in newcomers.Where(seeker => seeker.Wish is not null).OrderBy(seeker => seeker.Wish).ThenBy(seeker => !IsFormer(seeker)))
            if (IsWishFree(seeker)) Grant(seeker, seeker.Wish!.Value);
        foreach (var seeker in newcomers)
        {
            if (_ledger.TryGetLease(seeker.Host, out _)) continue;
            if (seeker.Wish is null || !GrantFormer(seeker))
            {
                var next = _ledger.Pool.NextFree(_ledger.ExcludedRanges.Covered);
                if (next < 0) return Exhausted(usage, seekers.Count);
                Grant(seeker, next);
            }
            if (seeker.Wish is { } missed) Warn(seeker.Host, $"{seeker.Host} gets another VIP than {_ledger.Range.IPv4(missed)}, which it had elsewhere: {WhyNot(missed)}");
        }
        WarnOfFullness(seekers[0].Host);
        return null;
    }

    private bool GrantFormer(Seeker seeker)
    {
        if (!_ledger.Pool.TryGetFormer(seeker.Host, _ledger.ExcludedRanges.Covered, out var former)) return false;
        Grant(seeker, former);
        return true;
    }

    private bool IsFormer(Seeker seeker) => _ledger.Pool.TryGetFormer(seeker.Host, _ledger.ExcludedRanges.Covered, out var former) && former == seeker.Wish;

    private bool IsWishFree(Seeker seeker) => _ledger.Pool.CanGrant(seeker.Wish!.Value, seeker.Host) && !_ledger.ExcludedRanges.Covered.Contains(seeker.Wish.Value);

    private string WhyNot(int index) => _ledger.Pool.Slots[index] switch
    {
        { State: VipState.Leased, Host: { } holder } => $"{holder} holds it here",
        { State: VipState.Reserved } => $"{_ledger.ClaimantsOf(index)[0]} declares the address here",
        { State: VipState.Quarantined } slot => $"it rests for {slot.Host?.Text ?? "nobody"} until {Moment(slot.Until)}",
        _ => "a declared CIDR covers it, or did until lately",
    };

    private void Grant(Seeker seeker, int index)
    {
        Emit(new VipGranted(index, seeker.Host) { At = _at });
        if (seeker.From is { } from) _moves.Add(new VipMove(seeker.Host, from, index, seeker.Cause));
    }

    private void WarnOfFullness(HostName host)
    {
        var usage = _ledger.Usage(_at);
        var used = usage.Capacity - usage.Free;
        if (used * 100L >= usage.Capacity * (long)WarnPercent)
            Warn(host, $"{VipWarning.PoolPrefix}{used * 100L / usage.Capacity} % used: {Describe(usage)}");
    }

    private static Refusal Exhausted(VipUsage usage, int asked) => new(RefusalReason.PoolExhausted,
        $"the VIP pool is exhausted: the change asks for {asked} VIP{(asked == 1 ? "" : "s")}; {Describe(usage)}");

    private static string Describe(VipUsage usage) =>
        $"of {usage.Capacity} (capacity) {usage.Leased} are used (leased), {usage.Quarantined} quarantined, {usage.Reserved} reserved, {usage.Excluded} excluded, {usage.Free} free";

    private void Warn(HostName host, string text) => _warnings.Add(new VipWarning(host, text));

    private void Emit(VipEvent fact)
    {
        _ledger = _ledger.After(fact);
        _events.Add(fact);
    }

    /// <summary>A host that is to get a lease; From is the index that it had to leave, Wish the one that it had elsewhere.</summary>
    private sealed record Seeker(HostName Host, int? From, string Cause, int? Wish = null);
}
