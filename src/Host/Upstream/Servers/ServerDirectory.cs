using System.Net;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream.Cache;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>
/// Which servers are asked for which names, as the settings and resolv.conf have it now. A server that several routes name is one link, with one score. Questions
/// under way end with the servers that they began with; a link is closed when nobody names it any more and the last of those is over.
/// </summary>
internal sealed class ServerDirectory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPEndPoint, ServerLink> _links = [];
    private readonly HashSet<ServerSet> _ending = [];
    private readonly HashSet<IPEndPoint> _own = [];
    private readonly IReadOnlyList<IPEndPoint> _listen;
    private readonly UpstreamLoop _loop;
    private readonly UpstreamClock _clock;
    private readonly UpstreamCounters _counters;
    private readonly ILogger _logger;
    private UpstreamSettings _settings;
    private ResolvConf _resolvConf = ResolvConf.Empty;
    private List<(string Suffix, int Route)> _routed = [];
    private RouteTable _routes;
    private Dictionary<int, ServerSet> _sets = [];
    private int _lastRoute = -1;

    /// <summary>What the settings name. Where they name no servers there are none, until <see cref="Use(ResolvConf)"/>.</summary>
    public ServerDirectory(UpstreamSettings settings, IReadOnlyList<IPEndPoint> listen, UpstreamLoop loop, UpstreamClock clock, UpstreamCounters counters, ILogger logger)
    {
        _listen = listen;
        _loop = loop;
        _clock = clock;
        _counters = counters;
        _logger = logger;
        _settings = settings with { Routes = [] };
        _routes = new RouteTable(Add(_sets, SetOf(settings.Servers)), []);
        Use(settings);
    }

    /// <summary>Every server of every route, and those that are still asked by a question under way.</summary>
    public IReadOnlyList<ServerLink> All
    {
        get
        {
            lock (_gate)
                return [.. _links.Values];
        }
    }

    /// <summary>Named servers that are this node itself; they are not asked.</summary>
    public IReadOnlyList<IPEndPoint> Own
    {
        get
        {
            lock (_gate)
                return [.. _own];
        }
    }

    /// <summary>True while the settings name no servers, so that those of resolv.conf are asked.</summary>
    public bool IsByResolvConf
    {
        get
        {
            lock (_gate)
                return _settings.Servers.Count == 0;
        }
    }

    /// <summary>True while resolv.conf is to name them and names none that can be asked.</summary>
    public bool LacksServers
    {
        get
        {
            lock (_gate)
                return _settings.Servers.Count == 0 && _sets[_routes.Others].Links.Count == 0;
        }
    }

    /// <summary>The routes now.</summary>
    public RouteTable Routes => Volatile.Read(ref _routes);

    /// <summary>The servers of a route; may be none. For the loop's thread: there a route that was found in this turn has its own, whatever has changed since.</summary>
    public ServerSet For(int route) => Volatile.Read(ref _sets)[route];

    /// <summary>The servers of a route that was found at any time; null when it is gone meanwhile. Any thread.</summary>
    public ServerSet? Find(int route) => Volatile.Read(ref _sets).GetValueOrDefault(route);

    /// <summary>Takes what resolv.conf says. It counts while the settings name no servers. Any thread.</summary>
    public void Use(ResolvConf conf)
    {
        lock (_gate)
        {
            _resolvConf = conf;
            if (_settings.Servers.Count != 0)
                return;
            // The route stays: it is the same resolver by another address, as a rule, and what it answered is as good as before.
            ServerSet before = _sets[_routes.Others];
            Volatile.Write(ref _sets, new Dictionary<int, ServerSet>(_sets) { [_routes.Others] = OfResolvConf() });
            ForgetOwn();
            Retire([before]);
        }
    }

    /// <summary>Takes other servers and routes, all or, by an exception, none. One whose suffix and servers stay is the same route as before. Any thread.</summary>
    public void Use(UpstreamSettings settings)
    {
        lock (_gate)
        {
            var sets = new Dictionary<int, ServerSet>(_sets);
            int others = settings.Servers.SequenceEqual(_settings.Servers)
                ? _routes.Others
                : Add(sets, settings.Servers.Count == 0 ? OfResolvConf() : SetOf(settings.Servers));
            List<(string Suffix, int Route)> routed = [.. settings.Routes.Select(each => (each.Suffix, Known(each) ?? Add(sets, SetOf(each.Servers))))];
            var routes = new RouteTable(others, routed);
            // First the sets, then the routes that lead to them.
            Volatile.Write(ref _sets, sets);
            Volatile.Write(ref _routes, routes);
            (_settings, _routed) = (settings, routed);
            ForgetOwn();
            HashSet<int> current = [others, .. routed.Select(each => each.Route)];
            Retire([.. sets.Where(each => !current.Contains(each.Key)).Select(each => each.Value)]);
        }
    }

    /// <summary>A retired set's last question is over. On the loop's thread.</summary>
    public void Forget(ServerSet set)
    {
        lock (_gate)
        {
            _ending.Remove(set);
            Volatile.Write(ref _sets, _sets.Where(each => each.Value != set).ToDictionary());
            foreach (ServerLink unused in _links.Values.Where(each => !_sets.Values.Concat(_ending).Any(any => any.Links.Contains(each))).ToList())
            {
                _links.Remove(unused.Address);
                // In a turn of its own: here somebody may be in the middle of what it carried.
                _loop.Post(unused.Close);
            }
        }
    }

    /// <summary>Closes every server's sockets. On the loop's thread.</summary>
    public void Close()
    {
        foreach (ServerLink link in All)
            link.Close();
    }

    private void ForgetOwn()
    {
        IReadOnlyList<IPEndPoint> others = _settings.Servers.Count == 0 ? _resolvConf.Servers : _settings.Servers;
        _own.IntersectWith(others.Concat(_settings.Routes.SelectMany(each => each.Servers)).Select(OwnAddresses.Unmapped));
    }

    private int? Known(UpstreamRoute route)
    {
        int at = _settings.Routes.ToList().FindIndex(each => each.Suffix == route.Suffix && each.Servers.SequenceEqual(route.Servers));
        return at < 0 ? null : _routed[at].Route;
    }

    // Only with the 65,536th route of a process do numbers come again.
    private int Add(Dictionary<int, ServerSet> sets, ServerSet set)
    {
        do
            _lastRoute = (ushort)(_lastRoute + 1);
        while (!sets.TryAdd(_lastRoute, set));
        return _lastRoute;
    }

    // Only the loop knows whether a question is under way.
    private void Retire(IReadOnlyList<ServerSet> sets)
    {
        _ending.UnionWith(sets);
        foreach (ServerSet set in sets)
            _loop.Post(() =>
            {
                set.IsRetired = true;
                if (set.InFlight == 0)
                    Forget(set);
            });
    }

    private ServerSet OfResolvConf() => new(Link(_resolvConf.Servers), _resolvConf.Attempts, _resolvConf.Timeout, _resolvConf.Rotate);

    private ServerSet SetOf(IReadOnlyList<IPEndPoint> servers) => new(Link(servers), null, null, false);

    private List<ServerLink> Link(IReadOnlyList<IPEndPoint> servers)
    {
        var links = new List<ServerLink>();
        foreach (IPEndPoint server in servers.Select(OwnAddresses.Unmapped).Distinct())
        {
            if (IsOwnAddress(server))
            {
                _own.Add(server);
                continue;
            }
            if (!_links.TryGetValue(server, out ServerLink? link))
                _links[server] = link = new ServerLink(server, _loop, _clock, _counters);
            links.Add(link);
        }
        return links;
    }

    private bool IsOwnAddress(IPEndPoint server)
    {
        try
        {
            return OwnAddresses.Contains(server, _listen);
        }
        catch (Exception fault)
        {
            // What the system says of its interfaces comes as many kinds of exception. The mark still finds the loop when a query comes round.
            _logger.LogWarning(fault, "Cannot tell whether upstream server {Server} is this node itself", server);
            return false;
        }
    }
}
