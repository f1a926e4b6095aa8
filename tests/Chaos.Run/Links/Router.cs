using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace MeshDns.Chaos.Run.Links;

/// <summary>
/// The namespace between all nodes (docs/adr/0024). Every TCP connection of a node, wherever it goes, ends in the one relay here, and goes on
/// from the address of the node that opened it; nothing else passes.
/// </summary>
internal sealed class Router : IAsyncDisposable
{
    private const int IpLevel = 0;
    private const int IpTransparent = 19;
    private const int MostNodes = 1 << 14;

    // Marked packets are for this machine, whatever their destination. What is for a node without a link is swallowed without a word.
    private const string Setup = """
        link set lo up
        rule add fwmark 1 lookup 100
        route add local default dev lo table 100
        link add sink type veth peer name drain
        link set sink arp off up
        link set drain up
        route add default dev sink
        """;

    private static readonly Lazy<string?> _whyNot = new(() => TryAsync().GetAwaiter().GetResult());

    private readonly Namespace _here = new();
    private readonly Network _network;
    private readonly Func<string, IPEndPoint, IPEndPoint?> _outside;
    private readonly ConcurrentDictionary<IPAddress, string> _names = [];
    private readonly ConcurrentDictionary<string, (int Number, Namespace Place)> _nodes = [];
    private Relay? _relay;

    private Router(Network network, Func<string, IPEndPoint, IPEndPoint?> outside)
    {
        _network = network;
        _outside = outside;
    }

    /// <summary>Why there can be none here, as a sentence; null when there can.</summary>
    public static string? WhyNot => _whyNot.Value;

    /// <summary>The router's ends of the links of nodes, up or not.</summary>
    public IReadOnlyList<string> Links =>
        _here.Run(() => NetworkInterface.GetAllNetworkInterfaces().Select(i => i.Name).Where(name => name[0] == 'n').ToArray());

    /// <summary>Makes one without nodes.</summary>
    /// <param name="network">The ways that connections take.</param>
    /// <param name="outside">
    /// Where, for the node of a name, a destination that is no node really is, in this process's own namespace; those are the database's. Null: it is nowhere.
    /// </param>
    /// <exception cref="NamespaceException">This process may not, or something that it needs is missing.</exception>
    public static async Task<Router> StartAsync(Network network, Func<string, IPEndPoint, IPEndPoint?> outside)
    {
        var router = new Router(network, outside);
        try
        {
            await router.BeginAsync();
            return router;
        }
        catch
        {
            await router.DisposeAsync();
            throw;
        }
    }

    /// <summary>The address of a node, the same in each run.</summary>
    public static IPAddress AddressOf(int number) => IPAddress.Parse(Address(number, 2));

    /// <summary>Makes the namespace of a node and its link.</summary>
    public async Task<Namespace> AddAsync(int number, string name)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, MostNodes);
        var place = new Namespace();
        _nodes[name] = (number, place);
        _names[AddressOf(number)] = name;
        await BatchAsync(_here, $"""
            link add {Interface(number)} type veth peer name eth0 netns {place.Path}
            address add {Address(number, 1)}/24 dev {Interface(number)}
            link set {Interface(number)} up
            """);
        await BatchAsync(place, $"""
            link set lo up
            address add {Address(number, 2)}/24 dev eth0
            link set eth0 up
            route add default via {Address(number, 1)}
            """);
        return place;
    }

    /// <summary>Takes a node's link away, or gives it back: without it packets vanish both ways and nobody is told.</summary>
    public Task LinkAsync(string name, bool isUp) => BatchAsync(_here, $"link set {Interface(_nodes[name].Number)} {(isUp ? "up" : "down")}");

    public async ValueTask DisposeAsync()
    {
        if (_relay is not null) await _relay.DisposeAsync();
        foreach (var (_, place) in _nodes.Values) place.Dispose();
        _here.Dispose();
    }

    private static async Task<string?> TryAsync()
    {
        try
        {
            await using var router = await StartAsync(new Network(), (_, _) => null);
            await router.AddAsync(1, "node-1");
            return null;
        }
        catch (Exception e) when (e is NamespaceException or SocketException)
        {
            return $"a cluster needs network namespaces with TPROXY, and they can't be made here ({e.Message.ReplaceLineEndings(" ")}): "
                + "run it as root, or with CAP_SYS_ADMIN and CAP_NET_ADMIN, with the Debian packages iproute2 and nftables";
        }
    }

    private async Task BeginAsync()
    {
        await BatchAsync(_here, Setup);
        var listener = Transparent(new IPEndPoint(IPAddress.Any, 0));
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        _relay = new Relay(listener, RouteOf);
        await _here.ConfigureAsync("nft", ["-f", "-"], $$"""
            table ip relays {
                chain prerouting {
                    type filter hook prerouting priority mangle
                    ip protocol tcp tproxy to :{{port}} meta mark set 1 accept
                }
            }
            """);
    }

    // The local address of a connection that was taken is where the node wanted to go.
    private Route? RouteOf(IPEndPoint from, IPEndPoint to)
    {
        if (!_names.TryGetValue(from.Address, out var opener)) return null;
        if (_outside(opener, to) is { } server) return new Route(_network.Between(opener, Network.Database), Namespace.Own.OpenTcp, server);
        if (!_names.TryGetValue(to.Address, out var other)) return null;
        return new Route(_network.Between(opener, other), () => Transparent(new IPEndPoint(from.Address, 0)), to);
    }

    // A socket here that may have any address.
    private Socket Transparent(IPEndPoint address)
    {
        var socket = _here.OpenTcp();
        try
        {
            socket.SetRawSocketOption(IpLevel, IpTransparent, BitConverter.GetBytes(1));
            socket.Bind(address);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Task BatchAsync(Namespace place, string commands) => place.ConfigureAsync("ip", ["-batch", "-"], commands + "\n");

    private static string Interface(int number) => string.Create(CultureInfo.InvariantCulture, $"n{number}");

    private static string Address(int number, int end) =>
        string.Create(CultureInfo.InvariantCulture, $"100.{64 + (number >> 8)}.{number & 0xFF}.{end}");
}
