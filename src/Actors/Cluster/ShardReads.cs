using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>
/// Asks shards, wherever they are, for documents and hosts. One that does not answer in <see cref="ShardPatience"/> (it moves, its node has died) is read by this node itself from image and rows: it can make nobody wait.
/// </summary>
internal sealed class ShardReads(MeshParts parts, Func<MeshLife?> life)
{
    /// <summary>So long a shard has.</summary>
    public static readonly TimeSpan ShardPatience = TimeSpan.FromMilliseconds(300);

    private readonly Buckets _buckets = parts.Fold.Buckets;

    /// <summary>Documents by key.</summary>
    public async Task<IReadOnlyList<StoredDocument>> DocumentsAsync(IReadOnlyCollection<DocumentKey> keys, TimeSpan patience)
    {
        var asked = keys.GroupBy(k => Streams.ShardOf(k, _buckets.Count)).Select(g => AskAsync<FoundDocuments>(new FindDocuments(0, Ms(patience), _buckets.TagOf(g.Key), [.. g])));
        return [.. (await Task.WhenAll(asked)).SelectMany(f => f.Documents)];
    }

    /// <summary>Declared hosts, and who of others leases, with the nodes of their shards; hosts of neither are left out.</summary>
    public async Task<IReadOnlyList<(FoundHost Host, string Node)>> HostsAsync(IReadOnlyCollection<HostName> hosts, TimeSpan patience)
    {
        var asked = hosts.GroupBy(_buckets.Of).Select(g => AskAsync<FoundHosts>(new FindHosts(0, Ms(patience), _buckets.TagOf(g.Key), [.. g])));
        return [.. (await Task.WhenAll(asked)).SelectMany(f => f.Hosts.Select(h => (h, f.Node)))];
    }

    /// <summary>A page of documents.</summary>
    public async Task<Page<StoredDocument>> ListAsync(DocumentKind kind, PageRequest page, TimeSpan patience)
    {
        var answers = await AllAsync<FoundDocuments>(shard => new ListDocuments(0, Ms(patience), shard, kind, page));
        var all = answers.SelectMany(a => a.Documents);
        // Where a shard had no room for all, nothing after its last document is known.
        var cuts = answers.Where(a => a.IsCut && a.Documents.Count > 0).Select(a => a.Documents[^1]).ToArray();
        if (cuts.Length > 0)
        {
            var last = cuts.MinBy(d => Pages.KeyOf(d), StringComparer.Ordinal)!;
            var known = Pages.Of(all.Where(d => string.CompareOrdinal(Pages.KeyOf(d), Pages.KeyOf(last)) <= 0), page);
            var items = known.Count > page.Limit ? known[..page.Limit] : known;
            return new Page<StoredDocument>(items, Pages.KeyOf(items[^1]));
        }
        var (found, next) = Pages.Cut(Pages.Of(all, page), Pages.KeyOf, page);
        return new Page<StoredDocument>(found, next);
    }

    /// <summary>A page of hosts' names.</summary>
    public async Task<Page<HostName>> ListAsync(PageRequest page, TimeSpan patience)
    {
        var answers = await AllAsync<FoundNames>(shard => new ListHosts(0, Ms(patience), shard, page));
        var (items, next) = Pages.Cut(Pages.Of(answers.SelectMany(a => a.Hosts), h => h.Text, page), h => h.Text, page);
        return new Page<HostName>(items, next);
    }

    /// <summary>Where every shard is, as far as it says so in time.</summary>
    public async Task<IReadOnlyList<ShardPlace>> PlacesAsync(TimeSpan patience)
    {
        if (life() is not { } here) return [];
        var asked = Enumerable.Range(0, _buckets.Count).Select(b => here.AskAsync(new WakeShard(0, Ms(patience), _buckets.TagOf(b))));
        return [.. (await Task.WhenAll(asked)).OfType<ShardPlace>()];
    }

    private Task<T[]> AllAsync<T>(Func<string, ShardQuestion> question) where T : NodeAnswer =>
        Task.WhenAll(Enumerable.Range(0, _buckets.Count).Select(b => AskAsync<T>(question(_buckets.TagOf(b)))));

    private async Task<T> AskAsync<T>(ShardQuestion question) where T : NodeAnswer
    {
        if (life() is { } here && await here.AskAsync(question with { PatienceMs = Math.Min(question.PatienceMs, Ms(ShardPatience)) }) is T answer) return answer;
        if (await BucketLoad.RunAsync(parts, question.Shard, _buckets.Of(question.Shard)) is not { } loaded) throw new MeshUnavailableException($"{question.Shard} does not answer, and the log cannot be read");
        return (T)BucketAnswers.Of(loaded.View, question, isConfirmed: false, node: "");
    }

    private static int Ms(TimeSpan time) => (int)Math.Max(1, time.TotalMilliseconds);
}
