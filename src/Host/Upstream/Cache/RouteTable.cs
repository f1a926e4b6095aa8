using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Upstream.Cache;

/// <summary>
/// Finds the route of a name: that of the longest suffix of <c>upstream.routes</c> that holds it, else <see cref="Others"/>. Immutable. A route is a number of 16
/// bits that stands for servers, so that what one set of servers answered is never taken for what another would (<see cref="ForwardKey"/>).
/// </summary>
internal sealed class RouteTable
{
    private readonly Dictionary<byte[], int> _bySuffix = new(new ForwardKeyComparer());
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly int _longest;

    /// <summary>A table of suffixes, each once.</summary>
    /// <exception cref="FormatException">A suffix is not a host name; the settings' validation admits none.</exception>
    public RouteTable(int others, IReadOnlyList<(string Suffix, int Route)> routes)
    {
        Others = others;
        Count = routes.Count + 1;
        foreach ((string text, int route) in routes)
        {
            byte[] suffix = text is "." or "" ? [0] : HostName.Parse(text).ToWire();
            _bySuffix.TryAdd(suffix, route);
            _longest = Math.Max(_longest, suffix.Length);
        }
        _lookup = _bySuffix.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>The route of names that no suffix holds.</summary>
    public int Others { get; }

    /// <summary>How many routes there are, that of the others included.</summary>
    public int Count { get; }

    /// <summary>The route of a folded name in wire form. Does not allocate.</summary>
    public int Find(ReadOnlySpan<byte> foldedName) => Find(foldedName, out _);

    /// <summary>The same, and the suffix whose route it is; empty for the others'.</summary>
    public int Find(ReadOnlySpan<byte> foldedName, out ReadOnlySpan<byte> suffix)
    {
        for (suffix = foldedName; !suffix.IsEmpty && _longest != 0; suffix = DnsName.Parent(suffix))
        {
            if (suffix.Length <= _longest && _lookup.TryGetValue(suffix, out int route))
                return route;
        }
        suffix = default;
        return Others;
    }
}
