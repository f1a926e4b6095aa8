using System.Globalization;
using MeshDns.Actors.Runtime;
using MeshDns.Actors.Shards;
using MeshDns.Actors.Vips;
using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;
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
/// Replays a whole journal from its first event and checks every invariant that the promises rest on: no stream missing, no gap, fences
/// in order, snapshots equal to the replay, one host per VIP both ways, the lease tables equal to the ledger, and every shard's records
/// consistent with the documents and with the leases. What hangs on a stream that cannot be replayed is not reported as well. Pure.
/// </summary>
public sealed class JournalAudit
{
    private const int MaxBreaches = 1000;

    private readonly JournalImage _image;
    private readonly VipRange _range;
    private readonly int _shardCount;
    private readonly HostName _clusterDomain;
    private readonly ShardTableCore _shardCore;
    private readonly VipLedgerCore _vipCore;
    private readonly List<string> _breaches = [];
    private readonly Dictionary<string, ShardTable> _shards = [];
    private VipLedger? _ledger;

    private JournalAudit(JournalImage image)
    {
        _image = image;
        _range = new VipRange(Cidr.Parse(image.Settings["vips.ipv4"]), Cidr.Parse(image.Settings["vips.ipv6"]));
        _shardCount = int.Parse(image.Settings["cluster.shards"], NumberStyles.None, CultureInfo.InvariantCulture);
        _clusterDomain = HostName.Parse(image.Settings["mesh.cluster-domain"]);
        _shardCore = new ShardTableCore(_range);
        _vipCore = new VipLedgerCore(_range);
    }

    /// <summary>Checks a journal.</summary>
    public static AuditReport Run(JournalImage image)
    {
        if (image.Settings.Count == 0) return new AuditReport(0, 0, 0, 0, 0, image.Streams.Count == 0 ? [] : ["the journal has streams but no cluster settings"]);
        JournalAudit audit;
        try { audit = new JournalAudit(image); }
        catch (Exception e) when (e is KeyNotFoundException or FormatException or ArgumentException or OverflowException)
        {
            return new AuditReport(0, 0, 0, 0, 0, ["the journal's settings are damaged: " + e.Message]);
        }
        return audit.Run();
    }

    private AuditReport Run()
    {
        CheckStreams();
        foreach (var stream in _image.Streams)
        {
            if (stream.Owner.Stream == Streams.Vips) _ledger = Replay(stream, _vipCore);
            else if (Replay(stream, _shardCore) is { } table) _shards[stream.Owner.Stream] = table;
        }
        if (_ledger is not null)
        {
            foreach (var breach in VipGuard.Check(_ledger, _image.Leases, _image.Claims)) Breach(breach);
            CheckHolders(_ledger);
        }
        var records = new RecordAudit(_shards, _shardCount, _clusterDomain, _range, Breach);
        records.CheckDocuments();
        records.CheckDeclarations();
        if (_ledger is not null) records.CheckDemands(_ledger);
        return new AuditReport(
            _image.Streams.Count,
            _image.Streams.Sum(s => (long)s.Rows.Count),
            _shards.Values.Sum(s => s.Documents.Count),
            _shards.Values.Sum(s => s.Hosts.Count),
            _ledger?.Leases.Count() ?? 0,
            _breaches);
    }

    // A new journal has none; the first claim makes all of them, in one transaction.
    private void CheckStreams()
    {
        foreach (var stray in _image.StrayStreams) Breach($"{stray} has events but no ownership row");
        if (_image.Streams.Count == 0) return;
        var there = _image.Streams.Select(s => s.Owner.Stream).ToHashSet();
        var wanted = Streams.All(_shardCount);
        foreach (var missing in wanted.Except(there).Except(_image.StrayStreams)) Breach($"{missing} is missing");
        foreach (var unknown in there.Except(wanted)) Breach($"{unknown} is not a stream of {_shardCount} shards");
    }

    private TState? Replay<TState, TCommand, TReply>(StreamImage stream, IStreamCore<TState, TCommand, TReply> core) where TState : class where TReply : class
    {
        var name = stream.Owner.Stream;
        var state = core.Empty;
        var seq = 0L;
        var epoch = 0L;
        foreach (var row in stream.Rows)
        {
            if (row.Seq != ++seq) { Breach($"{name} has a gap: {row.Seq} where {seq} was expected"); return null; }
            if (row.Epoch < epoch || row.Epoch > stream.Owner.Epoch) Breach($"{name} {seq} was written at epoch {row.Epoch}, after {epoch} and with the owner at {stream.Owner.Epoch}");
            epoch = row.Epoch;
            try { state = core.Apply(state, EventCodec.Decode(row.Kind, row.Payload)); }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Damage takes any shape, a missing field included; whatever it broke, the answer is the same.
                Breach($"{name} {seq} cannot be replayed: {e.Message}");
                return null;
            }
            if (seq == stream.SnapshotSeq) CheckSnapshot(stream, core, state);
        }
        if (seq != stream.Owner.Seq) Breach($"{name} ends at {seq}, but its ownership row says {stream.Owner.Seq}");
        if (stream.SnapshotSeq > seq) Breach($"the snapshot of {name} is at {stream.SnapshotSeq}, beyond the stream's end at {seq}");
        return state;
    }

    private void CheckSnapshot<TState, TCommand, TReply>(StreamImage stream, IStreamCore<TState, TCommand, TReply> core, TState state) where TState : class where TReply : class
    {
        var what = $"the snapshot of {stream.Owner.Stream} at {stream.SnapshotSeq}";
        try
        {
            if (!core.Snapshot(state).AsSpan().SequenceEqual(core.Snapshot(core.Restore(stream.Snapshot)))) Breach($"{what} is not what the events give");
        }
        catch (Exception e) when (e is not OutOfMemoryException) { Breach($"{what} cannot be read: {e.Message}"); }
    }

    private void CheckHolders(VipLedger ledger)
    {
        var byHost = new Dictionary<HostName, int>();
        var byIndex = new Dictionary<int, HostName>();
        foreach (var (index, host, _) in ledger.Leases)
        {
            if (!byHost.TryAdd(host, index)) Breach($"{host} holds two VIPs, {_range.IPv4(byHost[host])} and {_range.IPv4(index)}");
            if (!byIndex.TryAdd(index, host)) Breach($"{_range.IPv4(index)} is held by two hosts, {byIndex[index]} and {host}");
            if (!_range.IsUsable(index)) Breach($"{host} holds {_range.IPv4(index)}, which is not usable");
        }
    }

    private void Breach(string text)
    {
        if (_breaches.Count < MaxBreaches) _breaches.Add(text);
    }
}
