using System.Net;
using System.Net.Sockets;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// What each client sees, by the longest network that holds its address. Immutable: other settings are another table. A lookup follows the address four
/// bits at a time and touches at most 8 nodes of 64 bytes for IPv4 and 32 for IPv6, only as many as the longest network there has; it allocates nothing.
/// </summary>
public sealed class ClientTable
{
    private const int Bits = 4;
    private const int Fan = 1 << Bits;

    // A node is 16 slots, one a value of the next four bits: the number of a view, or the complement of another node's.
    private readonly int[] _v4;
    private readonly int[] _v6;
    private readonly ClientView[] _views;

    /// <summary>A table of networks.</summary>
    /// <param name="others">What clients see that no network holds.</param>
    /// <param name="networks">Each network once; a network of IPv4 addresses in IPv6 form is one of IPv4.</param>
    public ClientTable(ClientView others, IEnumerable<(IPNetwork Network, ClientView View)> networks)
    {
        // Shorter ones first, so that a longer one only ever covers what a shorter one said.
        var sorted = networks.Select(n => (Network: Unmapped(n.Network), n.View)).OrderBy(n => n.Network.PrefixLength).ToArray();
        _views = [others, .. sorted.Select(n => n.View)];
        _v4 = Build(sorted, AddressFamily.InterNetwork);
        _v6 = Build(sorted, AddressFamily.InterNetworkV6);
    }

    /// <summary>One view for every client.</summary>
    public static ClientTable Same(ClientView view) => new(view, []);

    /// <summary>What a client sees that no network holds.</summary>
    public ClientView Others => _views[0];

    /// <summary>What a client sees.</summary>
    /// <param name="address">4 or 16 bytes; none for a client of which nothing is known.</param>
    public ClientView ViewOf(ReadOnlySpan<byte> address)
    {
        var nodes = address.Length == 4 ? _v4 : _v6;
        if (nodes.Length == 0) return _views[0];
        var node = 0;
        foreach (var octet in address)
        {
            var slot = nodes[node + (octet >> Bits)];
            if (slot >= 0) return _views[slot];
            slot = nodes[~slot + (octet & (Fan - 1))];
            if (slot >= 0) return _views[slot];
            node = ~slot;
        }
        return _views[0];
    }

    private static int[] Build((IPNetwork Network, ClientView View)[] networks, AddressFamily family)
    {
        var nodes = new List<int>();
        for (var i = 0; i < networks.Length; i++)
        {
            var network = networks[i].Network;
            if (network.BaseAddress.AddressFamily != family) continue;
            if (nodes.Count == 0) Add(nodes, 0);
            Put(nodes, network.BaseAddress.GetAddressBytes(), network.PrefixLength, view: i + 1);
        }
        return [.. nodes];
    }

    private static void Put(List<int> nodes, byte[] address, int length, int view)
    {
        var (node, depth) = (0, 0);
        for (; length > (depth + 1) * Bits; depth++)
        {
            var at = node + NibbleOf(address, depth);
            if (nodes[at] >= 0) nodes[at] = ~Add(nodes, nodes[at]);
            node = ~nodes[at];
        }
        var first = node + NibbleOf(address, depth);
        for (var i = 0; i < 1 << (((depth + 1) * Bits) - length); i++) nodes[first + i] = view;
    }

    private static int NibbleOf(byte[] address, int index) => index % 2 == 0 ? address[index / 2] >> Bits : address[index / 2] & (Fan - 1);

    private static int Add(List<int> nodes, int view)
    {
        var node = nodes.Count;
        for (var i = 0; i < Fan; i++) nodes.Add(view);
        return node;
    }

    private static IPNetwork Unmapped(IPNetwork network) => network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= 96
        ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - 96)
        : network;
}
