using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Shards;

/// <summary>Collects what the cores decided of a change, and makes its caller's reply from it.</summary>
internal sealed class ChangeEffects(ChangePlan plan, VipRange range)
{
    private readonly List<ShardReply> _shards = [];
    private readonly Dictionary<HostName, int> _wishes = WishesOf(plan);

    public void Take(ShardReply reply) => _shards.Add(reply);

    /// <summary>The demands of the change, in the order of its documents and their hosts, so that VIPs are given out in the order a person wrote.</summary>
    public IReadOnlyList<VipDemand> Demands()
    {
        var order = new Dictionary<HostName, int>();
        foreach (var (host, _) in plan.Documents.SelectMany(d => d.After)) order.TryAdd(host, order.Count);
        var demands = _shards.SelectMany(s => s.Demands).OrderBy(d => order.GetValueOrDefault(d.Host, -1)).ThenBy(d => d.Host);
        return _wishes.Count == 0 ? [.. demands] : [.. demands.Select(d => d.Lease && _wishes.TryGetValue(d.Host, out var wish) ? d with { Wish = wish } : d)];
    }

    /// <summary>The reply.</summary>
    /// <param name="ledger">The ledger after the change.</param>
    /// <param name="vips">What the ledger's core said; null where it had nothing to decide.</param>
    /// <param name="facts">The facts of the change.</param>
    public ChangeReply Reply(VipLedger ledger, VipReply? vips, IReadOnlyList<MeshEvent> facts)
    {
        var versions = new Dictionary<DocumentKey, long>();
        foreach (var (key, version) in _shards.SelectMany(s => s.Versions)) versions[key] = version;
        var warnings = Warnings(ledger, vips, facts);
        return new ChangeReply
        {
            Outcome = ChangeOutcome.Applied,
            Results = [.. plan.Documents.Select(d => new DocumentResult
            {
                Key = d.Change.Key,
                Action = d.Action,
                Version = d.Action is DocumentAction.Deleted or DocumentAction.Absent ? 0 : versions.GetValueOrDefault(d.Change.Key, d.Before?.Version ?? 0),
                Addresses = [.. d.After.Where(h => h.Declaration.Eligible).SelectMany(h => ledger.TryGetLease(h.Host, out var lease) ? AddressesOf(h.Host, lease, range) : [])],
                Warnings = warnings.GetValueOrDefault(d.Change.Key) ?? [],
            })],
            Warnings = vips?.Notes,
        };
    }

    /// <summary>The VIPs of a host, as a document's status shows them.</summary>
    public static IEnumerable<HostAddress> AddressesOf(HostName host, int index, VipRange range) =>
        [new HostAddress(host, range.IPv4(index).ToString()), new HostAddress(host, range.IPv6(index).ToString())];

    // Of two documents that wish for one host the first in the change counts.
    private static Dictionary<HostName, int> WishesOf(ChangePlan plan)
    {
        var wishes = new Dictionary<HostName, int>();
        foreach (var (host, index) in plan.Documents.SelectMany(d => d.Declared?.Wishes ?? new Dictionary<HostName, int>())) wishes.TryAdd(host, index);
        return wishes;
    }

    // The allocator says what became of the wishes that it was told of; of others, that a VIP does not move for them.
    private IEnumerable<string> WishWarnings(DeclaredDocument declared, VipLedger ledger, HashSet<HostName> granted)
    {
        foreach (var (host, wish) in declared.Wishes)
            if (ledger.TryGetLease(host, out var lease) && lease != wish && !(_wishes[host] == wish && granted.Contains(host)))
                yield return $"{host} keeps {range.IPv4(lease)}; it does not move to {range.IPv4(wish)}, which it had elsewhere";
    }

    // A warning goes to the documents that declare its host; one about a host of somebody else goes to the first document of the change.
    private Dictionary<DocumentKey, List<string>> Warnings(VipLedger ledger, VipReply? vips, IReadOnlyList<MeshEvent> facts)
    {
        var byHost = plan.Documents.SelectMany(d => d.After.Select(h => (h.Host, d.Change.Key))).ToLookup(p => p.Host, p => p.Key);
        var warnings = new Dictionary<DocumentKey, List<string>>();
        var granted = facts.OfType<VipGranted>().Select(g => g.Host).ToHashSet();
        foreach (var document in plan.Documents)
            foreach (var text in document.Declared is { } declared ? declared.Warnings.Concat(WishWarnings(declared, ledger, granted)) : []) AddTo(document.Change.Key, text);
        foreach (var warning in _shards.SelectMany(s => s.Warnings).Concat(vips?.Warnings ?? [])) Add(warning.Host, warning.Text);
        foreach (var move in vips?.Moves ?? []) Add(move.Host, $"{move.Host} moved to another VIP, because its old one is now taken: {move.Cause}");
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
