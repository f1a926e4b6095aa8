using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Directory;

/// <summary>
/// Which names inside mesh zones exist only because something exists below them (empty non-terminals): they are NODATA, not NXDOMAIN (RFC 8020,
/// RFC 4592 section 2.2.2). Each counts the declared names below it. The apex always exists and is not counted; names outside are not ours to deny.
/// </summary>
internal sealed class AncestorCounts(MeshZones zones, ulong seed)
{
    private readonly NameTable<Ancestor> _ancestors = new(seed, new Ancestor([], -1));

    /// <summary>True when a declared name lies below this one. Any thread.</summary>
    public bool Contains(ReadOnlySpan<byte> foldedName) => _ancestors.Find(foldedName) is not null;

    /// <summary>Counts a name that came into being. A wildcard's entry has its suffix as name, and that exists too. The writer only.</summary>
    public void Add(HostEntry entry) => Change(entry, 1);

    /// <summary>Counts a name that went. The writer only.</summary>
    public void Remove(HostEntry entry) => Change(entry, -1);

    private void Change(HostEntry entry, int by)
    {
        if (!zones.TryMatch(entry.Name, out var apex)) return;
        var start = entry.IsWildcard ? 0 : entry.Name[0] + 1;
        for (var at = start; at < apex; at += entry.Name[at] + 1)
        {
            var name = entry.Name[at..];
            var ancestor = _ancestors.Find(name);
            if (ancestor is null)
            {
                ancestor = new Ancestor(name.ToArray(), _ancestors.HashOf(name));
                _ancestors.Put(ancestor);
            }
            ancestor.Below += by;
            if (ancestor.Below == 0) _ancestors.Remove(name);
        }
    }

    private sealed class Ancestor(byte[] name, int hash) : NamedNode(name, hash)
    {
        public int Below { get; set; }
    }
}
