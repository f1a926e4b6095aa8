using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Log;

/// <summary>
/// The half of an audit that looks across buckets: documents against hosts' records, records against the ledger, all both ways. Of a bucket that is not among the tables, since it
/// cannot be read, nothing is said.
/// </summary>
internal sealed class TableAudit(IReadOnlyDictionary<int, ShardTable> tables, Buckets buckets, HostName clusterDomain, VipRange range, Action<string> breach)
{
    private readonly ShardTableCore _core = new(range);
    private readonly HashSet<(DocumentKey Document, HostName Host)> _declared = [];

    /// <summary>Checks everything.</summary>
    public void Run(VipLedger ledger)
    {
        CheckDocuments();
        CheckDeclarations();
        CheckDemands(ledger);
    }

    // Every document stands in its bucket, and the bucket of each of its hosts has its declaration.
    private void CheckDocuments()
    {
        foreach (var (bucket, table) in tables)
            foreach (var stored in table.Documents.Values)
            {
                var key = stored.Document.Key;
                if (BucketOf(key) != bucket) breach($"{key} is in {buckets.TagOf(bucket)}, where it does not belong");
                if (stored.Document.Spec is null)
                {
                    breach($"{key} has no spec");
                    continue;
                }
                foreach (var (host, declaration) in HostDeclaration.Of(stored.Document, stored.Created, clusterDomain))
                {
                    _declared.Add((key, host));
                    if (!tables.TryGetValue(buckets.Of(host), out var owner)) continue;
                    var found = owner.DeclarationsOf(host).FirstOrDefault(d => d.Document == key);
                    if (found is null) breach($"{key} declares {host}, but the host's bucket does not know");
                    else if (!ShardTableSnapshot.SameDeclaration(found, declaration)) breach($"what {key} declares of {host} differs from the host's record");
                }
            }
    }

    // Every host stands in its bucket, and each of its declarations has its document.
    private void CheckDeclarations()
    {
        foreach (var (bucket, table) in tables)
            foreach (var (host, declarations) in table.Hosts)
            {
                if (buckets.Of(host) != bucket) breach($"{host} is in {buckets.TagOf(bucket)}, where it does not belong");
                foreach (var document in declarations.Select(d => d.Document))
                    if (!_declared.Contains((document, host)) && tables.ContainsKey(BucketOf(document)))
                        breach($"{document} declares {host} to its bucket, but is not there or says nothing of it");
            }
    }

    // What hosts want is what the ledger has: leases, claims and exclusions.
    private void CheckDemands(VipLedger ledger)
    {
        var known = tables.Values.SelectMany(t => t.Hosts.Keys);
        var held = ledger.Leases.Select(l => l.Host).Concat(ledger.Claims.Select(c => c.Host)).Concat(ledger.Exclusions.Select(e => e.Host));
        foreach (var host in known.Concat(held).Distinct())
            if (tables.TryGetValue(buckets.Of(host), out var owner)) CheckDemand(host, _core.DemandOf(owner, host), ledger.Demand(host));
    }

    private void CheckDemand(HostName host, VipDemand wanted, VipDemand held)
    {
        if (wanted.Lease != held.Lease) breach(wanted.Lease ? $"{host} should hold a VIP and holds none" : $"{host} holds a VIP that no document asks for");
        // A CIDR that contains the whole range excludes nothing, and the ledger does not keep it.
        var exclusions = wanted.Exclusions.Where(c => range.TryCovered(Cidr.Parse(c), out _, out _, out var whole) && !whole).ToArray();
        if (!exclusions.SequenceEqual(held.Exclusions)) breach($"{host} excludes {List(exclusions)}, the ledger has {List(held.Exclusions)}");
        if (!wanted.Claims.SequenceEqual(held.Claims)) breach($"{host} declares the addresses {List(wanted.Claims)}, the ledger has {List(held.Claims)}");
    }

    private int BucketOf(DocumentKey key) => Streams.ShardOf(key, buckets.Count);

    private static string List(IReadOnlyList<string> items) => items.Count == 0 ? "none" : string.Join(", ", items);
}
