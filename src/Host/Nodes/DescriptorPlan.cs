using System.Globalization;
using MeshDns.Host.Admin;
using MeshDns.Host.Cluster;
using MeshDns.Host.Edge;
using MeshDns.Host.Settings;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Nodes;

/// <summary>
/// Who may have how many of the process' file descriptors. What clients can take is bounded so that it leaves what the node itself needs: a process without
/// descriptors cannot even load the code that would say so, and the runtime aborts.
/// </summary>
internal sealed record DescriptorPlan
{
    // An assembly takes two, and a node has about a hundred when all are loaded; the journal, the log, the saved directory and the runtime's own come to some dozens.
    internal const int Own = 384;

    // A node is of no use with less.
    internal const int LeastForClients = 64;

    // Servers of a resolv.conf that is not read yet.
    private const int UsualServers = 3;

    private DescriptorPlan() { }

    /// <summary>DNS connections over TCP at once.</summary>
    public int Tcp { get; private init; } = new EdgeOptions().MaxTcpConnections;

    /// <summary>DNS connections over TCP from one address.</summary>
    public int TcpPerClient { get; private init; } = new EdgeOptions().MaxTcpConnectionsPerClient;

    /// <summary>Connections to the API.</summary>
    public int Api { get; private init; } = new AdminBounds().Connections;

    /// <summary>Connections from other nodes, and as many from edges without a database, each where the node listens for them.</summary>
    public int Cluster { get; private init; } = ClusterLimits.Connections;

    /// <summary>What is less than it would be with a higher limit; empty for nothing.</summary>
    public string Warning { get; private init; } = "";

    /// <summary>Shares a limit out; null when it is too small.</summary>
    /// <param name="limit">RLIMIT_NOFILE; null when it is not known, and then nothing is bounded by it.</param>
    /// <param name="settings">What the node listens on and asks.</param>
    /// <param name="problem">Why it is too small.</param>
    public static DescriptorPlan? Of(long? limit, MeshDnsSettings settings, out string problem)
    {
        problem = "";
        var all = new DescriptorPlan();
        if (limit is not { } most) return all;
        var entrances = (settings.Cluster.Listen is null ? 0 : 1) + (settings.Cluster.Feed is null ? 0 : 1);
        var servers = Math.Max(UsualServers, settings.Upstream.Servers.Concat(settings.Upstream.Routes.SelectMany(route => route.Servers)).Distinct().Count());
        var upstream = servers * (UdpPool.Size + TcpPool.MaxActive + TcpPool.MaxIdle);
        var own = Own + (settings.Dns.Listen.Count * (new EdgeOptions().UdpLoops + 2));
        var left = most - own;
        if (left >= (long)all.Tcp + all.Api + upstream + (entrances * all.Cluster)) return all;
        // Upstream sockets are asked for one by one, and a pool that gets none uses those that it has.
        var least = 2 * LeastForClients * (3 + entrances);
        if (left < least)
        {
            problem = Text($"the limit of open files (RLIMIT_NOFILE) is {most}, and this node needs at least {own + least}: {own} for itself, the rest for clients, upstream servers and the API; raise it (ulimit -n, LimitNOFILE=, --ulimit nofile=)");
            return null;
        }
        var some = (int)Math.Max(LeastForClients, left / 8);
        var (api, cluster) = (Math.Min(all.Api, some), entrances > 0 ? Math.Min(all.Cluster, some) : 0);
        var tcp = (int)Math.Min(all.Tcp, left - api - (entrances * cluster) - Math.Min(upstream, left / 3));
        var perClient = Math.Min(all.TcpPerClient, tcp / 2);
        return all with
        {
            Tcp = tcp,
            TcpPerClient = perClient,
            Api = api,
            Cluster = cluster,
            Warning = Text($"the limit of open files (RLIMIT_NOFILE) is {most}, so at most {tcp} DNS connections over TCP are taken ({perClient} from one address) instead of {all.Tcp}, and {api} to the API instead of {all.Api}"),
        };
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
