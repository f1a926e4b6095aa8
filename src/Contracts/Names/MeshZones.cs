namespace MeshDns.Contracts.Names;

/// <summary>
/// The zones that belong to the mesh: the cluster domain, the reverse zones of the VIP ranges and <c>mesh.zones</c>.
/// Names in them are never asked upstream (behaviour.md, queries, rule 4).
/// </summary>
public sealed class MeshZones
{
    /// <summary>The most zones: the 1,024 of <c>mesh.zones</c>, the reverse zones of the ranges, and the domains of the cluster.</summary>
    public const int MaxZones = 2048;

    private readonly byte[][] _zones;
    private readonly byte[] _clusterDomain;

    /// <summary>Takes the apexes; duplicates are dropped.</summary>
    /// <param name="apexes">The zones.</param>
    /// <param name="clusterDomain">Which of them is the domain under which Services live; null for none.</param>
    /// <exception cref="ArgumentException">More than <see cref="MaxZones"/>, or a wildcard among them.</exception>
    public MeshZones(IEnumerable<HostName> apexes, HostName? clusterDomain = null)
    {
        _clusterDomain = clusterDomain?.ToWire() ?? [];
        // Sorted as texts: the framework's collections of references are compiled ahead of time, those of our values anew at each start.
        var texts = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var apex in apexes)
        {
            if (apex.IsWildcard) throw new ArgumentException("a mesh zone cannot be a wildcard", nameof(apexes));
            texts.Add(apex.Text);
        }
        if (texts.Count > MaxZones) throw new ArgumentException("at most 2,048 mesh zones", nameof(apexes));
        var sorted = new HostName[texts.Count];
        _zones = new byte[texts.Count][];
        var i = 0;
        foreach (var text in texts)
        {
            sorted[i] = HostName.Parse(text);
            _zones[i] = sorted[i].ToWire();
            i++;
        }
        Apexes = sorted;
        // Longest first, so that the first match is the closest enclosing zone.
        Array.Sort(_zones, (left, right) => right.Length.CompareTo(left.Length));
    }

    /// <summary>The zone apexes, in order of their text.</summary>
    public IReadOnlyList<HostName> Apexes { get; }

    /// <summary>The domain under which Services live, such as cluster.local, in wire form; empty for none.</summary>
    public ReadOnlySpan<byte> ClusterDomain => _clusterDomain;

    /// <summary>Finds the closest zone that holds the name. <paramref name="apexOffset"/> is where the apex begins inside the name.</summary>
    /// <param name="foldedName">An uncompressed wire name in lower case, with its root label.</param>
    /// <param name="apexOffset">The offset of the apex; 0 when the name is the apex itself.</param>
    public bool TryMatch(ReadOnlySpan<byte> foldedName, out int apexOffset)
    {
        foreach (var zone in _zones)
        {
            apexOffset = foldedName.Length - zone.Length;
            if (apexOffset < 0 || !foldedName[apexOffset..].SequenceEqual(zone)) continue;
            if (IsLabelBoundary(foldedName, apexOffset)) return true;
        }
        apexOffset = -1;
        return false;
    }

    /// <summary>True when the name lies in a mesh zone (or is an apex).</summary>
    public bool Contains(ReadOnlySpan<byte> foldedName) => TryMatch(foldedName, out _);

    private static bool IsLabelBoundary(ReadOnlySpan<byte> name, int offset)
    {
        var i = 0;
        while (i < offset) i += name[i] + 1;
        return i == offset;
    }
}
