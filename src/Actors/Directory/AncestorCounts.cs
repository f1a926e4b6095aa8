using System.Collections.Concurrent;
using MeshDns.Contracts.Names;

namespace MeshDns.Actors.Directory;

/// <summary>
/// Which names exist because something exists below them (empty non-terminals): they are NODATA, not NXDOMAIN (RFC 8020, RFC 4592 section 2.2.2). Each counts
/// what exists below it for every client, and apart what exists for the clients of one namespace only. Inside a mesh zone every name that a client sees
/// exists; outside, where others answer too, one that is answered here; and a zone itself always does.
/// </summary>
internal sealed class AncestorCounts
{
    // One object, so that most changes of an entry are seen to change nothing here.
    private static readonly string[] _everybody = [];

    private readonly MeshZones _zones;
    private readonly NameTable<Ancestor> _ancestors;

    public AncestorCounts(MeshZones zones, ulong seed)
    {
        _zones = zones;
        _ancestors = new NameTable<Ancestor>(seed, new Ancestor([], -1));
        foreach (var apex in zones.Apexes) Count(apex.ToWire(), isWildcard: false, _everybody, 1);
    }

    /// <summary>True when something exists below this name for clients of a namespace, null for those of none. Any thread.</summary>
    public bool Contains(ReadOnlySpan<byte> foldedName, string? clientNamespace) => _ancestors.Find(foldedName) is { } ancestor && ancestor.IsFor(clientNamespace);

    /// <summary>Takes in that a name's entry is replaced; null for none. A wildcard's entry has its suffix as name, and that exists too. The writer only.</summary>
    public void Change(HostEntry? before, HostEntry? after)
    {
        var was = AudienceOf(before);
        var isNow = AudienceOf(after);
        if (ReferenceEquals(was, isNow)) return;
        // What comes is counted before what goes, so that no reader misses a name in between.
        if (isNow is not null) Count(after!.Name, after.IsWildcard, isNow, 1);
        if (was is not null) Count(before!.Name, before.IsWildcard, was, -1);
    }

    // The namespaces for whose clients the entry exists: none of them for everybody, null for nobody. Who is in no namespace sees least.
    private string[]? AudienceOf(HostEntry? entry)
    {
        if (entry is null || Exists(entry, null)) return entry is null ? null : _everybody;
        HashSet<string>? audience = null;
        foreach (var declaration in entry.Declarations)
        {
            foreach (var target in declaration.Shape.ExportTo)
            {
                var ns = target == "." ? declaration.Shape.Namespace : target;
                if (Exists(entry, ns)) (audience ??= []).Add(ns);
            }
        }
        return audience?.ToArray();
    }

    private bool Exists(HostEntry entry, string? clientNamespace)
    {
        var choice = entry.Choose(new ClientView(clientNamespace, true));
        return choice.Answers || (choice.Source == AnswerSource.NoAddress && _zones.Contains(entry.Name));
    }

    private void Count(ReadOnlySpan<byte> below, bool isWildcard, string[] audience, int by)
    {
        for (var at = isWildcard ? 0 : below[0] + 1; below[at] != 0; at += below[at] + 1)
        {
            var name = below[at..];
            var ancestor = _ancestors.Find(name);
            if (ancestor is null)
            {
                ancestor = new Ancestor(name.ToArray(), _ancestors.HashOf(name));
                _ancestors.Put(ancestor);
            }
            ancestor.Count(audience, by);
            if (ancestor.IsEmpty) _ancestors.Remove(name);
        }
    }

    private sealed class Ancestor(byte[] name, int hash) : NamedNode(name, hash)
    {
        private int _forAll;
        private ConcurrentDictionary<string, int>? _forSome;

        public bool IsEmpty => _forAll == 0 && (_forSome is null || _forSome.IsEmpty);

        public bool IsFor(string? clientNamespace) => Volatile.Read(ref _forAll) > 0
            || (clientNamespace is not null && Volatile.Read(ref _forSome) is { } forSome && forSome.ContainsKey(clientNamespace));

        public void Count(string[] audience, int by)
        {
            if (audience.Length == 0) Volatile.Write(ref _forAll, _forAll + by);
            foreach (var ns in audience)
            {
                var forSome = _forSome ?? new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
                var count = forSome.GetValueOrDefault(ns) + by;
                if (count == 0) forSome.TryRemove(ns, out _);
                else forSome[ns] = count;
                Volatile.Write(ref _forSome, forSome);
            }
        }
    }
}
