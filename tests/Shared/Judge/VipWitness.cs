using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>
/// Replays the facts of VIPs with plain dictionaries and holds each fact to promises 1, 2 and 4. It shares nothing with the ledger but
/// the ranges' arithmetic, so a mistake there is not made here too. How long a VIP has to rest it knows from the settings, whatever its release says.
/// </summary>
internal sealed class VipWitness(VipRange range)
{
    private readonly Dictionary<int, string> _holders = [];
    private readonly Dictionary<string, int> _held = [];
    private readonly Dictionary<string, int> _former = [];
    private readonly Dictionary<int, (long Until, string? Host)> _resting = [];
    private readonly HashSet<int> _reserved = [];
    private readonly PromisedRest _promised = new();
    private readonly HashSet<(string Cidr, string Host)> _excluded = [];
    private readonly Dictionary<int, List<string>> _holdersOf = [];
    private readonly Dictionary<string, List<(int Index, int Turn)>> _grants = [];
    private readonly List<Breach> _breaches = [];
    private int _turn;

    public IReadOnlyList<Breach> Breaches => _breaches;

    /// <summary>Every host that held an index, in order.</summary>
    public IReadOnlyList<string> HoldersOf(int index) => _holdersOf.TryGetValue(index, out var hosts) ? hosts : [];

    /// <summary>True when the journal ever gave the index to the host.</summary>
    public bool WasGranted(string host, int index) => GrantsOf(host).Any(g => g.Index == index);

    /// <summary>Every index that the journal gave to the host, in order; the turn is the fact's place in the stream, from 1.</summary>
    public IReadOnlyList<(int Index, int Turn)> GrantsOf(string host) => _grants.TryGetValue(host, out var grants) ? grants : [];

    /// <summary>Hosts that an explicit address or CIDR moved.</summary>
    public HashSet<string> Evicted { get; } = [];

    /// <summary>Explicit claims of all times: the address, its host, and the turn of the first.</summary>
    public Dictionary<(string Address, string Host), int> Claims { get; } = [];

    public void Take(MeshEvent fact)
    {
        _turn++;
        _promised.Take(fact);
        switch (fact)
        {
            case VipGranted e: Grant(e); break;
            case VipReleased e: Release(e); break;
            case AddressClaimed e: Claims.TryAdd((e.Address, e.Host.Text), _turn); break;
            case VipReserved e:
                if (_holders.TryGetValue(e.Index, out var holder)) Breach(1, $"the journal reserves {Text(e.Index)} while {holder} leases it");
                _reserved.Add(e.Index);
                Forget(e.Index);
                break;
            case VipUnreserved e:
                _reserved.Remove(e.Index);
                _resting[e.Index] = (End(Text(e.Index), e.At, e.Until), null);
                break;
            case RangeExcluded e: _excluded.Add((e.Cidr, e.Host.Text)); break;
            case RangeIncluded e:
                _excluded.Remove((e.Cidr, e.Host.Text));
                var end = End(e.Cidr, e.At, e.Until);
                foreach (var index in Indexes().Where(i => Covers(e.Cidr, i))) _resting[index] = (end, null);
                break;
            case ClockSetBack e:
                foreach (var (index, (until, host)) in _resting.ToArray()) if (until > e.At) _resting[index] = (until + e.ByMs, host);
                break;
            default: break;
        }
    }

    private void Grant(VipGranted e)
    {
        var (host, index) = (e.Host.Text, e.Index);
        if (_holders.TryGetValue(index, out var other)) Breach(1, $"the journal leases {Text(index)} to {host} while {other} has it");
        if (_held.TryGetValue(host, out var held)) Breach(1, $"the journal leases {Text(index)} to {host}, which has {Text(held)}");
        if (IsTaken(index)) Breach(1, $"the journal leases {Text(index)} to {host} while an explicit address takes it");
        if (_resting.TryGetValue(index, out var rest) && rest.Host != host && e.At < rest.Until)
            Breach(4, $"the journal leases {Text(index)} to {host} at {e.At}, though it rests until {rest.Until} after {rest.Host ?? "an explicit address"}");
        // After a CIDR was withdrawn the quarantine is its, not the former holder's.
        if (_former.TryGetValue(host, out var former) && former != index && !_holders.ContainsKey(former) && !IsTaken(former) && !(_resting.TryGetValue(former, out var r) && r.Host is null))
            Breach(2, $"{host} returns and the journal leases it {Text(index)}, though its old {Text(former)} is free");
        Forget(index);
        _former.Remove(host);
        _holders[index] = host;
        _held[host] = index;
        if (!_grants.TryGetValue(host, out var grants)) _grants[host] = grants = [];
        grants.Add((index, _turn));
        if (!_holdersOf.TryGetValue(index, out var hosts)) _holdersOf[index] = hosts = [];
        if (hosts.Count == 0 || hosts[^1] != host) hosts.Add(host);
    }

    private void Release(VipReleased e)
    {
        var host = e.Host.Text;
        if (!_holders.Remove(e.Index, out var holder) || holder != host) Breach(1, $"the journal releases {Text(e.Index)} of {host}, which {holder ?? "nobody"} leases");
        _held.Remove(host);
        _former[host] = e.Index;
        _resting[e.Index] = (End(Text(e.Index), e.At, e.Until), host);
        if (e.Reason == ReleaseReason.Evicted) Evicted.Add(host);
    }

    private long End(string what, long at, long until)
    {
        var promised = _promised.EndOf(at);
        if (until < promised) Breach(4, $"the journal gives {what} up at {at} to rest until {until}, though the settings promise until {promised}");
        return Math.Max(until, promised);
    }

    private void Forget(int index)
    {
        _resting.Remove(index);
        foreach (var host in _former.Where(f => f.Value == index).Select(f => f.Key).ToArray()) _former.Remove(host);
    }

    private bool IsTaken(int index) => _reserved.Contains(index) || _excluded.Any(e => Covers(e.Cidr, index));

    private IEnumerable<int> Indexes() => Enumerable.Range(range.First, range.Last - range.First + 1).Where(range.IsUsable);

    private bool Covers(string cidr, int index) =>
        range.TryCovered(Cidr.Parse(cidr), out var first, out var last, out var whole) && !whole && index >= first && index <= last;

    private string Text(int index) => range.IPv4(index).ToString();

    private void Breach(int promise, string sentence) => _breaches.Add(new Breach(promise, sentence));
}
