using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Shards;

/// <summary>Collects what the cores decided of a batch, and makes each caller's reply from it.</summary>
internal sealed class ChangeEffects(int changes)
{
    private readonly List<ShardReply>[] _shards = [.. Enumerable.Range(0, changes).Select(_ => new List<ShardReply>())];
    private readonly VipReply?[] _vips = new VipReply?[changes];
    private readonly HashSet<HostName>?[] _granted = new HashSet<HostName>?[changes];

    // What the batch did to leases, null for a release; and what the allocator said of hosts that it did not touch.
    private readonly Dictionary<HostName, int?> _leases = [];
    private readonly Dictionary<HostName, int> _untouched = [];

    public void Take(int change, ShardReply reply) => _shards[change].Add(reply);

    public void Take(int change, VipReply reply, IReadOnlyList<MeshEvent> events)
    {
        _vips[change] = reply;
        foreach (var fact in events)
        {
            if (fact is VipGranted granted)
            {
                _leases[granted.Host] = granted.Index;
                (_granted[change] ??= []).Add(granted.Host);
            }
            else if (fact is VipReleased released) _leases[released.Host] = null;
        }
    }

    /// <summary>The demands of a change, in the order of its documents and their hosts, so that VIPs are given out in the order a person wrote.</summary>
    public IReadOnlyList<VipDemand> Demands(ChangePlan plan, int change)
    {
        var order = new Dictionary<HostName, int>();
        foreach (var (host, _) in plan.Documents.SelectMany(d => d.After)) order.TryAdd(host, order.Count);
        var wishes = Wishes(plan);
        var demands = _shards[change].SelectMany(s => s.Demands).OrderBy(d => order.GetValueOrDefault(d.Host, -1)).ThenBy(d => d.Host);
        return wishes.Count == 0 ? [.. demands] : [.. demands.Select(d => d.Lease && wishes.TryGetValue(d.Host, out var wish) ? d with { Wish = wish } : d)];
    }

    /// <summary>Takes from a ledger what the hosts hold that the reply will show and the change did not touch.</summary>
    public void ReadLeases(VipLedger ledger, ChangePlan plan)
    {
        foreach (var host in Untold(plan))
            if (ledger.TryGetLease(host, out var index)) _untouched[host] = index;
    }

    public ChangeReply Reply(ChangePlan plan, int change, VipRange range)
    {
        var versions = new Dictionary<DocumentKey, long>();
        foreach (var (key, version) in _shards[change].SelectMany(s => s.Versions)) versions[key] = version;
        var warnings = Warnings(plan, change, range);
        return new ChangeReply
        {
            Outcome = ChangeOutcome.Applied,
            Results = [.. plan.Documents.Select(d => new DocumentResult
            {
                Key = d.Change.Key,
                Action = d.Action,
                Version = d.Action is DocumentAction.Deleted or DocumentAction.Absent ? 0 : versions.GetValueOrDefault(d.Change.Key, d.Before?.Version ?? 0),
                Addresses = [.. d.After.Where(h => h.Declaration.Eligible).SelectMany(h => AddressesOf(h.Host, range))],
                Warnings = warnings.GetValueOrDefault(d.Change.Key) ?? [],
            })],
            Warnings = _vips[change]?.Notes,
        };
    }

    /// <summary>The VIPs of a host, as a document's status shows them.</summary>
    public static IEnumerable<HostAddress> AddressesOf(HostName host, int index, VipRange range) =>
        [new HostAddress(host, range.IPv4(index).ToString()), new HostAddress(host, range.IPv6(index).ToString())];

    private IEnumerable<HostAddress> AddressesOf(HostName host, VipRange range) => LeaseOf(host) is { } lease ? AddressesOf(host, lease, range) : [];

    private int? LeaseOf(HostName host) => _leases.TryGetValue(host, out var changed) ? changed : _untouched.TryGetValue(host, out var held) ? held : null;

    private IEnumerable<HostName> Untold(ChangePlan plan) =>
        plan.Documents.SelectMany(d => d.After).Where(h => h.Declaration.Eligible && !_leases.ContainsKey(h.Host) && !_untouched.ContainsKey(h.Host)).Select(h => h.Host);

    // Of two documents that wish for one host the first in the change counts.
    private static Dictionary<HostName, int> Wishes(ChangePlan plan)
    {
        var wishes = new Dictionary<HostName, int>();
        foreach (var (host, index) in plan.Documents.SelectMany(d => d.Declared?.Wishes ?? new Dictionary<HostName, int>())) wishes.TryAdd(host, index);
        return wishes;
    }

    // The allocator says what became of the wishes that it was told of; of others, that a VIP does not move for them.
    private IEnumerable<string> WishWarnings(PlannedDocument document, int change, Dictionary<HostName, int> told, VipRange range)
    {
        foreach (var (host, wish) in document.Declared!.Wishes)
            if (LeaseOf(host) is { } lease && lease != wish && !(told[host] == wish && _granted[change]?.Contains(host) == true))
                yield return $"{host} keeps {range.IPv4(lease)}; it does not move to {range.IPv4(wish)}, which it had elsewhere";
    }

    // A warning goes to the documents that declare its host; one about a host of somebody else goes to the first document of the change.
    private Dictionary<DocumentKey, List<string>> Warnings(ChangePlan plan, int change, VipRange range)
    {
        var byHost = plan.Documents.SelectMany(d => d.After.Select(h => (h.Host, d.Change.Key))).ToLookup(p => p.Host, p => p.Key);
        var warnings = new Dictionary<DocumentKey, List<string>>();
        var wishes = Wishes(plan);
        foreach (var document in plan.Documents)
            foreach (var text in document.Declared is { } declared ? declared.Warnings.Concat(WishWarnings(document, change, wishes, range)) : []) AddTo(document.Change.Key, text);
        foreach (var warning in _shards[change].SelectMany(s => s.Warnings)) Add(warning.Host, warning.Text);
        foreach (var warning in _vips[change]?.Warnings ?? []) Add(warning.Host, warning.Text);
        // Who moves another's VIP is told, and so is whoever declares the host that moves, in whatever change of the batch.
        foreach (var (i, move) in _vips.SelectMany((v, i) => (v?.Moves ?? []).Select(m => (i, m))))
            if (i == change || byHost.Contains(move.Host)) Add(move.Host, $"{move.Host} moved to another VIP, because its old one is now taken: {move.Cause}");
        return warnings;

        void Add(HostName host, string text)
        {
            foreach (var key in byHost[host].DefaultIfEmpty(plan.Documents[0].Change.Key)) AddTo(key, text);
        }

        void AddTo(DocumentKey key, string text)
        {
            if (!warnings.TryGetValue(key, out var list)) warnings.Add(key, list = []);
            if (!list.Contains(text)) list.Add(text);
        }
    }
}
