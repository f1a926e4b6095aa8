using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Directory;

/// <summary>What readers see: exact names, wildcards, the names above them, and who holds which VIP. Written by one writer, one name at a time.</summary>
internal sealed class DirectoryTables
{
    private readonly HostEntry?[] _holders;
    private readonly int _firstIndex;
    private readonly ulong _seed;
    private AncestorCounts _ancestors;
    private readonly int[] _wildcardsByLabels = new int[129];
    private int _declared;
    private int _leased;

    public DirectoryTables(VipRange range, MeshZones zones)
    {
        // Keyed once a process: names come from operators, but what they declare may come from others.
        _seed = (ulong)HashCode.Combine(this, range) << 32 | (uint)HashCode.Combine(zones, 1);
        Exact = new NameTable<HostEntry>(_seed, new HostEntry([], -1, false, HostEntry.NoVip, []));
        Wildcards = new NameTable<HostEntry>(_seed, new HostEntry([], -1, false, HostEntry.NoVip, []));
        _ancestors = new AncestorCounts(zones, _seed);
        Addresses = new AddressIndex(_seed);
        _firstIndex = range.First;
        _holders = new HostEntry?[range.Last - range.First + 1];
    }

    public NameTable<HostEntry> Exact { get; }

    /// <summary>Keyed by the suffix.</summary>
    public NameTable<HostEntry> Wildcards { get; }

    /// <summary>Who declares which address.</summary>
    public AddressIndex Addresses { get; }

    public ShapePool Shapes { get; } = new();

    /// <summary>Names that a document declares.</summary>
    public int Declared => Volatile.Read(ref _declared);

    /// <summary>VIPs held.</summary>
    public int Leased => Volatile.Read(ref _leased);

    public bool HasNamesBelow(ReadOnlySpan<byte> foldedName, in ClientView view) => Volatile.Read(ref _ancestors).Contains(foldedName, view.Namespace);

    /// <summary>True when a wildcard exists whose suffix has so many labels, so that most lookups touch no table.</summary>
    public bool MayHaveWildcard(int suffixLabels) => Volatile.Read(ref _wildcardsByLabels[suffixLabels]) != 0;

    public HostEntry? HolderOf(int index) =>
        (uint)(index - _firstIndex) < (uint)_holders.Length ? Volatile.Read(ref _holders[index - _firstIndex]) : null;

    public IEnumerable<HostEntry> Entries() => Exact.Nodes().Concat(Wildcards.Nodes());

    /// <summary>Counts what exists below each name anew, for other mesh zones. The writer only.</summary>
    public void Rezone(MeshZones zones)
    {
        var ancestors = new AncestorCounts(zones, _seed);
        foreach (var entry in Entries()) ancestors.Change(null, entry);
        Volatile.Write(ref _ancestors, ancestors);
    }

    /// <summary>Publishes a name by one write. The writer only.</summary>
    public void Put(HostEntry? before, HostEntry entry)
    {
        (entry.IsWildcard ? Wildcards : Exact).Put(entry);
        Account(before, entry);
    }

    /// <summary>Takes a name away by one write. The writer only.</summary>
    public void Remove(HostEntry before)
    {
        (before.IsWildcard ? Wildcards : Exact).Remove(before.Name);
        Account(before, null);
    }

    private void Account(HostEntry? before, HostEntry? after)
    {
        if (before is { VipIndex: not HostEntry.NoVip } && before.VipIndex != after?.VipIndex)
        {
            Volatile.Write(ref _holders[before.VipIndex - _firstIndex], null);
            _leased--;
        }
        if (after is { VipIndex: not HostEntry.NoVip })
        {
            Volatile.Write(ref _holders[after.VipIndex - _firstIndex], after);
            if (before?.VipIndex != after.VipIndex) _leased++;
        }
        _ancestors.Change(before, after);
        Addresses.Change(before, after);
        var was = before is { IsDeclared: true };
        var isNow = after is { IsDeclared: true };
        if (was == isNow) return;
        var entry = (isNow ? after : before)!;
        _declared += isNow ? 1 : -1;
        if (entry.IsWildcard) _wildcardsByLabels[Contracts.Dns.DnsName.CountLabels(entry.Name)] += isNow ? 1 : -1;
    }
}
