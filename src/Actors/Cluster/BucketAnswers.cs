using System.Text.Json;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Cluster;

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
