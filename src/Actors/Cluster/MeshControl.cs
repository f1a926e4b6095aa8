using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>Answers the admin side from the owners' committed states, on whatever nodes they live, and hands changes to the coordinator.</summary>
internal sealed class MeshControl(Mesh mesh) : IMeshControl
{
    private static readonly TimeSpan _readDeadline = TimeSpan.FromSeconds(5);

    private ShardRegion Region => mesh.Region;

    public Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel) => mesh.ChangeAsync(request, deadline, cancel);

    public async Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel)
    {
        var here = mesh.AwaitFeedAsync(position, deadline, cancel);
        var there = mesh.Map.Current.Members.Where(m => m.Node.Node != mesh.Options.Node && m.IsEdge).Select(m => AwaitAsync(m.Node.Node));
        return [.. (await Task.WhenAll([here, .. there])).SelectMany(behind => behind).Distinct().Order(StringComparer.Ordinal)];

        async Task<IReadOnlyList<string>> AwaitAsync(string node)
        {
            try { return (await Region.AskAsync<FeedAwaited>(node, new AwaitFeed(position, (int)deadline.TotalMilliseconds), deadline, cancel)).Behind; }
            catch (MeshUnavailableException) { return [node]; }
        }
    }

    public async Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel)
    {
        var found = await Region.DocumentsAsync([key], isConfirmed: false, _readDeadline, cancel);
        return found.TryGetValue(key, out var stored) ? (await RecordsOfAsync([stored], cancel))[0] : null;
    }

    public async Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel)
    {
        var asked = Region.ByNode(Streams.All(mesh.Options.Shards).SkipLast(1), s => s).Select(n => Region.AskAsync<DocumentList>(n.Node, new PageDocuments(n.Items, kind, page), _readDeadline, cancel));
        var all = (await Task.WhenAll(asked)).SelectMany(d => d.Documents);
        var (items, next) = Pages.Cut(Pages.Of(all, page), Pages.KeyOf, page);
        return new Page<DocumentRecord>(await RecordsOfAsync(items, cancel), next);
    }

    public async Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel) => await RecordsOfAsync([host], cancel) is [var record] ? record : null;

    public async Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel)
    {
        var asked = Region.ByNode(Streams.All(mesh.Options.Shards).SkipLast(1), s => s).Select(n => Region.AskAsync<HostNameList>(n.Node, new PageHosts(n.Items, page), _readDeadline, cancel));
        var all = (await Task.WhenAll(asked)).SelectMany(d => d.Hosts);
        var (items, next) = Pages.Cut(Pages.Of(all, h => h.Text, page), h => h.Text, page);
        return new Page<HostRecord>(await RecordsOfAsync(items, cancel), next);
    }

    public async Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel) =>
        (await Region.AskOwnerAsync<VipList>(Streams.Vips, new ReadVip(index), _readDeadline, cancel)).Vips is [var vip] ? vip : null;

    public async Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel)
    {
        var vips = await Region.AskOwnerAsync<VipList>(Streams.Vips, new PageVips(page), _readDeadline, cancel);
        var (items, next) = Pages.Cut([.. vips.Vips], Pages.KeyOf, page);
        return new Page<VipRecord>(items, next);
    }

    public async Task<Page<RestingVip>> ListRestsAsync(PageRequest page, CancellationToken cancel)
    {
        var found = await Region.AskOwnerAsync<RestList>(Streams.Vips, new PageRests(page), _readDeadline, cancel);
        var (items, next) = Pages.Cut([.. found.Rests], r => Pages.KeyOf(r, Region.Range), page);
        return new Page<RestingVip>(items, next);
    }

    public async Task<ClusterView> GetClusterAsync(CancellationToken cancel) => ClusterViews.Of(mesh, await mesh.ReadUsageAsync(TimeSpan.FromSeconds(1), cancel));

    public async Task<bool> DrainAsync(string node, CancellationToken cancel)
    {
        if (node == mesh.Options.Node)
        {
            await mesh.DrainAsync();
            return true;
        }
        if (mesh.Map.Current.Member(node) is null) return false;
        await Region.AskAsync<Done>(node, new DrainNode(), TimeSpan.FromSeconds(15), cancel);
        return true;
    }

    private async Task<IReadOnlyList<DocumentRecord>> RecordsOfAsync(IReadOnlyList<StoredDocument> stored, CancellationToken cancel)
    {
        var hosts = stored.Select(s => HostDeclaration.Of(s.Document, s.Created, mesh.Options.ClusterDomain).Where(h => h.Declaration.Eligible).Select(h => h.Host).ToArray()).ToArray();
        var leases = await LeasesAsync([.. hosts.SelectMany(h => h).Distinct()], cancel);
        return [.. stored.Select((s, i) => new DocumentRecord(s.Document, s.Version, s.Source, s.Created, s.Updated,
            [.. hosts[i].SelectMany(h => leases.TryGetValue(h, out var vip) && vip.State == VipState.Leased ? ChangeEffects.AddressesOf(h, vip.Index, mesh.Options.Range) : [])]))];
    }

    private async Task<IReadOnlyList<HostRecord>> RecordsOfAsync(IReadOnlyList<HostName> hosts, CancellationToken cancel)
    {
        if (hosts.Count == 0) return [];
        var asked = Region.ByNode(hosts, Region.StreamOf).Select(async n => (n.Node, Facts: (await Region.AskAsync<HostFactList>(n.Node, new ReadHosts(n.Items), _readDeadline, cancel)).Hosts));
        var facts = (await Task.WhenAll(asked)).SelectMany(n => n.Facts.Select(f => (n.Node, Fact: f))).ToDictionary(f => f.Fact.Host);
        var vips = await LeasesAsync([.. facts.Keys], cancel);
        // Groups keep the order of their first, so the namespace with the oldest document comes first.
        return [.. hosts.Where(facts.ContainsKey).Select(h => facts[h]).Select(f => new HostRecord(f.Fact.Host,
            [.. f.Fact.Declarations.GroupBy(d => d.Document.Namespace).Select(g => new NamespaceRecord(g.Key, [.. g]))], vips.GetValueOrDefault(f.Fact.Host), f.Fact.Stream, f.Node))];
    }

    private async Task<IReadOnlyDictionary<HostName, VipRecord>> LeasesAsync(IReadOnlyList<HostName> hosts, CancellationToken cancel) => hosts.Count == 0
        ? new Dictionary<HostName, VipRecord>()
        : (await Region.VipsOfAsync(hosts, _readDeadline, cancel)).ToDictionary(v => v.Hosts[0]);
}
