using System.Net;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>
/// The rules again, as plainly as they can be said: dictionaries, linear scans, a copy of everything a change. It knows no events and
/// shares no code with the ledger except the ranges' arithmetic.
/// </summary>
internal sealed class NaiveLedger(VipRange range, long quarantineMs)
{
    private readonly Dictionary<int, Entry> _entries = Usable(range).ToDictionary(index => index, _ => new Entry(VipState.Free, null, 0));
    private readonly Dictionary<HostName, int> _own = [];
    private readonly HashSet<(string Address, HostName Host)> _claims = [];
    private readonly HashSet<(string Cidr, HostName Host)> _exclusions = [];
    private readonly Dictionary<string, long> _resting = [];
    private int _last = range.First - 1;

    public long QuarantineMs { get; private set; } = quarantineMs;

    public long LastAt { get; private set; }

    private long RestFloor { get; set; }

    public IEnumerable<(string Address, HostName Host)> Claims => _claims.OrderBy(c => c.Address, StringComparer.Ordinal).ThenBy(c => c.Host);

    /// <summary>The model after a change; null when it is refused; this one when nothing was to do.</summary>
    public NaiveLedger? Change(VipCommand command)
    {
        var next = Copy();
        var at = Math.Max(command.At, LastAt);
        RestingVip[] rests = [.. (command.Rests ?? []).Select(rest => rest with { Until = rest.Until + at - command.At })];
        var changed = next.Do(command.Demands, rests, at);
        return changed is null ? null : changed.Value ? next : this;
    }

    public NaiveLedger ClockSetBack(long byMs)
    {
        var next = Copy();
        next.Mature(LastAt);
        foreach (var (index, entry) in next._entries.ToList())
            if (entry.State == VipState.Quarantined) next._entries[index] = entry with { Until = entry.Until + byMs };
        foreach (var (cidr, until) in next._resting.ToList()) next._resting[cidr] = until + byMs;
        if (RestFloor > LastAt) next.RestFloor += byMs;
        return next;
    }

    public NaiveLedger QuarantineChanged(long periodMs, long at)
    {
        var next = Copy();
        next.LastAt = Math.Max(at, LastAt);
        next.Mature(next.LastAt);
        if (periodMs < QuarantineMs && LastAt > 0) next.RestFloor = Math.Max(RestFloor, next.LastAt + QuarantineMs);
        next.QuarantineMs = periodMs;
        return next;
    }

    // An edge that was cut off before the quarantine was shortened answers by the longer one.
    private long RestUntil(long at) => Math.Max(at + QuarantineMs, RestFloor);

    public (VipState State, IEnumerable<HostName> Hosts, long? Until) At(int index, long now)
    {
        var entry = _entries[index];
        if (entry.State == VipState.Reserved) return (VipState.Reserved, Claimants(index), null);
        IEnumerable<HostName> hosts = entry.Host is { } host ? [host] : [];
        if (entry.State == VipState.Quarantined && entry.Until <= now) return (VipState.Free, hosts, null);
        return (entry.State, hosts, entry.State == VipState.Quarantined ? entry.Until : null);
    }

    public VipUsage Usage(long now)
    {
        var states = _entries.Keys.ToDictionary(index => index, index => At(index, now).State);
        int Count(VipState state) => states.Values.Count(s => s == state);
        var excluded = states.Count(s => s.Value == VipState.Free && Excluded(s.Key, now));
        return new VipUsage(_entries.Count, Count(VipState.Leased), Count(VipState.Quarantined), Count(VipState.Reserved), excluded, Count(VipState.Free) - excluded);
    }

    public int? LeaseOf(HostName host)
    {
        foreach (var (index, entry) in _entries) if (entry.State == VipState.Leased && entry.Host == host) return index;
        return null;
    }

    public bool Excluded(int index, long now) =>
        _exclusions.Any(e => Covers(e.Cidr, index)) || _resting.Any(r => r.Value > now && Covers(r.Key, index));

    private bool? Do(IReadOnlyList<VipDemand> demands, IReadOnlyList<RestingVip> rests, long at)
    {
        Mature(at);
        var changed = false;
        foreach (var demand in demands) changed |= GiveUp(demand, at);
        var evicted = new List<HostName>();
        foreach (var demand in demands)
            foreach (var address in demand.Claims.Select(Canonical).Order(StringComparer.Ordinal)) changed |= Claim(demand.Host, address, at, evicted);
        foreach (var demand in demands)
            foreach (var cidr in demand.Exclusions.Where(Partial).Select(text => Cidr.Parse(text).ToString()).Order(StringComparer.Ordinal)) changed |= Exclude(demand.Host, cidr, at, evicted);
        foreach (var rest in rests) changed |= Rest(rest, at);
        var seekers = demands.Where(d => d.Lease && LeaseOf(d.Host) is null && !evicted.Contains(d.Host)).Select(d => d.Host).Concat(evicted).ToList();
        var wishes = demands.Where(d => d.Wish is not null).ToDictionary(d => d.Host, d => d.Wish!.Value);
        int? OwnOf(HostName host) => _own.TryGetValue(host, out var own) && _entries[own].State is VipState.Free or VipState.Quarantined && !Excluded(own, at) ? own : null;
        void Give(HostName host, int index)
        {
            Grant(index, host);
            seekers.Remove(host);
            changed = true;
        }
        foreach (var host in seekers.Where(h => !wishes.ContainsKey(h)).ToList())
            if (OwnOf(host) is { } own) Give(host, own);
        foreach (var host in seekers.Where(wishes.ContainsKey).OrderBy(h => wishes[h]).ThenBy(h => OwnOf(h) == wishes[h] ? 0 : 1).ToList())
        {
            var (wish, entry) = (wishes[host], _entries[wishes[host]]);
            var returns = OwnOf(host) == wish;
            if (Excluded(wish, at) || entry.State is not VipState.Free && (entry.State is not VipState.Quarantined || entry.Host != host)) continue;
            Give(host, wish);
            if (!returns) _last = wish;
        }
        foreach (var host in seekers.ToList())
        {
            if (wishes.ContainsKey(host) && OwnOf(host) is { } own) { Give(host, own); continue; }
            var free = Usable(range).Where(i => _entries[i].State == VipState.Free && !Excluded(i, at)).OrderBy(i => i <= _last).ThenBy(i => i).ToList();
            if (free.Count == 0) return null;
            Give(host, _last = free[0]);
        }
        if (changed) LastAt = at;
        return changed;
    }

    private bool GiveUp(VipDemand demand, long at)
    {
        var changed = false;
        if (!demand.Lease && LeaseOf(demand.Host) is { } lease)
        {
            _entries[lease] = new Entry(VipState.Quarantined, demand.Host, RestUntil(at));
            changed = true;
        }
        foreach (var claim in _claims.Where(c => c.Host == demand.Host && !demand.Claims.Select(Canonical).Contains(c.Address)).ToList())
        {
            _claims.Remove(claim);
            changed = true;
            if (range.TryIndexOf(IPAddress.Parse(claim.Address), out var index) && !Claimants(index).Any())
                _entries[index] = new Entry(VipState.Quarantined, null, RestUntil(at));
        }
        foreach (var exclusion in _exclusions.Where(e => e.Host == demand.Host && !demand.Exclusions.Contains(e.Cidr)).ToList())
        {
            _exclusions.Remove(exclusion);
            changed = true;
            if (!_exclusions.Any(e => e.Cidr == exclusion.Cidr)) _resting[exclusion.Cidr] = RestUntil(at);
        }
        return changed;
    }

    private bool Claim(HostName host, string address, long at, List<HostName> evicted)
    {
        if (!_claims.Add((address, host))) return false;
        if (!range.TryIndexOf(IPAddress.Parse(address), out var index)) return true;
        if (_entries[index] is { State: VipState.Leased, Host: { } holder }) evicted.Add(holder);
        foreach (var former in _own.Where(own => own.Value == index).ToList()) _own.Remove(former.Key);
        _entries[index] = new Entry(VipState.Reserved, null, 0);
        return true;
    }

    private bool Exclude(HostName host, string cidr, long at, List<HostName> evicted)
    {
        if (!_exclusions.Add((cidr, host))) return false;
        _resting.Remove(cidr);
        foreach (var index in Usable(range).Where(i => Covers(cidr, i)))
        {
            if (_entries[index] is not { State: VipState.Leased, Host: { } holder }) continue;
            evicted.Add(holder);
            _entries[index] = new Entry(VipState.Quarantined, holder, RestUntil(at));
        }
        return true;
    }

    private bool Rest(RestingVip rest, long at)
    {
        if (rest.Until <= at) return false;
        if (!IPAddress.TryParse(rest.Vip, out var vip))
        {
            var cidr = Cidr.Parse(rest.Vip).ToString();
            if (_exclusions.Any(e => e.Cidr == cidr) || _resting.GetValueOrDefault(cidr) >= rest.Until || _entries.Any(e => e.Value.State == VipState.Leased && Covers(cidr, e.Key))) return false;
            _resting[cidr] = rest.Until;
            return true;
        }
        Assert.True(range.TryIndexOf(vip, out var index));
        var entry = _entries[index];
        if (entry.State is VipState.Leased or VipState.Reserved || entry.State == VipState.Quarantined && entry.Until >= rest.Until) return false;
        if (entry.State == VipState.Quarantined) { _entries[index] = entry with { Until = rest.Until }; return true; }
        foreach (var former in _own.Where(own => own.Value == index).ToList()) _own.Remove(former.Key);
        _entries[index] = new Entry(VipState.Quarantined, rest.Host, rest.Until);
        if (rest.Host is { } host && LeaseOf(host) is null && (!_own.TryGetValue(host, out var other) || _entries[other].Until < rest.Until)) _own[host] = index;
        return true;
    }

    private void Grant(int index, HostName host)
    {
        foreach (var former in _own.Where(own => own.Value == index).ToList()) _own.Remove(former.Key);
        _own[host] = index;
        _entries[index] = new Entry(VipState.Leased, host, 0);
    }

    private void Mature(long at)
    {
        foreach (var (index, entry) in _entries.ToList())
            if (entry.State == VipState.Quarantined && entry.Until <= at) _entries[index] = new Entry(VipState.Free, entry.Host, 0);
        foreach (var (cidr, until) in _resting.ToList()) if (until <= at) _resting.Remove(cidr);
    }

    private IEnumerable<HostName> Claimants(int index) =>
        _claims.Where(c => range.TryIndexOf(IPAddress.Parse(c.Address), out var i) && i == index).Select(c => c.Host).Distinct().Order();

    private bool Covers(string cidr, int index) => Cidr.Parse(cidr).Contains(range.IPv4(index)) || Cidr.Parse(cidr).Contains(range.IPv6(index));

    private bool Partial(string cidr)
    {
        // An IPv6 address outside the indexes' own 16 bits belongs to no index, so covering is asked index by index.
        var covered = Enumerable.Range(range.First, range.Last - range.First + 1).Where(i => Covers(cidr, i)).ToList();
        return covered.Count > 0 && Usable(range).Any(i => !Covers(cidr, i));
    }

    private NaiveLedger Copy()
    {
        var copy = new NaiveLedger(range, QuarantineMs) { LastAt = LastAt, RestFloor = RestFloor, _last = _last };
        foreach (var (index, entry) in _entries) copy._entries[index] = entry;
        foreach (var (host, index) in _own) copy._own[host] = index;
        copy._claims.UnionWith(_claims);
        copy._exclusions.UnionWith(_exclusions);
        foreach (var (cidr, until) in _resting) copy._resting[cidr] = until;
        return copy;
    }

    private static string Canonical(string address) => IPAddress.Parse(address).ToString();

    private static IEnumerable<int> Usable(VipRange range) => Enumerable.Range(range.First, range.Last - range.First + 1).Where(range.IsUsable);

    private sealed record Entry(VipState State, HostName? Host, long Until);
}
