using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>Reads of the committed states of streams that this node owns. Each throws <see cref="OwnerAwayException"/> when it does not own one that is asked for.</summary>
internal sealed class LocalReads(MeshOptions options, LocalStreams local, TimeProvider time)
{
    private VipLedger Ledger => local.Allocator.View.State;

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    public IReadOnlyList<StoredDocument> Documents(IReadOnlyList<DocumentKey> keys)
    {
        var found = new List<StoredDocument>(keys.Count);
        foreach (var key in keys)
            if (local.Shards[Streams.ShardOf(key, options.Shards)].View.State.Documents.TryGetValue(key, out var stored)) found.Add(stored);
        return found;
    }

    public IReadOnlyList<StoredDocument> Documents(PageDocuments asked)
    {
        var matching = asked.Streams.SelectMany(s => Shard(s).Documents.Values)
            .Where(d => d.Document.Key.Kind == asked.Of && (asked.Page.Source is null || d.Source == asked.Page.Source));
        return Pages.Of(matching, asked.Page);
    }

    public IReadOnlyList<HostFact> Hosts(IReadOnlyList<HostName> hosts)
    {
        var found = new List<HostFact>(hosts.Count);
        foreach (var host in hosts)
        {
            var view = local.OwnerOf(host).View;
            if (view.State.Hosts.TryGetValue(host, out var declarations)) found.Add(new HostFact(host, view.Fence.Stream, [.. declarations]));
        }
        return found;
    }

    public IReadOnlyList<HostName> Hosts(PageHosts asked) => Pages.Of(asked.Streams.SelectMany(s => Shard(s).Hosts.Keys), h => h.Text, asked.Page);

    public IReadOnlyList<VipRecord> VipsOf(IReadOnlyList<HostName> hosts)
    {
        var (ledger, now) = (Ledger, Now);
        var found = new List<VipRecord>(hosts.Count);
        foreach (var host in hosts)
        {
            if (ledger.TryGetLease(host, out var held)) found.Add(ledger.Record(held, now));
            else if (ledger.Pool.TryGetFormer(host, IndexSet.None, out var last) && ledger.Record(last, now) is { State: VipState.Quarantined } resting) found.Add(resting);
        }
        return found;
    }

    public IReadOnlyList<VipRecord> Vip(int index) => options.Range.IsUsable(index) ? [Ledger.Record(index, Now)] : [];

    public IReadOnlyList<VipRecord> Vips(PageRequest page)
    {
        // In order already.
        var used = Ledger.Records(Now).Where(r => r.State != VipState.Free);
        if (page.After is { } after) used = used.Where(r => string.CompareOrdinal(Pages.KeyOf(r), after) > 0);
        if (page.Query is { } query) used = used.Where(r => r.Hosts.Any(h => h.Text.Contains(query, StringComparison.OrdinalIgnoreCase)));
        return [.. used.Take(page.Limit + 1)];
    }

    public IReadOnlyList<RestingVip> Rests(PageRequest page) => Pages.Of(Ledger.Rests(Now), r => Pages.KeyOf(r, options.Range), page);

    public VipUsage Usage() => Ledger.Usage(Now);

    private ShardTable Shard(string stream) => (local.ShardOf.GetValueOrDefault(stream) ?? throw new OwnerAwayException($"there is no stream {stream}")).View.State;
}
