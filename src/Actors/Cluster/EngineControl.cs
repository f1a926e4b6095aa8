using System.Security.Cryptography;
using System.Text.Json;
using MeshDns.Actors.Changes;
using MeshDns.Actors.Log;
using MeshDns.Actors.Protocol;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Cluster;

/// <summary>Answers the admin side of an owner: changes by the allocator, documents and hosts by shards, addresses by the ledger that this node folds.</summary>
internal sealed class EngineControl(MeshParts parts, MeshEngine engine, IJoining joining) : IMeshControl
{
    private static readonly TimeSpan _readPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _lookPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _reportPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _drainPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(50);

    private readonly ShardReads _shards = new(parts, () => engine.Life);
    private readonly NodeChanges _changes = new(parts, engine);

    /// <inheritdoc/>
    public async Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        var reply = await _changes.MakeAsync(request, deadline, cancel);
        if (request.Settings is null || reply.Outcome != ChangeOutcome.Applied || !parts.Founding.IsAlone) return reply;
        return reply with { Warnings = [.. reply.Warnings ?? [], "this node is alone on its journal: at its next start what it is configured with holds again"] };
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel)
    {
        var number = position.GetValueOrDefault(LogRow.MeshTag);
        var here = parts.Duties.AwaitRowAsync(number, deadline);
        var there = engine.Life is { } life ? life.Owners.Others().Select(m => AwaitAsync(life, m)) : [];
        return [.. (await Task.WhenAll([here, .. there])).SelectMany(behind => behind).Distinct().Order(StringComparer.Ordinal)];

        async Task<IReadOnlyList<string>> AwaitAsync(MeshLife mine, Akka.Cluster.Member member) =>
            await mine.AskAsync(new AwaitRow(0, (int)deadline.TotalMilliseconds, number), member.Address) is RowAwaited awaited ? awaited.Behind : [Owners.NameOf(member)];
    }

    /// <inheritdoc/>
    public async Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel) =>
        await _shards.DocumentsAsync([key], _readPatience) is [var stored] ? (await RecordsOfAsync([stored]))[0] : null;

    /// <inheritdoc/>
    public async Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel)
    {
        var found = await _shards.ListAsync(kind, page, _readPatience);
        return new Page<DocumentRecord>(await RecordsOfAsync(found.Items), found.Next);
    }

    /// <inheritdoc/>
    public async Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel) => await RecordsOfAsync([host]) is [var record] ? record : null;

    /// <inheritdoc/>
    public async Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel)
    {
        var found = await _shards.ListAsync(page, _readPatience);
        return new Page<HostRecord>(await RecordsOfAsync(found.Items), found.Next);
    }

    /// <inheritdoc/>
    public async Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel) => (await LedgerAsync()).Vip(index);

    /// <inheritdoc/>
    public async Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel) => (await LedgerAsync()).Vips(page);

    /// <inheritdoc/>
    public async Task<Page<RestingVip>> ListRestsAsync(PageRequest page, CancellationToken cancel) => (await LedgerAsync()).Rests(page);

    /// <inheritdoc/>
    public async Task<ClusterView> GetClusterAsync(CancellationToken cancel)
    {
        var life = engine.Life;
        var others = life is null ? [] : life.Owners.Others().Select(m => ReportOfAsync(life, m));
        var places = _shards.PlacesAsync(_reportPatience);
        var drained = DrainedAsync();
        // The newest word of a node comes first: its own, then what it said to others.
        var reports = (await Task.WhenAll(others)).OfType<NodeReported>().Prepend(parts.Duties.Report()).Concat(await drained).DistinctBy(r => r.Node).ToArray();
        var streams = StreamsOf(await places, life);
        var owned = streams.CountBy(s => s.Owner).ToDictionary();
        var members = reports.Select(r => ViewOf(r, owned.GetValueOrDefault(r.Node))).Concat(reports.SelectMany(r => r.Edges ?? []).OrderBy(e => e.SilentMs).Select(e => ViewOf(e.Report)));
        return new ClusterView(parts.Options.Node, [.. members.DistinctBy(m => m.Node).OrderBy(m => m.Node, StringComparer.Ordinal)], streams, Ledger().Usage());
    }

    /// <inheritdoc/>
    public async Task<SettingsView> GetSettingsAsync(CancellationToken cancel)
    {
        await SeeEndAsync();
        return parts.Following.State.SettingsView ?? throw new MeshUnavailableException("the log has no settings yet: no allocator has begun");
    }

    /// <inheritdoc/>
    public async Task<bool> DrainAsync(string node, CancellationToken cancel)
    {
        if (node == parts.Options.Node)
        {
            await engine.DrainAsync();
            return true;
        }
        if (engine.Life is not { } life) return false;
        if (life.Owners.Others().FirstOrDefault(m => Owners.NameOf(m) == node) is { } member)
        {
            if (await life.AskAsync(new DrainOrder(0, (int)_drainPatience.TotalMilliseconds), member.Address) is not NodeDrained) throw new MeshUnavailableException($"{node} does not answer");
            // It has given everything away when it is a member no more.
            var begun = parts.Time.GetTimestamp();
            while (life.Owners.Others().Any(m => m.UniqueAddress.Equals(member.UniqueAddress)))
            {
                if (parts.Time.GetElapsedTime(begun) > _drainPatience) throw new MeshUnavailableException($"{node} drains, and has not left the cluster yet");
                await Task.Delay(_look, parts.Time, cancel);
            }
            return true;
        }
        if (await parts.Duties.DrainAsync(node)) return true;
        var asked = life.Owners.Others().Select(m => life.AskAsync(new DrainOrder(0, (int)_reportPatience.TotalMilliseconds, node), m.Address));
        return (await Task.WhenAll(asked)).OfType<NodeDrained>().Any(d => d.IsKnown);
    }

    private async Task<IReadOnlyList<NodeReported>> DrainedAsync()
    {
        using var deadline = new CancellationTokenSource(_reportPatience, parts.Time);
        try { return await joining.DrainedAsync(deadline.Token); }
        catch (Exception e) when (e is Store.StoreUnavailableException or OperationCanceledException) { return []; }
    }

    private static async Task<NodeReported?> ReportOfAsync(MeshLife life, Akka.Cluster.Member member) =>
        await life.AskAsync(new ReportOrder(0, (int)_reportPatience.TotalMilliseconds), member.Address) as NodeReported;

    private static MemberView ViewOf(NodeReported node, int streams) => new(
        node.Node, node.Address, node.Roles, node.Report.State, node.Version, streams, new DirectoryFreshness(node.Report.Names, TimeSpan.FromMilliseconds(node.Report.AgeMs), node.Report.LagEvents));

    private static MemberView ViewOf(EdgeReport edge) => new(
        edge.Node, edge.Address, edge.Roles, edge.State, edge.Version, 0, new DirectoryFreshness(edge.Names, TimeSpan.FromMilliseconds(edge.AgeMs), 0));

    private StreamView[] StreamsOf(IReadOnlyList<ShardPlace> places, MeshLife? life)
    {
        var state = parts.Following.State;
        var placed = places.ToDictionary(p => p.Shard);
        var shards = Enumerable.Range(0, parts.Fold.Buckets.Count).Select(b => (Tag: parts.Fold.Buckets.TagOf(b), Row: state.LastOf[b].Number))
            .Select(s => new StreamView(s.Tag, placed.GetValueOrDefault(s.Tag)?.Node ?? "", state.Epoch, s.Row));
        var oldest = life?.Owners.Oldest() is { } member ? Owners.NameOf(member) : "";
        return [.. shards.Append(new StreamView(Contracts.Events.Streams.Vips, oldest, state.Epoch, state.Position.Number)).OrderBy(s => s.Stream, StringComparer.Ordinal)];
    }

    private async Task<LedgerReads> LedgerAsync()
    {
        await SeeEndAsync();
        return Ledger();
    }

    private async Task SeeEndAsync()
    {
        if (await parts.Following.SeeEndAsync(_lookPatience) is null && parts.Following.Age is null) throw new MeshUnavailableException("this node has not read the log yet");
    }

    private LedgerReads Ledger() => new(parts.Following.State.Ledger, parts.Options.Range, parts.Time.GetUtcNow().ToUnixTimeMilliseconds());

    private async Task<IReadOnlyList<DocumentRecord>> RecordsOfAsync(IReadOnlyList<StoredDocument> stored)
    {
        if (stored.Count == 0) return [];
        var (ledger, domain) = (await LedgerAsync(), parts.Following.State.ClusterDomain);
        return [.. stored.Select(s => new DocumentRecord(s.Document, s.Version, s.Source, s.Created, s.Updated, [.. HostDeclaration.Of(s.Document, s.Created, domain)
            .Where(h => h.Declaration.Eligible).SelectMany(h => ledger.VipOf(h.Host) is { State: VipState.Leased } vip ? ChangeEffects.AddressesOf(h.Host, vip.Index, parts.Options.Range) : [])]))];
    }

    private async Task<IReadOnlyList<HostRecord>> RecordsOfAsync(IReadOnlyList<HostName> hosts)
    {
        if (hosts.Count == 0) return [];
        var ledger = await LedgerAsync();
        var found = (await _shards.HostsAsync(hosts, _readPatience)).Where(f => f.Host.Declarations.Count > 0).ToDictionary(f => f.Host.Host);
        // Groups keep the order of their first, so the namespace with the oldest document comes first.
        return [.. hosts.Where(found.ContainsKey).Select(h => found[h]).Select(f => new HostRecord(f.Host.Host,
            [.. f.Host.Declarations.GroupBy(d => d.Document.Namespace).Select(g => new NamespaceRecord(g.Key, [.. g]))], ledger.VipOf(f.Host.Host), parts.Fold.Buckets.TagOf(parts.Fold.Buckets.Of(f.Host.Host)), f.Node))];
    }
}

/// <summary>
/// The changes of a node's API: each has a key, and is handed to the actor system that the node has, and when that ends to the next one under the same key, for as long as its caller waits.
/// </summary>
internal sealed class NodeChanges(MeshParts parts, MeshEngine engine)
{
    private static readonly TimeSpan _again = TimeSpan.FromMilliseconds(50);

    // So long a change waits for an allocator although it is known why there is none.
    private static readonly TimeSpan _hope = TimeSpan.FromSeconds(1);

    private readonly string _incarnation = parts.NextTerm();
    private long _count;

    /// <summary>Carries out a change; the reply says how it ended, whatever happened.</summary>
    public async Task<ChangeReply> MakeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        var begun = parts.Time.GetTimestamp();
        var name = request.IdempotencyKey ?? $"{ReplyMemory.NodePrefix}{_incarnation}-{Interlocked.Increment(ref _count)}";
        var key = new SubmittedKey(name, RequestDigest.Of(request), SentAt: parts.Following.Position.Number);
        var mayBeDone = false;
        while (!engine.IsDraining || mayBeDone)
        {
            var left = deadline - parts.Time.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero || cancel.IsCancellationRequested) break;
            if (!mayBeDone && engine.Life is not { HasAllocator: true } && (parts.Following.Trouble ?? engine.Trouble ?? parts.Memory.Trouble) is { } trouble && parts.Time.GetElapsedTime(begun) > _hope)
                return new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = "nothing happened: " + trouble };
            if (engine.Life is { HasAllocator: true } life)
            {
                if (await life.ChangeAsync(new StartChange(request, key, left, mayBeDone), cancel) is { } reply) return Explained(reply);
                mayBeDone = true;
            }
            if (engine.IsDraining) break;
            await Task.Delay(_again, parts.Time, CancellationToken.None);
        }
        return mayBeDone ? new ChangeReply { Outcome = ChangeOutcome.Unknown, Detail = "this node left its cluster while the change was under way; it may or may not have happened" }
            : new ChangeReply { Outcome = ChangeOutcome.Unavailable, Detail = engine.IsDraining ? "this node is draining" : "nothing happened: " + (engine.Life is null ? "this node is not a member of its cluster just now" : "no allocator could be reached") };
    }

    // Why the outcome of an append is open is known where the allocator is.
    private ChangeReply Explained(ChangeReply reply) =>
        reply.Outcome is ChangeOutcome.Unavailable or ChangeOutcome.Unknown && parts.Memory.Trouble is { } trouble && reply.Detail?.Contains(trouble, StringComparison.Ordinal) != true ? reply with { Detail = $"{reply.Detail}: {trouble}" } : reply;
}

/// <summary>A hash of what was asked, to tell a repetition from a different request under the same key.</summary>
internal static class RequestDigest
{
    /// <summary>SHA-256 of the request without its key; lower-case hexadecimal.</summary>
    public static string Of(ChangeRequest request)
    {
        // Never all of it at once: a request may be of tens of megabytes.
        using var sha = SHA256.Create();
        using (var hashing = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write)) JsonSerializer.Serialize(hashing, request with { IdempotencyKey = null }, ReplyJson.Default.ChangeRequest);
        return Convert.ToHexStringLower(sha.Hash!);
    }
}
