using System.Collections.Immutable;
using System.Text.Json;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Store;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

/// <summary>Reads a bucket: its part of the newest image, and its rows after that up to where the node's follower is; leases are out of the follower's ledger.</summary>
internal static class BucketLoad
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    /// <summary>The bucket, and up to where it speaks; null when it cannot be read now, or its rows do not follow on each other.</summary>
    public static Task<(LogPosition Position, BucketView View)?> RunAsync(MeshParts parts, string name, int bucket) => Task.Run<(LogPosition, BucketView)?>(async () =>
    {
        using var deadline = new CancellationTokenSource(_patience, parts.Time);
        try
        {
            var state = parts.Following.State;
            var image = await parts.Store.FindImageAsync(state.Position.Number, [name], deadline.Token);
            if (await parts.Store.ReadTaggedAsync(name, image?.Position.Number ?? 0, state.Position, deadline.Token) is not { } rows) return null;
            var table = image is null ? ShardTable.Empty : ShardTableSnapshot.Read(image.Parts[name].Unpack());
            LogPosition? before = image is null ? LogPosition.Start : null;
            foreach (var row in rows)
            {
                if (RowCodec.Decode(row) is not BucketFacts facts || (before is { } place && facts.Before != place)) return null;
                before = row.Position;
                table = facts.Facts.Where(f => f.Fact is not VipEvent).Aggregate(table, (t, fact) => t.Apply(fact.Fact));
            }
            var leases = state.Ledger.Leases.Where(l => parts.Fold.Buckets.Of(l.Host) == bucket).ToImmutableSortedDictionary(l => l.Host, l => l.Index);
            return (state.Position, new BucketView(table, leases));
        }
        catch (Exception e) when (e is StoreUnavailableException or FormatException or InvalidOperationException or KeyNotFoundException or OperationCanceledException) { return null; }
    });
}

/// <summary>What a shard answers out of its view. Pure.</summary>
internal static class BucketAnswers
{
    // A page is put together by whoever asked: each shard gives so much, and says when there is more.
    private const int MostBytes = 4 * 1024 * 1024;

    /// <summary>The answer to a question, of a shard on a node.</summary>
    public static NodeAnswer Of(BucketView view, ShardQuestion question, bool isConfirmed, string node) => question switch
    {
        FindDocuments find => new FoundDocuments(find.Id, [.. find.Keys.Select(k => view.Table.Documents.GetValueOrDefault(k)).OfType<StoredDocument>()], false, isConfirmed),
        FindHosts find => new FoundHosts(find.Id, [.. find.Hosts.Select(h => HostOf(view, h)).OfType<FoundHost>()], isConfirmed, node),
        ListDocuments list => Documents(view, list, isConfirmed),
        ListHosts list => new FoundNames(list.Id, Pages.Of(view.Table.Hosts.Keys, h => h.Text, list.Page), false, isConfirmed),
        _ => new NotKnown(question.Id, $"a shard does not know the question {question.GetType().Name}"),
    };

    private static FoundHost? HostOf(BucketView view, HostName host)
    {
        var lease = view.Leases.TryGetValue(host, out var index) ? index : (int?)null;
        return view.Table.Hosts.TryGetValue(host, out var declarations) ? new FoundHost(host, [.. declarations], lease) : lease is null ? null : new FoundHost(host, [], lease);
    }

    private static FoundDocuments Documents(BucketView view, ListDocuments list, bool isConfirmed)
    {
        var found = Pages.Of(view.Table.Documents.Values.Where(d => d.Document.Key.Kind == list.Of && (list.Page.Source is null || d.Source == list.Page.Source)), list.Page);
        var (bytes, count) = (0, 0);
        while (count < found.Count && bytes < MostBytes) bytes += JsonSerializer.SerializeToUtf8Bytes(found[count++], MeshJson.Default.StoredDocument).Length;
        return new FoundDocuments(list.Id, count == found.Count ? found : found[..count], count < found.Count, isConfirmed);
    }
}
