using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>Answers the admin side from the owners' committed states, and hands changes to the coordinator.</summary>
internal sealed class MeshControl(Mesh mesh) : IMeshControl
{
    private VipLedger Ledger => mesh.Region.Allocator.View.State;

    public Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel) => mesh.IsDraining
        ? Task.FromResult(new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "this node is draining" })
        : mesh.Coordinator.ChangeAsync(request, deadline, cancel);

    public async Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel) =>
        await mesh.Feed.WaitForAsync(position, deadline, cancel) ? [] : [mesh.Options.Node];

    public Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel) => Task.FromResult(mesh.Region.Document(key) is { } stored ? RecordOf(stored) : null);

    public Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel)
    {
        var matching = mesh.Region.Shards.SelectMany(s => s.View.State.Documents.Values)
            .Where(d => d.Document.Key.Kind == kind && (page.Source is null || d.Source == page.Source))
            .Select(d => (Key: $"{d.Document.Key.Namespace}/{d.Document.Key.Name}", Value: d));
        return Task.FromResult(PageOf(matching, page, RecordOf));
    }

    public Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel) =>
        Task.FromResult(mesh.Region.OwnerOf(host).View.State.Hosts.ContainsKey(host) ? RecordOf(host) : null);

    public Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel) =>
        Task.FromResult(PageOf(mesh.Region.Shards.SelectMany(s => s.View.State.Hosts.Keys).Select(h => (h.Text, h)), page, RecordOf));

    public Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel) =>
        Task.FromResult(mesh.Options.Range.IsUsable(index) ? Ledger.Record(index, Now) : null);

    public Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel)
    {
        // Keys sort as numbers: five digits hold every index.
        var keyed = Ledger.Records(Now).Where(r => r.State != VipState.Free).Select(r => (r.Index.ToString("D5", System.Globalization.CultureInfo.InvariantCulture), r));
        if (page.Query is { } query) keyed = keyed.Where(k => k.r.Hosts.Any(h => h.Text.Contains(query, StringComparison.OrdinalIgnoreCase)));
        return Task.FromResult(PageOf(keyed, page with { Query = null }, r => r));
    }

    public Task<ClusterView> GetClusterAsync(CancellationToken cancel)
    {
        var node = mesh.Options.Node;
        // A stream that has not recovered is listed without an owner, so that a person sees which one it is.
        var unrecovered = mesh.Unrecovered;
        var views = mesh.Region.Shards.Where(s => !unrecovered.Contains(s.Stream)).Select(s => s.View.Fence).Append(mesh.Region.Allocator.View.Fence).ToArray();
        var streams = views.Select(v => new StreamView(v.Stream, v.Node, v.Epoch, v.Seq)).Concat(unrecovered.Select(s => new StreamView(s, "", 0, 0))).OrderBy(s => s.Stream, StringComparer.Ordinal);
        var directory = new DirectoryFreshness(mesh.Directory.Names, mesh.Directory.Age, unrecovered.Count == 0 ? mesh.LagEvents : 0);
        var state = mesh.IsDraining ? "draining" : mesh.IsReady ? "up" : "joining";
        var member = new MemberView(node, mesh.Options.Address, mesh.Options.Roles, state, mesh.Options.Version, views.Length, directory);
        return Task.FromResult(new ClusterView(node, [member], [.. streams], Ledger.Usage(Now)));
    }

    public async Task<bool> DrainAsync(string node, CancellationToken cancel)
    {
        if (node != mesh.Options.Node) return false;
        await mesh.DrainAsync();
        return true;
    }

    private long Now => mesh.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private DocumentRecord RecordOf(StoredDocument stored)
    {
        var ledger = Ledger;
        var hosts = HostDeclaration.Of(stored.Document, stored.Created, mesh.Options.ClusterDomain).Where(h => h.Declaration.Eligible);
        var addresses = hosts.SelectMany(h => ledger.TryGetLease(h.Host, out var index) ? ChangeEffects.AddressesOf(h.Host, index, ledger) : []);
        return new DocumentRecord(stored.Document, stored.Version, stored.Source, stored.Created, stored.Updated, [.. addresses]);
    }

    private HostRecord RecordOf(HostName host)
    {
        var view = mesh.Region.OwnerOf(host).View;
        // Groups keep the order of their first, so the namespace with the oldest document comes first.
        var records = view.State.DeclarationsOf(host).GroupBy(d => d.Document.Namespace).Select(g => new NamespaceRecord(g.Key, [.. g]));
        return new HostRecord(host, [.. records], VipOf(host), view.Fence.Stream, view.Fence.Node);
    }

    private VipRecord? VipOf(HostName host)
    {
        var ledger = Ledger;
        if (ledger.TryGetLease(host, out var held)) return ledger.Record(held, Now);
        var resting = ledger.Pool.TryGetFormer(host, IndexSet.None, out var last) ? ledger.Record(last, Now) : null;
        return resting?.State == VipState.Quarantined ? resting : null;
    }

    private static Page<TOut> PageOf<TIn, TOut>(IEnumerable<(string Key, TIn Value)> items, PageRequest page, Func<TIn, TOut> make)
    {
        var matching = items.Where(i => (page.After is null || string.CompareOrdinal(i.Key, page.After) > 0) && (page.Query is null || i.Key.Contains(page.Query, StringComparison.OrdinalIgnoreCase)));
        var taken = matching.OrderBy(i => i.Key, StringComparer.Ordinal).Take(page.Limit + 1).ToArray();
        var shown = taken.Take(page.Limit).ToArray();
        return new Page<TOut>([.. shown.Select(i => make(i.Value))], taken.Length > page.Limit ? shown[^1].Key : null);
    }
}
