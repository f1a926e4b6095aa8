using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Upstream.Cache;

/// <summary>Finds the route of a name: the longest suffix of <c>upstream.routes</c> that holds it, else <see cref="Default"/>. Immutable.</summary>
internal sealed class RouteTable
{
    /// <summary>The route of names that no suffix holds.</summary>
    public const int Default = 0;

    private readonly Dictionary<byte[], int> _bySuffix = new(new ForwardKeyComparer());
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly int _longest;

    /// <summary>Route i + 1 is that of <paramref name="routes"/>[i].</summary>
    /// <exception cref="FormatException">A suffix is not a host name; the settings' validation admits none.</exception>
    public RouteTable(IReadOnlyList<UpstreamRoute> routes)
    {
        for (int i = 0; i < routes.Count; i++)
        {
            byte[] suffix = routes[i].Suffix is "." or "" ? [0] : HostName.Parse(routes[i].Suffix).ToWire();
            _bySuffix.TryAdd(suffix, i + 1);
            _longest = Math.Max(_longest, suffix.Length);
        }
        _lookup = _bySuffix.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>The route of a folded name in wire form. Does not allocate.</summary>
    public int Find(ReadOnlySpan<byte> foldedName)
    {
        for (ReadOnlySpan<byte> suffix = foldedName; !suffix.IsEmpty && _longest != 0; suffix = DnsName.Parent(suffix))
        {
            if (suffix.Length <= _longest && _lookup.TryGetValue(suffix, out int route))
                return route;
        }
        return Default;
    }
}
