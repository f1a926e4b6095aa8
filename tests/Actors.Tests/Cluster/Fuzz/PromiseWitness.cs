using MeshDns.Actors.Tests.Simulation;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Tests.Cluster.Fuzz;

/// <summary>
/// Watches the facts of the stream <c>vips</c> as they become durable, with the true time of each, and holds them to promises 1, 2 and 4
/// of the design. Plain dictionaries; it shares nothing with the ledger but the ranges' arithmetic.
/// </summary>
internal sealed class PromiseWitness(VipRange range, TimeSpan quarantine)
{
    // From a decision to its commit, at most so long passes: the owner's hold and the journal's delays.
    private static readonly TimeSpan _slack = TimeSpan.FromSeconds(90);

    private readonly Dictionary<int, HostName> _holders = [];
    private readonly Dictionary<HostName, int> _former = [];
    private readonly Dictionary<int, (TimeSpan Since, HostName? Host)> _resting = [];
    private readonly HashSet<(string Address, HostName Host)> _claims = [];
    private readonly HashSet<(string Cidr, HostName Host)> _exclusions = [];
    private readonly HashSet<int> _reserved = [];
    private int _seen;

    public IReadOnlyDictionary<int, HostName> Holders => _holders;

    public void Watch(SimulatedStore store)
    {
        for (; _seen < store.Facts.Count; _seen++)
            if (store.Facts[_seen] is { Fact: VipEvent fact, CommittedAt: var at }) Take(fact, at);
    }

    /// <summary>True when an explicit address or CIDR takes the index away from automatic leases now.</summary>
    public bool IsTaken(int index) => _reserved.Contains(index) || _exclusions.Any(e => Covers(e.Cidr, index));

    /// <summary>Indexes that were never used and that a newcomer could have been given.</summary>
    public int CertainlyFree => Indexes().Count(i => !_holders.ContainsKey(i) && !IsTaken(i) && !_resting.ContainsKey(i));

    private void Take(VipEvent fact, TimeSpan at)
    {
        switch (fact)
        {
            case VipGranted e: Grant(e, at); break;
            case VipReleased e:
                Assert.True(_holders.Remove(e.Index, out var holder) && holder == e.Host, $"{e.Host} released {e.Index}, which {holder} holds");
                _former[e.Host] = e.Index;
                _resting[e.Index] = (at, e.Host);
                break;
            case AddressClaimed e: Assert.True(_claims.Add((e.Address, e.Host))); break;
            case AddressUnclaimed e: Assert.True(_claims.Remove((e.Address, e.Host))); break;
            case VipReserved e:
                Assert.False(_holders.ContainsKey(e.Index), $"{e.Index} is reserved while {_holders.GetValueOrDefault(e.Index)} holds it");
                _reserved.Add(e.Index);
                Forget(e.Index);
                break;
            case VipUnreserved e:
                _reserved.Remove(e.Index);
                _resting[e.Index] = (at, null);
                break;
            case RangeExcluded e:
                _exclusions.Add((e.Cidr, e.Host));
                break;
            case RangeIncluded e:
                _exclusions.Remove((e.Cidr, e.Host));
                // What it covered rests; whoever held such an index before may have it back after that.
                foreach (var index in Indexes().Where(i => Covers(e.Cidr, i))) _resting[index] = (at, null);
                break;
            default: break;
        }
    }

    private void Grant(VipGranted e, TimeSpan at)
    {
        Assert.True(range.IsUsable(e.Index), $"{e.Index} is not usable");
        Assert.False(_holders.TryGetValue(e.Index, out var other), $"promise 1: {e.Index} is granted to {e.Host} while {other} holds it");
        Assert.DoesNotContain(e.Host, _holders.Values);
        Assert.False(IsTaken(e.Index), $"{e.Index} is granted to {e.Host} while explicit addresses take it");
        if (_resting.TryGetValue(e.Index, out var rest) && rest.Host != e.Host)
            Assert.True(at - rest.Since >= quarantine - _slack, $"promise 4: {e.Index} rested {at - rest.Since} before {e.Host} got it");
        if (_former.TryGetValue(e.Host, out var former) && former != e.Index)
            Assert.True(IsTaken(former) || (_resting.TryGetValue(former, out var r) && r.Host is null), $"promise 2: {e.Host} returns and gets {e.Index}, though its {former} is free");
        Forget(e.Index);
        _former.Remove(e.Host);
        _holders.Add(e.Index, e.Host);
    }

    private void Forget(int index)
    {
        _resting.Remove(index);
        foreach (var host in _former.Where(f => f.Value == index).Select(f => f.Key).ToArray()) _former.Remove(host);
    }

    private IEnumerable<int> Indexes() => Enumerable.Range(range.First, range.Last - range.First + 1).Where(range.IsUsable);

    private bool Covers(string cidr, int index) =>
        range.TryCovered(Cidr.Parse(cidr), out var first, out var last, out var whole) && !whole && index >= first && index <= last;
}
