using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Services;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Journal;

/// <summary>What an audit saw.</summary>
/// <param name="Streams">Streams replayed.</param>
/// <param name="Events">Events replayed.</param>
/// <param name="Documents">Documents found.</param>
/// <param name="Hosts">Hosts found.</param>
/// <param name="Leases">Leases found.</param>
/// <param name="Breaches">Every broken invariant, as a sentence; empty when all is well. At most 1,000.</param>
public sealed record AuditReport(int Streams, long Events, int Documents, int Hosts, int Leases, IReadOnlyList<string> Breaches);

/// <summary>
/// Replays a whole journal from its first event and checks every invariant that the promises rest on: no gap, fences in order,
/// snapshots equal to the replay, one host per VIP both ways, the lease tables equal to the ledger, and every shard's records
/// consistent with the documents and with the leases. Pure.
/// </summary>
public sealed class JournalAudit
{
    private const int MaxBreaches = 1000;

    private readonly JournalImage _image;
    private readonly VipRange _range;
    private readonly HostName _clusterDomain;
    private readonly ShardTableCore _shardCore;
    private readonly VipLedgerCore _vipCore;
    private readonly List<string> _breaches = [];
    private readonly Dictionary<string, ShardTable> _shards = [];
    private VipLedger _ledger;

    private JournalAudit(JournalImage image)
    {
        _image = image;
        _range = new VipRange(Cidr.Parse(image.Settings["vips.ipv4"]), Cidr.Parse(image.Settings["vips.ipv6"]));
        _clusterDomain = HostName.Parse(image.Settings["mesh.cluster-domain"]);
        _shardCore = new ShardTableCore(_range);
        _vipCore = new VipLedgerCore(_range);
        _ledger = _vipCore.Empty;
    }

    /// <summary>Checks a journal.</summary>
    public static AuditReport Run(JournalImage image)
    {
        if (image.Settings.Count == 0) return new AuditReport(0, 0, 0, 0, 0, image.Streams.Count == 0 ? [] : ["the journal has streams but no cluster settings"]);
        try { return new JournalAudit(image).Run(); }
        catch (Exception e) when (e is KeyNotFoundException or FormatException or ArgumentException) { return new AuditReport(0, 0, 0, 0, 0, ["the journal's settings are damaged: " + e.Message]); }
    }

    private AuditReport Run()
    {
        foreach (var stray in _image.StrayStreams) Breach($"{stray} has events but no ownership row");
        foreach (var stream in _image.Streams)
        {
            if (stream.Owner.Stream == Streams.Vips) _ledger = Replay(stream, _vipCore) ?? _ledger;
            else if (Replay(stream, _shardCore) is { } table) _shards[stream.Owner.Stream] = table;
        }
        foreach (var breach in VipGuard.Check(_ledger, _image.Leases, _image.Claims)) Breach(breach);
        CheckHolders();
        CheckDocuments();
        CheckDemands();
        return new AuditReport(
            _image.Streams.Count,
            _image.Streams.Sum(s => (long)s.Rows.Count),
            _shards.Values.Sum(s => s.Documents.Count),
            _shards.Values.Sum(s => s.Hosts.Count),
            _ledger.Leases.Count(),
            _breaches);
    }

    private TState? Replay<TState, TCommand, TReply>(StreamImage stream, IStreamCore<TState, TCommand, TReply> core) where TState : class where TReply : class
    {
        var name = stream.Owner.Stream;
        var state = core.Empty;
        var seq = 0L;
        var epoch = 0L;
        try
        {
            foreach (var row in stream.Rows)
            {
                if (row.Seq != ++seq) { Breach($"{name} has a gap: {row.Seq} where {seq} was expected"); return null; }
                if (row.Epoch < epoch || row.Epoch > stream.Owner.Epoch) Breach($"{name} {seq} was written at epoch {row.Epoch}, after {epoch} and with the owner at {stream.Owner.Epoch}");
                epoch = row.Epoch;
                state = core.Apply(state, EventCodec.Decode(row.Kind, row.Payload));
                if (seq == stream.SnapshotSeq && !core.Snapshot(state).AsSpan().SequenceEqual(core.Snapshot(core.Restore(stream.Snapshot)))) Breach($"the snapshot of {name} at {seq} is not what the events give");
            }
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException)
        {
            Breach($"{name} {seq} cannot be replayed: {e.Message}");
            return null;
        }
        if (seq != stream.Owner.Seq) Breach($"{name} ends at {seq}, but its ownership row says {stream.Owner.Seq}");
        if (stream.SnapshotSeq > seq) Breach($"the snapshot of {name} is at {stream.SnapshotSeq}, beyond the stream's end at {seq}");
        return state;
    }

    private void CheckHolders()
    {
        var byHost = new Dictionary<HostName, int>();
        var byIndex = new Dictionary<int, HostName>();
        foreach (var (index, host, _) in _ledger.Leases)
        {
            if (!byHost.TryAdd(host, index)) Breach($"{host} holds two VIPs, {_range.IPv4(byHost[host])} and {_range.IPv4(index)}");
            if (!byIndex.TryAdd(index, host)) Breach($"{_range.IPv4(index)} is held by two hosts, {byIndex[index]} and {host}");
            if (!_range.IsUsable(index)) Breach($"{host} holds {_range.IPv4(index)}, which is not usable");
        }
    }

    // Every document's hosts have its declaration, in the right shard, and no declaration is without its document.
    private void CheckDocuments()
    {
        var declared = 0;
        foreach (var (stream, table) in _shards)
            foreach (var stored in table.Documents.Values)
            {
                var key = stored.Document.Key;
                if (Streams.Shard(Streams.ShardOf(key, _shards.Count), _shards.Count) != stream) Breach($"{key} is in {stream}, where it does not belong");
                foreach (var (host, declaration) in HostDeclaration.Of(stored.Document, stored.Created, _clusterDomain))
                {
                    declared++;
                    var owner = _shards.GetValueOrDefault(Streams.Shard(Streams.ShardOf(host, _shards.Count), _shards.Count));
                    var found = owner?.DeclarationsOf(host).FirstOrDefault(d => d.Document == key);
                    if (found is null) Breach($"{key} declares {host}, but the host's shard does not know");
                    else if (!ShardTableSnapshot.SameDeclaration(found, declaration)) Breach($"what {key} declares of {host} differs from the host's record");
                }
            }
        var kept = _shards.Values.Sum(s => s.Hosts.Values.Sum(h => h.Length));
        if (kept != declared) Breach($"hosts have {kept} declarations, documents make {declared}");
    }

    // What hosts want is what the ledger has: leases, claims and exclusions, both ways.
    private void CheckDemands()
    {
        var leases = 0;
        foreach (var table in _shards.Values)
            foreach (var host in table.Hosts.Keys)
            {
                var wanted = _shardCore.DemandOf(table, host);
                var held = _ledger.Demand(host);
                if (wanted.Lease) leases++;
                if (wanted.Lease != held.Lease) Breach(wanted.Lease ? $"{host} should hold a VIP and holds none" : $"{host} holds a VIP that no document asks for");
                // A CIDR that contains the whole range excludes nothing, and the ledger does not keep it.
                var exclusions = wanted.Exclusions.Where(c => _range.TryCovered(Cidr.Parse(c), out _, out _, out var whole) && !whole).ToArray();
                if (!exclusions.SequenceEqual(held.Exclusions)) Breach($"{host} excludes {List(exclusions)}, the ledger has {List(held.Exclusions)}");
                if (!wanted.Claims.SequenceEqual(held.Claims)) Breach($"{host} declares the addresses {List(wanted.Claims)}, the ledger has {List(held.Claims)}");
            }
        if (_ledger.Leases.Count() != leases) Breach($"{_ledger.Leases.Count()} VIPs are leased, {leases} hosts want one");
    }

    private static string List(IReadOnlyList<string> items) => items.Count == 0 ? "none" : string.Join(", ", items);

    private void Breach(string text)
    {
        if (_breaches.Count < MaxBreaches) _breaches.Add(text);
    }
}
