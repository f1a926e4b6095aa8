using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Vips;

/// <summary>
/// Watches the events of a ledger and holds them to the promises of the design, with its own notes and its own knowledge of the
/// quarantine that was configured. It believes nothing that the ledger says about itself.
/// </summary>
internal sealed class PromiseWitness(VipRange range, long quarantineMs)
{
    private readonly Dictionary<int, HostName> _holders = [];
    private readonly Dictionary<int, (HostName? Last, long End)> _rests = [];
    private readonly Dictionary<string, long> _rangeRests = [];
    private readonly Dictionary<HostName, int> _own = [];
    private readonly HashSet<(string Address, HostName Host)> _claims = [];
    private readonly HashSet<(string Cidr, HostName Host)> _exclusions = [];
    private Dictionary<HostName, int> _wishes = [];
    private long _quarantineMs = quarantineMs;
    private long _oldKnowledgeUntil;
    private bool _hasSeen;

    /// <summary>A change was accepted with these events.</summary>
    public void Saw(VipCommand command, IReadOnlyList<MeshEvent> events)
    {
        var demands = command.Demands;
        _wishes = demands.Where(d => d.Wish is not null).ToDictionary(d => d.Host, d => d.Wish!.Value);
        var before = _holders.ToDictionary(entry => entry.Value, entry => entry.Key);
        foreach (var fact in events) Saw(fact);
        var now = _holders.ToDictionary(entry => entry.Value, entry => entry.Key);
        var leaving = demands.Where(d => !d.Lease).Select(d => d.Host).ToHashSet();
        foreach (var (host, index) in before)
        {
            if (leaving.Contains(host)) continue;
            if (!now.TryGetValue(host, out var after)) throw Broken(2, $"{host} is still declared and has no VIP");
            if (after != index && !TakenExplicitly(index)) throw Broken(2, $"{host} moved from {index} to {after} though nothing explicit is there");
        }
        foreach (var demand in demands)
        {
            if (demand.Lease != now.ContainsKey(demand.Host)) throw Broken(7, $"{demand.Host}: demand and lease differ after an accepted change");
            if (demand is { Lease: true, Wish: { } wish } && !before.ContainsKey(demand.Host) && now[demand.Host] != wish && !TakenExplicitly(wish) && !RangeRests(wish, command.At) && !now.ContainsValue(wish)
                && !(_rests.TryGetValue(wish, out var rest) && rest.End > command.At && rest.Last != demand.Host)) throw Broken(2, $"{demand.Host} wished for {wish}, which nobody has");
        }
        foreach (var rest in command.Rests ?? []) Imported(rest, command.At);
    }

    /// <summary>An event outside a change.</summary>
    public void Saw(MeshEvent fact)
    {
        Take(fact);
        _hasSeen = true;
    }

    private void Take(MeshEvent fact)
    {
        switch (fact)
        {
            case VipGranted e: Granted(e); break;
            case VipReleased e:
                if (!_holders.Remove(e.Index, out var holder) || holder != e.Host) throw Broken(1, $"{e} of one who does not hold it");
                if (e.Reason == ReleaseReason.Evicted && !TakenExplicitly(e.Index)) throw Broken(2, $"{e} though nothing explicit is there");
                _rests[e.Index] = (e.Host, End(e.At));
                break;
            case VipReserved e:
                if (_holders.ContainsKey(e.Index)) throw Broken(1, $"{e} of a leased index");
                _rests.Remove(e.Index);
                foreach (var (host, _) in _own.Where(own => own.Value == e.Index).ToList()) _own.Remove(host);
                break;
            case VipUnreserved e: _rests[e.Index] = (null, End(e.At)); break;
            case AddressClaimed e: _claims.Add((e.Address, e.Host)); break;
            case AddressUnclaimed e: _claims.Remove((e.Address, e.Host)); break;
            case RangeExcluded e: _exclusions.Add((e.Cidr, e.Host)); _rangeRests.Remove(e.Cidr); break;
            case RangeIncluded e:
                _exclusions.Remove((e.Cidr, e.Host));
                if (!_exclusions.Any(x => x.Cidr == e.Cidr)) _rangeRests[e.Cidr] = End(e.At);
                break;
            case VipRested e:
                if (_holders.ContainsKey(e.Index)) throw Broken(1, $"{e} of a leased index");
                var running = _rests.TryGetValue(e.Index, out var known) && known.End > e.At;
                if (running && known.End > e.Until) throw Broken(4, $"{e} cuts short what rests until {known.End}");
                _rests[e.Index] = running ? (known.Last, e.Until) : (e.Host, e.Until);
                if (!running) Remember(e);
                break;
            case RangeRested e:
                if (_holders.Keys.Any(index => Covers(e.Cidr, index))) throw Broken(1, $"{e} over a leased index");
                _rangeRests[e.Cidr] = Math.Max(e.Until, _rangeRests.GetValueOrDefault(e.Cidr));
                break;
            case QuarantineChanged e:
                if (_hasSeen && e.PeriodMs < _quarantineMs) _oldKnowledgeUntil = End(e.At);
                _quarantineMs = e.PeriodMs;
                break;
            case ClockSetBack e: SetBack(e); break;
        }
    }

    // Who was cut off before the quarantine was shortened goes on answering by the longer one.
    private long End(long at) => Math.Max(at + _quarantineMs, _oldKnowledgeUntil);

    // Of several that rest for a host that holds none, it has the one back that rests longest.
    private void Remember(VipRested e)
    {
        foreach (var (host, _) in _own.Where(own => own.Value == e.Index).ToList()) _own.Remove(host);
        if (e.Host is not { } last || _holders.ContainsValue(last)) return;
        if (!_own.TryGetValue(last, out var other) || !_rests.TryGetValue(other, out var rest) || rest.End <= e.At || rest.End < e.Until) _own[last] = e.Index;
    }

    // Whatever the events say: what was to rest until then is held by somebody, is claimed, or rests that long.
    private void Imported(RestingVip rest, long at)
    {
        if (rest.Until <= at || !System.Net.IPAddress.TryParse(rest.Vip, out var vip)) return;
        if (!range.TryIndexOf(vip, out var index) || _holders.ContainsKey(index) || TakenExplicitly(index)) return;
        if (!_rests.TryGetValue(index, out var kept) || kept.End < rest.Until) throw Broken(4, $"{rest} does not rest so long");
    }

    private void Granted(VipGranted e)
    {
        if (_holders.TryGetValue(e.Index, out var holder)) throw Broken(1, $"{e}: {holder} holds it");
        if (_holders.ContainsValue(e.Host)) throw Broken(1, $"{e}: the host holds another");
        if (TakenExplicitly(e.Index)) throw Broken(1, $"{e}: it is claimed or excluded");
        if (_rests.TryGetValue(e.Index, out var rest) && rest.End > e.At && rest.Last != e.Host) throw Broken(4, $"{e}: it rests until {rest.End} for {rest.Last}");
        if (RangeRests(e.Index, e.At)) throw Broken(4, $"{e}: a range over it rests");
        if (_own.TryGetValue(e.Host, out var own) && own != e.Index && _wishes.GetValueOrDefault(e.Host, -1) != e.Index && !TakenExplicitly(own) && !RangeRests(own, e.At)) throw Broken(2, $"{e}: its old VIP {own} is still free");
        foreach (var (host, _) in _own.Where(entry => entry.Value == e.Index).ToList()) _own.Remove(host);
        _own[e.Host] = e.Index;
        _holders[e.Index] = e.Host;
        _rests.Remove(e.Index);
    }

    private void SetBack(ClockSetBack e)
    {
        foreach (var (index, rest) in _rests.ToList()) if (rest.End > e.At) _rests[index] = (rest.Last, rest.End + e.ByMs);
        foreach (var (cidr, end) in _rangeRests.ToList()) if (end > e.At) _rangeRests[cidr] = end + e.ByMs;
        if (_oldKnowledgeUntil > e.At) _oldKnowledgeUntil += e.ByMs;
    }

    private bool RangeRests(int index, long at) => _rangeRests.Any(rest => rest.Value > at && Covers(rest.Key, index));

    private bool TakenExplicitly(int index) =>
        _exclusions.Any(e => Covers(e.Cidr, index)) || _claims.Any(c => c.Address == range.IPv4(index).ToString() || c.Address == range.IPv6(index).ToString());

    private bool Covers(string cidr, int index) => Cidr.Parse(cidr).Contains(range.IPv4(index)) || Cidr.Parse(cidr).Contains(range.IPv6(index));

    private static InvalidOperationException Broken(int promise, string what) => new($"promise {promise} is broken: {what}");
}
