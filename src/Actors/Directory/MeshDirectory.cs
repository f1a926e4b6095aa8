using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Directory;

/// <summary>What a lookup found.</summary>
/// <param name="Entry">The host; null when no declaration that the client sees matches.</param>
/// <param name="Choice">The record that answers.</param>
public readonly record struct DirectoryMatch(HostEntry? Entry, RecordChoice Choice);

/// <summary>
/// This node's replica of every name in the mesh. Readers on any thread, without a lock: each name is one immutable <see cref="HostEntry"/>,
/// replaced by one write. One writer at a time applies the change feed's batches, each whole. No two names ever show the same VIP, not even between
/// the writes of one batch.
/// </summary>
public sealed class MeshDirectory
{
    // The times are the database's: its clock and this machine's may differ.
    private static readonly TimeSpan _clockSkew = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _unknownAge = TimeSpan.FromDays(10_000);

    private readonly TimeProvider _time;
    private readonly Action<string> _onViolation;
    private readonly Lock _writer = new();
    private readonly DirectoryTables _tables;
    private DirectoryPosition _position = DirectoryPosition.None;
    private Freshness _freshness = new(0, 0, TimeSpan.Zero);
    private MeshZones _zones;
    private SharedSettings? _shared;
    private uint _largestTtl = uint.MaxValue;
    private bool _isLoaded;
    private long _violations;

    /// <summary>An empty directory.</summary>
    /// <param name="range">The VIP ranges.</param>
    /// <param name="zones">The mesh-owned zones until it knows <see cref="Shared"/>: inside them every name exists that is declared or above one.</param>
    /// <param name="shards">How many shards the journal has.</param>
    /// <param name="time">The clock for <see cref="Age"/>.</param>
    /// <param name="onViolation">Told of every fact that would give one VIP to two hosts, or two to one; the fact is not served. Must not throw.</param>
    public MeshDirectory(VipRange range, MeshZones zones, int shards, TimeProvider time, Action<string>? onViolation = null)
    {
        Range = range;
        _zones = zones;
        Shards = shards;
        _time = time;
        _onViolation = onViolation ?? (_ => { });
        _tables = new DirectoryTables(range, zones);
    }

    /// <summary>Raised after each batch, by whoever applied it; must return at once and not throw.</summary>
    public event Action? Applied;

    /// <summary>The VIP ranges.</summary>
    public VipRange Range { get; }

    /// <summary>The mesh-owned zones.</summary>
    public MeshZones Zones => Volatile.Read(ref _zones);

    /// <summary>The zones that are the mesh's own: the cluster domain, the reverse zones of the VIP ranges, and <c>mesh.zones</c>.</summary>
    public static MeshZones ZonesOf(HostName clusterDomain, VipRange range, IEnumerable<HostName> zones) =>
        new([clusterDomain, .. ReverseZones.Of(range), .. zones], clusterDomain);

    /// <summary>What all nodes share, as of the same place in the log as the names; null until it was told (docs/adr/0028).</summary>
    public SharedSettings? Shared => Volatile.Read(ref _shared);

    /// <summary>No larger TTL may be served, seconds.</summary>
    public uint LargestTtl => Volatile.Read(ref _largestTtl);

    /// <summary>The journal's shards.</summary>
    public int Shards { get; }

    /// <summary>True once a batch or a saved snapshot was taken in.</summary>
    public bool IsLoaded => Volatile.Read(ref _isLoaded);

    /// <summary>The journal's clock at the last successful read of all streams, milliseconds since the Unix epoch.</summary>
    public long ReadAt => Volatile.Read(ref _freshness).ReadAt;

    /// <summary>
    /// How old the knowledge is; never negative. Without meaning until <see cref="IsLoaded"/>. Monotonic since the last read, so that setting the clock
    /// makes nothing younger; only a saved directory has to be compared with the wall clock, which may add to its age and never takes from it.
    /// </summary>
    public TimeSpan Age
    {
        get
        {
            var freshness = Volatile.Read(ref _freshness);
            var elapsed = freshness.AgeThen + _time.GetElapsedTime(freshness.Timestamp);
            if (!freshness.IsRestored) return elapsed > TimeSpan.Zero ? elapsed : TimeSpan.Zero;
            var byClock = WallAge(freshness.ReadAt);
            return byClock > elapsed ? byClock : elapsed;
        }
    }

    /// <summary>The age as it is now, for a batch that makes nothing younger.</summary>
    internal KnownAge AgeNow() => new(_time.GetTimestamp(), Age);

    /// <summary>How far the log has been read.</summary>
    public DirectoryPosition Position => Volatile.Read(ref _position);

    /// <summary>True when something has been read since an earlier <see cref="Position"/>; null stands for never.</summary>
    public bool HasMovedFrom(DirectoryPosition? position) => Position != position;

    /// <summary>Declared names, wildcards included.</summary>
    public int Names => _tables.Declared;

    /// <summary>Automatic VIPs held.</summary>
    public int Leases => _tables.Leased;

    /// <summary>Facts that broke "one host per VIP, one VIP per host" and were not served; any is a bug somewhere.</summary>
    public long Violations => Interlocked.Read(ref _violations);

    /// <summary>All hosts as they are now, in no order.</summary>
    public IEnumerable<HostEntry> Hosts => _tables.Entries().Where(e => e.IsDeclared);

    /// <summary>The host of exactly this name, as far as the client sees it. Does not allocate.</summary>
    /// <param name="foldedName">Lower case, uncompressed wire form.</param>
    /// <param name="view">What the client sees.</param>
    public DirectoryMatch FindExact(ReadOnlySpan<byte> foldedName, in ClientView view) => FindExact(foldedName, HashOf(foldedName), view);

    /// <summary>The same when the name's hash is known.</summary>
    public DirectoryMatch FindExact(ReadOnlySpan<byte> foldedName, int hash, in ClientView view) => Match(_tables.Exact.Find(foldedName, hash), view);

    /// <summary>The hash by which a name is found in this directory, in whatever case it is spelt.</summary>
    /// <param name="name">Uncompressed wire form.</param>
    public int HashOf(ReadOnlySpan<byte> name) => _tables.Exact.HashOf(name);

    /// <summary>
    /// Fetches what <see cref="FindExact(ReadOnlySpan{byte}, int, in ClientView)"/> will read of many names, without waiting for any: in a large directory each of
    /// them would wait for memory four times, and so they wait together.
    /// </summary>
    /// <param name="hashes">The names' hashes.</param>
    public void PrefetchExact(ReadOnlySpan<int> hashes)
    {
        var table = _tables.Exact;
        foreach (var hash in hashes) table.PrefetchSlot(hash);
        foreach (var hash in hashes) table.PrefetchNode(hash);
        foreach (var hash in hashes) table.PrefetchName(hash);
    }

    /// <summary>The longest visible wildcard that has this name below it; never for its suffix itself. Does not allocate.</summary>
    /// <param name="foldedName">Lower case, uncompressed wire form, well formed.</param>
    /// <param name="view">What the client sees.</param>
    public DirectoryMatch FindWildcard(ReadOnlySpan<byte> foldedName, in ClientView view)
    {
        if (_tables.Wildcards.Count == 0) return default;
        var labels = DnsName.CountLabels(foldedName);
        for (var suffix = DnsName.Parent(foldedName); --labels > 0; suffix = DnsName.Parent(suffix))
        {
            if (!_tables.MayHaveWildcard(labels)) continue;
            var match = Match(_tables.Wildcards.Find(suffix), view);
            if (match.Entry is not null) return match;
        }
        return default;
    }

    /// <summary>
    /// True when the name exists because of what is below it (RFC 8020): a declared name that the client sees and, outside the mesh zones, that is answered
    /// here, or a mesh zone. Does not allocate.
    /// </summary>
    /// <param name="foldedName">Lower case, uncompressed wire form.</param>
    /// <param name="view">What the client sees.</param>
    public bool HasNamesBelow(ReadOnlySpan<byte> foldedName, in ClientView view) => _tables.HasNamesBelow(foldedName, view);

    /// <summary>The hosts, wildcards apart, that declare an address, whoever sees them; at most <see cref="AddressIndex.MaxShown"/>. Does not allocate.</summary>
    /// <param name="address">4 or 16 bytes.</param>
    public AddressHolders HoldersOf(ReadOnlySpan<byte> address) => _tables.Addresses.Find(address);

    /// <summary>The host of exactly this name, whoever sees it; null when none is declared.</summary>
    /// <param name="foldedName">Lower case, uncompressed wire form.</param>
    public HostEntry? Declared(ReadOnlySpan<byte> foldedName) => _tables.Exact.Find(foldedName) is { IsDeclared: true } entry ? entry : null;

    /// <summary>The host that holds a VIP; null when nobody does.</summary>
    public HostEntry? HolderOf(int vipIndex) => _tables.HolderOf(vipIndex);

    /// <summary>
    /// Takes a batch in, whole; then <see cref="Position"/> and <see cref="ReadAt"/> are the batch's. Readers go on meanwhile and see each name
    /// before or after. Losses of a VIP are published before gains of it.
    /// </summary>
    public void Apply(FeedBatch batch)
    {
        lock (_writer)
        {
            var draft = new DirectoryDraft(this, _tables, Violated);
            draft.Reset(batch.Reset);
            foreach (var fact in batch.Facts) draft.Take(fact);
            Publish(draft.Hosts);
            if (draft.Shared is { } shared) Adopt(shared);
            Volatile.Write(ref _position, batch.Position);
            Volatile.Write(ref _freshness, new Freshness(batch.ReadAt, batch.Known?.Timestamp ?? _time.GetTimestamp(), batch.Known?.Age ?? TimeSpan.Zero));
            Volatile.Write(ref _isLoaded, true);
        }
        Applied?.Invoke();
    }

    /// <summary>Everything as it is between two batches, for saving. Cheap: entries are immutable and only their references are copied.</summary>
    public DirectoryImage Capture()
    {
        lock (_writer) return new DirectoryImage([.. _tables.Entries()], _position, ReadAt, _shared);
    }

    /// <summary>Takes over what a snapshot held; one that is from later than the wall clock says is of an age that nobody can tell, so it is expired. Only for an empty directory.</summary>
    /// <exception cref="InvalidOperationException">Something was applied before: a fault of the caller.</exception>
    public void Restore(DirectoryImage image)
    {
        lock (_writer)
        {
            if (IsLoaded) throw new InvalidOperationException("a directory is restored before its first batch");
            if (image.Shared is { } shared) Adopt(shared);
            _tables.Exact.Reserve(image.Entries.Count);
            foreach (var entry in image.Entries) RestoreOne(entry);
            Volatile.Write(ref _position, image.Position);
            Volatile.Write(ref _freshness, new Freshness(image.ReadAt, _time.GetTimestamp(), AgeOfSaved(image.ReadAt)) { IsRestored = true });
            Volatile.Write(ref _isLoaded, true);
        }
    }

    private TimeSpan AgeOfSaved(long readAt) => readAt - _time.GetUtcNow().ToUnixTimeMilliseconds() > _clockSkew.TotalMilliseconds ? _unknownAge : WallAge(readAt);

    // What may be served of a name comes after the name: a larger TTL and a longer age hold from this place of the log on.
    private void Adopt(SharedSettings shared)
    {
        var zones = ZonesOf(HostName.Parse(shared.ClusterDomain), Range, shared.Zones.Select(HostName.Parse));
        if (!zones.Apexes.SequenceEqual(_zones.Apexes) || !zones.ClusterDomain.SequenceEqual(_zones.ClusterDomain))
        {
            _tables.Rezone(zones);
            Volatile.Write(ref _zones, zones);
        }
        Volatile.Write(ref _largestTtl, (uint)(shared.LargestTtlMs / 1000));
        Volatile.Write(ref _shared, shared);
    }

    private TimeSpan WallAge(long readAt) => TimeSpan.FromMilliseconds(Math.Max(0, _time.GetUtcNow().ToUnixTimeMilliseconds() - readAt));

    private void RestoreOne(HostEntry saved)
    {
        var table = saved.IsWildcard ? _tables.Wildcards : _tables.Exact;
        if (table.Find(saved.Name) is not null) return; // Twice in a file that we wrote is impossible; the first stays.
        var vip = saved.VipIndex;
        if (vip != HostEntry.NoVip && (!Range.IsUsable(vip) || _tables.HolderOf(vip) is not null))
        {
            Violated($"the saved directory gives VIP index {vip} to {saved.Host}, which cannot have it");
            vip = HostEntry.NoVip;
        }
        foreach (var declaration in saved.Declarations) _tables.Shapes.Take(declaration.Shape);
        _tables.Put(null, new HostEntry(saved.NameBytes, table.HashOf(saved.Name), saved.IsWildcard, vip, saved.Declarations.ToArray()));
    }

    // First who loses or leaves a VIP, then everybody else whose VIP nobody shows. What is left waits for the one before it in a chain of moves,
    // or is a ring of moves, which only a reset can bring: those show no VIP for the moment.
    private void Publish(IReadOnlyCollection<DraftHost> hosts)
    {
        var waiting = new List<DraftHost>();
        foreach (var host in hosts) if (host.PublishedVip != HostEntry.NoVip && host.PublishedVip != host.VipIndex && !TryPublish(host)) waiting.Add(host);
        for (var before = -1; waiting.Count != 0 && waiting.Count != before;)
        {
            before = waiting.Count;
            waiting.RemoveAll(TryPublish);
        }
        foreach (var host in waiting) PublishAs(host, HostEntry.NoVip);
        foreach (var host in hosts) if (!host.IsDone) TryPublish(host);
    }

    private bool TryPublish(DraftHost host)
    {
        var holder = host.VipIndex == HostEntry.NoVip ? null : _tables.HolderOf(host.VipIndex);
        if (holder is not null && !ReferenceEquals(holder, host.Published)) return false;
        PublishAs(host, host.VipIndex);
        host.IsDone = true;
        return true;
    }

    private void PublishAs(DraftHost host, int vipIndex)
    {
        if (host.IsGone)
        {
            if (host.Published is not null) _tables.Remove(host.Published);
            host.Published = null;
            return;
        }
        var entry = host.Build(vipIndex);
        _tables.Put(host.Published, entry);
        host.Published = entry;
    }

    private static DirectoryMatch Match(HostEntry? entry, in ClientView view)
    {
        if (entry is null) return default;
        var choice = entry.Choose(view);
        return choice.Source == AnswerSource.Invisible ? default : new DirectoryMatch(entry, choice);
    }

    private void Violated(string what)
    {
        Interlocked.Increment(ref _violations);
        _onViolation(what);
    }

    // One object, so that a reader never pairs one read's time with another's.
    private sealed record Freshness(long ReadAt, long Timestamp, TimeSpan AgeThen)
    {
        public bool IsRestored { get; init; }
    }
}
