using System.Globalization;
using System.Text.Json;
using MeshDns.Actors.Cluster;
using MeshDns.Actors.Shards;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Tests;

/// <summary>
/// A mesh in a dictionary, with the outward behaviour of a real one for what the admin side shows: versions, sources, one VIP a host,
/// pages. <see cref="OnChange"/> and <see cref="OnRead"/> put failures in its place. One lock; no clock.
/// </summary>
public sealed class FakeMeshControl : IMeshControl
{
    public const string Node = "node-1";

    private static readonly HostName _clusterDomain = HostName.Parse("cluster.local");
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, DocumentRecord> _documents = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _vips = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Body, ChangeReply Reply)> _keys = new(StringComparer.Ordinal);
    private long _clock = 1_700_000_000_000;
    private int _nextVip;

    /// <summary>Usable VIPs; a change that needs more is refused.</summary>
    public int Capacity { get; set; } = 1000;

    /// <summary>Called first for a change; a reply that is not null is the answer, and nothing happens.</summary>
    public Func<ChangeRequest, Task<ChangeReply?>> OnChange { get; set; } = _ => Task.FromResult<ChangeReply?>(null);

    /// <summary>Called first for each read.</summary>
    public Func<CancellationToken, Task> OnRead { get; set; } = _ => Task.CompletedTask;

    /// <summary>The nodes that never have a change in time.</summary>
    public Func<Task<IReadOnlyList<string>>> MissingEdges { get; set; } = () => Task.FromResult<IReadOnlyList<string>>([]);

    /// <summary>Every change asked, in order.</summary>
    public List<ChangeRequest> Requests { get; } = [];

    /// <summary>Every page of documents asked, in order.</summary>
    public List<PageRequest> Pages { get; } = [];

    /// <summary>What rests.</summary>
    public List<RestingVip> Rests { get; } = [];

    /// <summary>Nodes drained.</summary>
    public List<string> Drained { get; } = [];

    /// <summary>How often edges were waited for.</summary>
    public int EdgeWaits { get; private set; }

    /// <summary>The settings of the cluster.</summary>
    public SettingsView Settings { get; set; } = new(new SharedSettings(86_400_000, 30_000, [], "cluster.local"), "240.240.0.0/16", "2001:2::/48", 64);

    public async Task<SettingsView> GetSettingsAsync(CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate) return Settings;
    }

    public async Task<ChangeReply> ChangeAsync(ChangeRequest request, TimeSpan deadline, CancellationToken cancel)
    {
        lock (_gate) Requests.Add(request);
        if (await OnChange(request) is { } scripted) return scripted;
        lock (_gate) return Decide(request);
    }

    public Task<IReadOnlyList<string>> WaitForEdgesAsync(IReadOnlyDictionary<string, long> position, TimeSpan deadline, CancellationToken cancel)
    {
        EdgeWaits++;
        return MissingEdges();
    }

    public async Task<DocumentRecord?> GetDocumentAsync(DocumentKey key, CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate) return _documents.TryGetValue(key.ToString(), out var record) ? record with { Addresses = AddressesOf(record.Document) } : null;
    }

    public async Task<Page<DocumentRecord>> ListDocumentsAsync(DocumentKind kind, PageRequest page, CancellationToken cancel)
    {
        lock (_gate) Pages.Add(page);
        await OnRead(cancel);
        lock (_gate)
        {
            return Cut(_documents.Values.Where(record => record.Document.Key.Kind == kind).Select(record => record with { Addresses = AddressesOf(record.Document) }),
                record => $"{record.Document.Key.Namespace}/{record.Document.Key.Name}", page);
        }
    }

    public async Task<HostRecord?> GetHostAsync(HostName host, CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate) return Hosts().FirstOrDefault(record => record.Host == host);
    }

    public async Task<Page<HostRecord>> ListHostsAsync(PageRequest page, CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate) return Cut(Hosts(), record => record.Host.Text, page);
    }

    public async Task<VipRecord?> GetVipAsync(int index, CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate) return Vips().FirstOrDefault(vip => vip.Index == index) ?? new VipRecord(index, VipState.Free, [], 0, null);
    }

    public async Task<Page<VipRecord>> ListVipsAsync(PageRequest page, CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate) return Cut(Vips(), vip => vip.Index.ToString("D5", CultureInfo.InvariantCulture), page, vip => vip.Hosts[0].Text);
    }

    public async Task<Page<RestingVip>> ListRestsAsync(PageRequest page, CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate) return Cut(Rests, rest => rest.Vip, page);
    }

    public async Task<ClusterView> GetClusterAsync(CancellationToken cancel)
    {
        await OnRead(cancel);
        lock (_gate)
        {
            var member = new MemberView(Node, "127.0.0.1:0", ["owner", "edge"], Drained.Contains(Node) ? "draining" : "up", "0.1.0", 2, new DirectoryFreshness(_vips.Count, TimeSpan.FromMilliseconds(250), 0));
            return new ClusterView(Node, [member], [new StreamView("shard-00", Node, 1, 7), new StreamView("vips", Node, 1, 3)],
                new VipUsage(Capacity, _vips.Count, 0, 0, 0, Capacity - _vips.Count));
        }
    }

    public Task<bool> DrainAsync(string node, CancellationToken cancel)
    {
        if (node == Node) Drained.Add(node);
        return Task.FromResult(node == Node);
    }

    private ChangeReply Decide(SettingsChange asked)
    {
        var shared = Settings.Shared;
        if (asked.IfMatch is { } tag && tag != shared.Tag) return ChangeReply.Refused(RefusalReason.VersionMismatch, $"the settings are at \"{shared.Tag}\"");
        Settings = Settings with { Shared = new SharedSettings(asked.QuarantineMs ?? shared.QuarantineMs, asked.LargestTtlMs ?? shared.LargestTtlMs, asked.Zones ?? shared.Zones, asked.ClusterDomain ?? shared.ClusterDomain) };
        return new ChangeReply { Outcome = ChangeOutcome.Applied, Settings = Settings };
    }

    private ChangeReply Decide(ChangeRequest request)
    {
        var body = JsonSerializer.Serialize(request.Changes);
        if (request.IdempotencyKey is { } key && _keys.TryGetValue(key, out var before))
            return before.Body == body ? before.Reply : ChangeReply.Refused(RefusalReason.KeyReused, "the key was used for another change");
        if (request.Settings is { } asked) return Decide(asked);
        foreach (var change in request.Changes) if (Refusal(request, change) is { } refusal) return refusal;
        var wanted = request.Changes.Where(change => change.Document is not null).SelectMany(change => Eligible(Kept(request, change.Document!))).Select(host => host.Text).Except(_vips.Keys).Distinct().Count();
        if (_vips.Count + wanted > Capacity)
            return ChangeReply.Refused(RefusalReason.PoolExhausted, $"{_vips.Count} leased, 0 quarantined, 0 reserved of {Capacity}");
        var reply = new ChangeReply
        {
            Outcome = ChangeOutcome.Applied,
            Results = [.. request.Changes.Select(change => Apply(request, change))],
            Position = new Dictionary<string, long> { ["shard-00"] = 1 },
        };
        if (request is { IdempotencyKey: { } used, DryRun: false }) _keys[used] = (body, reply);
        return reply;
    }

    private ChangeReply? Refusal(ChangeRequest request, DocumentChange change)
    {
        _documents.TryGetValue(change.Key.ToString(), out var record);
        if (change.IfMatch is { } version && version != (record?.Version ?? 0))
            return ChangeReply.Refused(RefusalReason.VersionMismatch, $"it has version {record?.Version ?? 0}, not {version}", change.Key);
        if (record is null && change.Document is null && request.MustExist) return ChangeReply.Refused(RefusalReason.NotFound, $"there is no {change.Key}", change.Key);
        return record is not null && record.Source != request.Source && !request.TakeOver
            ? ChangeReply.Refused(RefusalReason.OtherSource, $"it belongs to {record.Source}", change.Key)
            : null;
    }

    private DocumentResult Apply(ChangeRequest request, DocumentChange change)
    {
        var id = change.Key.ToString();
        _documents.TryGetValue(id, out var record);
        if (change.Document is not { } asked)
        {
            if (!request.DryRun && record is not null)
            {
                _documents.Remove(id);
                foreach (var host in Eligible(record.Document)) _vips.Remove(host.Text);
            }
            return new DocumentResult { Key = change.Key, Action = record is null ? DocumentAction.Absent : DocumentAction.Deleted };
        }
        var document = Kept(request, asked);
        // The same text twice is the same document here; the real mesh compares values.
        var same = record is not null && Same(record.Document, document);
        var action = record is null ? DocumentAction.Created : same ? DocumentAction.Unchanged : DocumentAction.Configured;
        var version = (record?.Version ?? 0) + (same ? 0 : 1);
        if (!request.DryRun)
        {
            foreach (var host in Eligible(document)) if (!_vips.ContainsKey(host.Text)) _vips[host.Text] = NextIndex();
            _documents[id] = new DocumentRecord(document, version, request.Source, record?.Created ?? ++_clock, ++_clock, []);
        }
        return new DocumentResult { Key = change.Key, Action = action, Version = version, Addresses = AddressesOf(document) };
    }

    private static MeshDocument Kept(ChangeRequest request, MeshDocument document) =>
        DeclaredDocument.Of(document, null, request.Source, null, VipRange.Default, _clusterDomain).Document;

    private static bool Same(MeshDocument left, MeshDocument right) => JsonSerializer.Serialize(left) == JsonSerializer.Serialize(right);

    private int NextIndex()
    {
        do _nextVip++; while (!VipRange.Default.IsUsable(_nextVip));
        return _nextVip;
    }

    private static IEnumerable<HostName> Eligible(MeshDocument document) =>
        HostDeclaration.Of(document, 0, _clusterDomain).Where(pair => pair.Declaration.Eligible).Select(pair => pair.Host);

    private List<HostAddress> AddressesOf(MeshDocument document)
    {
        var list = new List<HostAddress>();
        foreach (var host in Eligible(document))
        {
            if (!_vips.TryGetValue(host.Text, out var index)) continue;
            list.Add(new HostAddress(host, VipRange.Default.IPv4(index).ToString()));
            list.Add(new HostAddress(host, VipRange.Default.IPv6(index).ToString()));
        }
        return list;
    }

    private List<HostRecord> Hosts() => [.. _documents.Values
        .SelectMany(record => HostDeclaration.Of(record.Document, record.Created, _clusterDomain))
        .GroupBy(pair => pair.Host)
        .OrderBy(group => group.Key)
        .Select(group => new HostRecord(group.Key,
            [.. group.GroupBy(pair => pair.Declaration.Document.Namespace).Select(ns => new NamespaceRecord(ns.Key, [.. ns.Select(pair => pair.Declaration).OrderBy(d => d.Created)])).OrderBy(r => r.Declarations[0].Created)],
            _vips.TryGetValue(group.Key.Text, out var index) ? new VipRecord(index, VipState.Leased, [group.Key], 1_700_000_000_000, null) : null,
            "shard-00",
            Node))];

    private IEnumerable<VipRecord> Vips() => _vips.OrderBy(pair => pair.Value).Select(pair => new VipRecord(pair.Value, VipState.Leased, [HostName.Parse(pair.Key)], 1_700_000_000_000, null));

    private static Page<T> Cut<T>(IEnumerable<T> items, Func<T, string> position, PageRequest page, Func<T, string>? name = null)
    {
        var rest = items
            .Where(item => page.Query is null || (name ?? position)(item).Contains(page.Query, StringComparison.OrdinalIgnoreCase))
            .Where(item => page.After is null || string.CompareOrdinal(position(item), page.After) > 0)
            .OrderBy(position, StringComparer.Ordinal).Take(page.Limit + 1).ToList();
        return rest.Count > page.Limit ? new Page<T>(rest[..page.Limit], position(rest[page.Limit - 1])) : new Page<T>(rest, null);
    }
}
