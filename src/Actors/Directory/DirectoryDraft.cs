using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;

namespace MeshDns.Actors.Directory;

/// <summary>
/// One batch being worked out beside the published tables: only names that it touches are drafted, and nothing is seen by a reader before the
/// whole batch is known. For the directory's writer only.
/// </summary>
internal sealed class DirectoryDraft(MeshDirectory directory, DirectoryTables tables, Action<string> onViolation)
{
    private readonly Dictionary<HostName, DraftHost> _hosts = [];
    private readonly Dictionary<int, HostName?> _holders = [];

    // The quarantine is a fact of its own, before or after the others; a log that says none has the first.
    private long QuarantineMs { get; set; } = directory.Shared?.QuarantineMs ?? (long)VipLedgerCore.FirstQuarantine.TotalMilliseconds;

    /// <summary>The names that the batch touched.</summary>
    public IReadOnlyCollection<DraftHost> Hosts => _hosts.Values;

    /// <summary>What all nodes share after the batch; null when it says nothing of that.</summary>
    public SharedSettings? Shared { get; private set; }

    /// <summary>Drops what came from a set of streams, in one walk over the names.</summary>
    public void Reset(IReadOnlyCollection<string> streams)
    {
        if (streams.Count == 0) return;
        var vips = streams.Contains(Streams.Vips);
        var shards = new HashSet<int>();
        for (var shard = 0; shard < directory.Shards; shard++) if (streams.Contains(Streams.Shard(shard, directory.Shards))) shards.Add(shard);
        foreach (var entry in tables.Entries())
        {
            var host = entry.Host;
            if (vips && entry.VipIndex != HostEntry.NoVip) Release(Draft(host), entry.VipIndex);
            if (shards.Count != 0 && entry.IsDeclared && (shards.Count == directory.Shards || shards.Contains(Streams.ShardOf(host, directory.Shards)))) Draft(host).Clear(tables.Shapes);
        }
    }

    /// <summary>Takes one fact in.</summary>
    public void Take(MeshEvent fact)
    {
        switch (fact)
        {
            case HostDeclared declared: Draft(declared.Host).Declare(declared.Declaration, tables.Shapes); break;
            case HostWithdrawn withdrawn: Draft(withdrawn.Host).Withdraw(withdrawn.Document, tables.Shapes); break;
            case VipGranted granted: Grant(granted.Index, granted.Host); break;
            case VipReleased released: Release(released.Index, released.Host); break;
            case SettingsChanged settings: Share(settings); break;
            case QuarantineChanged quarantine: Share(quarantine); break;
            default: break; // The journal has facts that no reader of names needs.
        }
    }

    private void Share(SettingsChanged settings) => Shared = SettingsFacts.Read(QuarantineMs, settings, directory.Range);

    private void Share(QuarantineChanged quarantine)
    {
        QuarantineMs = quarantine.PeriodMs;
        if ((Shared ?? directory.Shared) is { } shared) Shared = shared with { QuarantineMs = quarantine.PeriodMs };
    }

    // The journal guards this twice over; a reader that met a breach all the same must not send two names to one address.
    private void Grant(int index, HostName host)
    {
        var draft = Draft(host);
        if (!directory.Range.IsUsable(index)) onViolation($"VIP index {index} of {host} is outside the ranges");
        else if (HolderOf(index) is { } holder && holder != host) onViolation($"VIP index {index} is granted to {host} while {holder} holds it");
        else if (draft.VipIndex != HostEntry.NoVip && draft.VipIndex != index) onViolation($"{host} is granted VIP index {index} while it holds {draft.VipIndex}");
        else
        {
            draft.VipIndex = index;
            _holders[index] = host;
        }
    }

    private void Release(int index, HostName host)
    {
        var draft = Draft(host);
        if (draft.VipIndex != index) onViolation($"VIP index {index} is released by {host}, which does not hold it");
        else Release(draft, index);
    }

    private void Release(DraftHost draft, int index)
    {
        draft.VipIndex = HostEntry.NoVip;
        _holders[index] = null;
    }

    private HostName? HolderOf(int index) => _holders.TryGetValue(index, out var host) ? host : tables.HolderOf(index)?.Host;

    private DraftHost Draft(HostName host)
    {
        if (_hosts.TryGetValue(host, out var draft)) return draft;
        var name = host.Suffix.ToWire();
        var table = host.IsWildcard ? tables.Wildcards : tables.Exact;
        draft = new DraftHost(host.IsWildcard, name, table.HashOf(name), table.Find(name));
        _hosts.Add(host, draft);
        return draft;
    }
}

/// <summary>A name as a batch will leave it.</summary>
internal sealed class DraftHost
{
    private readonly bool _isWildcard;
    private readonly byte[] _name;
    private readonly int _hash;
    private Declaration[] _declarations; // the draft's own until it is built

    public DraftHost(bool isWildcard, byte[] name, int hash, HostEntry? published)
    {
        _isWildcard = isWildcard;
        _name = published?.NameBytes ?? name;
        _hash = hash;
        Published = published;
        _declarations = published is null ? [] : published.Declarations.ToArray();
        VipIndex = published?.VipIndex ?? HostEntry.NoVip;
    }

    /// <summary>What readers see now; null for nothing.</summary>
    public HostEntry? Published { get; set; }

    /// <summary>The VIP index it will have.</summary>
    public int VipIndex { get; set; }

    /// <summary>The index that readers see now.</summary>
    public int PublishedVip => Published?.VipIndex ?? HostEntry.NoVip;

    /// <summary>True once readers see it as it will be.</summary>
    public bool IsDone { get; set; }

    /// <summary>True when nothing is left of the name.</summary>
    public bool IsGone => _declarations.Length == 0 && VipIndex == HostEntry.NoVip;

    /// <summary>The entry to publish.</summary>
    public HostEntry Build(int vipIndex) => new(_name, _hash, _isWildcard, vipIndex, _declarations);

    /// <summary>Adds a declaration, or replaces the one of the same document.</summary>
    public void Declare(HostDeclaration declaration, ShapePool shapes)
    {
        var added = Declaration.Of(declaration, shapes);
        var at = IndexOf(added.DocumentHash);
        if (at < 0) _declarations = [.. _declarations, added];
        else
        {
            shapes.Release(_declarations[at].Shape);
            _declarations[at] = added;
        }
        if (_declarations.Length > 1) Array.Sort(_declarations, Declaration.CompareAge);
    }

    /// <summary>Removes a document's declaration; nothing when it is not there.</summary>
    public void Withdraw(DocumentKey document, ShapePool shapes)
    {
        var at = IndexOf(Declaration.HashOf(document));
        if (at < 0) return;
        shapes.Release(_declarations[at].Shape);
        _declarations = [.. _declarations.AsSpan(0, at), .. _declarations.AsSpan(at + 1)];
    }

    /// <summary>Removes all declarations.</summary>
    public void Clear(ShapePool shapes)
    {
        foreach (var declaration in _declarations) shapes.Release(declaration.Shape);
        _declarations = [];
    }

    private int IndexOf(ulong documentHash)
    {
        for (var i = 0; i < _declarations.Length; i++) if (_declarations[i].DocumentHash == documentHash) return i;
        return -1;
    }
}
