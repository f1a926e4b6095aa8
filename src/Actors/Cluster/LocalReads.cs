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
        return Pages.Of(matching, Pages.KeyOf, asked.Page);
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
        var used = Ledger.Records(Now).Where(r => r.State != VipState.Free);
        if (page.Query is { } query) used = used.Where(r => r.Hosts.Any(h => h.Text.Contains(query, StringComparison.OrdinalIgnoreCase)));
        return Pages.Of(used, Pages.KeyOf, page with { Query = null });
    }

    public VipUsage Usage() => Ledger.Usage(Now);

    private ShardTable Shard(string stream) => (local.ShardOf.GetValueOrDefault(stream) ?? throw new OwnerAwayException($"there is no stream {stream}")).View.State;
}

/// <summary>How lists are cut into pages: by ordinal order of a key, one item more than the limit when there are more.</summary>
internal static class Pages
{
    public static string KeyOf(StoredDocument stored) => $"{stored.Document.Key.Namespace}/{stored.Document.Key.Name}";

    // Keys sort as numbers: five digits hold every index.
    public static string KeyOf(VipRecord record) => record.Index.ToString("D5", System.Globalization.CultureInfo.InvariantCulture);

    public static List<T> Of<T>(IEnumerable<T> items, Func<T, string> keyOf, PageRequest page)
    {
        var keyed = items.Select(item => (Key: keyOf(item), Item: item))
            .Where(i => (page.After is null || string.CompareOrdinal(i.Key, page.After) > 0) && (page.Query is null || i.Key.Contains(page.Query, StringComparison.OrdinalIgnoreCase)));
        return [.. keyed.OrderBy(i => i.Key, StringComparer.Ordinal).Take(page.Limit + 1).Select(i => i.Item)];
    }

    /// <summary>The page, of at most one item more than the limit.</summary>
    public static (IReadOnlyList<T> Items, string? Next) Cut<T>(List<T> items, Func<T, string> keyOf, PageRequest page) =>
        items.Count > page.Limit ? (items[..page.Limit], keyOf(items[page.Limit - 1])) : (items, null);
}
