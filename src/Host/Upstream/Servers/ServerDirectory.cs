using System.Net;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream.Cache;
using Microsoft.Extensions.Logging;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>The server sets of all routes. A server that several routes name is one link, with one score; links that nobody names any more are closed.</summary>
internal sealed class ServerDirectory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPEndPoint, ServerLink> _links = [];
    private readonly IReadOnlyList<IPEndPoint> _listen;
    private readonly UpstreamLoop _loop;
    private readonly UpstreamClock _clock;
    private readonly UpstreamCounters _counters;
    private readonly ILogger _logger;
    private readonly HashSet<IPEndPoint> _own = [];
    private readonly ServerSet[] _sets;

    /// <summary>Sets for the default route and those of the settings, by the numbers of <see cref="RouteTable"/>.</summary>
    public ServerDirectory(UpstreamSettings settings, IReadOnlyList<IPEndPoint> listen, UpstreamLoop loop, UpstreamClock clock, UpstreamCounters counters, ILogger logger)
    {
        _listen = listen;
        _loop = loop;
        _clock = clock;
        _counters = counters;
        _logger = logger;
        _sets = [
            new ServerSet(Link(settings.Servers), null, null, false),
            .. settings.Routes.Select(each => new ServerSet(Link(each.Servers), null, null, false)),
        ];
    }

    /// <summary>Every server of every route.</summary>
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

    /// <summary>How many routes there are, the default one included.</summary>
    public int Sets => _sets.Length;

    /// <summary>The servers of a route; may be none.</summary>
    public ServerSet For(int route) => Volatile.Read(ref _sets[route]);

    /// <summary>Takes the default route's servers from resolv.conf.</summary>
    public void Use(ResolvConf conf)
    {
        lock (_gate)
        {
            var set = new ServerSet(Link(conf.Servers), conf.Attempts, conf.Timeout, conf.Rotate);
            Volatile.Write(ref _sets[RouteTable.Default], set);
            _own.RemoveWhere(each => !conf.Servers.Select(OwnAddresses.Unmapped).Contains(each));
            foreach (ServerLink unused in _links.Values.Where(each => !_sets.Any(any => any.Links.Contains(each))).ToList())
            {
                _links.Remove(unused.Address);
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
}
