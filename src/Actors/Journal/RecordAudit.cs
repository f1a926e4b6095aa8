using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Journal;

/// <summary>
/// The half of an audit that looks across streams: documents against hosts' records, records against the ledger, all both ways. A shard
/// that is not among the tables could not be replayed; nothing is said of what it would have to know.
/// </summary>
internal sealed class RecordAudit(IReadOnlyDictionary<string, ShardTable> shards, int shardCount, HostName clusterDomain, VipRange range, Action<string> breach)
{
    private readonly ShardTableCore _core = new(range);
    private readonly HashSet<(DocumentKey Document, HostName Host)> _declared = [];

    /// <summary>Every document stands in its shard, and each of its hosts' shards has its declaration.</summary>
    public void CheckDocuments()
    {
        foreach (var (stream, table) in shards)
            foreach (var stored in table.Documents.Values)
            {
                var key = stored.Document.Key;
                if (StreamOf(key) != stream) breach($"{key} is in {stream}, where it does not belong");
                if (stored.Document is { ServiceEntry: null, Service: null }) { breach($"{key} has no spec"); continue; }
                foreach (var (host, declaration) in HostDeclaration.Of(stored.Document, stored.Created, clusterDomain))
                {
                    _declared.Add((key, host));
                    if (!shards.TryGetValue(StreamOf(host), out var owner)) continue;
                    var found = owner.DeclarationsOf(host).FirstOrDefault(d => d.Document == key);
                    if (found is null) breach($"{key} declares {host}, but the host's shard does not know");
                    else if (!ShardTableSnapshot.SameDeclaration(found, declaration)) breach($"what {key} declares of {host} differs from the host's record");
                }
            }
    }

    /// <summary>Every host stands in its shard, and each of its declarations has its document. After <see cref="CheckDocuments"/>.</summary>
    public void CheckDeclarations()
    {
        foreach (var (stream, table) in shards)
            foreach (var (host, declarations) in table.Hosts)
            {
                if (StreamOf(host) != stream) breach($"{host} is in {stream}, where it does not belong");
                foreach (var document in declarations.Select(d => d.Document))
                    if (!_declared.Contains((document, host)) && shards.ContainsKey(StreamOf(document)))
                        breach($"{document} declares {host} to its shard, but is not there or says nothing of it");
            }
    }

    /// <summary>What hosts want is what the ledger has: leases, claims and exclusions.</summary>
    public void CheckDemands(VipLedger ledger)
    {
        var known = shards.Values.SelectMany(s => s.Hosts.Keys);
        var held = ledger.Leases.Select(l => l.Host).Concat(ledger.Claims.Select(c => c.Host)).Concat(ledger.Exclusions.Select(e => e.Host));
        foreach (var host in known.Concat(held).Distinct())
            if (shards.TryGetValue(StreamOf(host), out var owner)) CheckDemand(host, _core.DemandOf(owner, host), ledger.Demand(host));
    }

    private void CheckDemand(HostName host, VipDemand wanted, VipDemand held)
    {
        if (wanted.Lease != held.Lease) breach(wanted.Lease ? $"{host} should hold a VIP and holds none" : $"{host} holds a VIP that no document asks for");
        // A CIDR that contains the whole range excludes nothing, and the ledger does not keep it.
        var exclusions = wanted.Exclusions.Where(c => range.TryCovered(Cidr.Parse(c), out _, out _, out var whole) && !whole).ToArray();
        if (!exclusions.SequenceEqual(held.Exclusions)) breach($"{host} excludes {List(exclusions)}, the ledger has {List(held.Exclusions)}");
        if (!wanted.Claims.SequenceEqual(held.Claims)) breach($"{host} declares the addresses {List(wanted.Claims)}, the ledger has {List(held.Claims)}");
    }

    private string StreamOf(DocumentKey key) => Streams.Shard(Streams.ShardOf(key, shardCount), shardCount);

    private string StreamOf(HostName host) => Streams.Shard(Streams.ShardOf(host, shardCount), shardCount);

    private static string List(IReadOnlyList<string> items) => items.Count == 0 ? "none" : string.Join(", ", items);
}
