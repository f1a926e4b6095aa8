using System.Globalization;
using System.Net;
using MeshDns.Host.Settings;

namespace MeshDns.Host.Cluster;

/// <summary>The port at which nodes without a database ask this one. Any owner will do for them, so a name that several share is a good address too.</summary>
/// <param name="Listen">Where it listens; port 0 lets the system choose.</param>
/// <param name="AddressAt"><c>host:port</c> under which others ask, when it listens at this port.</param>
/// <param name="Connections">The most connections at once.</param>
internal sealed record ClusterEntrance(IPEndPoint Listen, Func<int, string> AddressAt, int Connections)
{
    /// <summary>The setting that names it, for the log.</summary>
    public const string Key = "cluster.feed";

    /// <summary>As the settings say; null when the node does not take them.</summary>
    public static ClusterEntrance? Of(ClusterSettings settings, int connections = ClusterLimits.Connections) => settings.Feed is { } feed
        ? new ClusterEntrance(feed, port => settings.AdvertiseFeed ?? AddressOf(settings, feed, port), connections)
        : null;

    // The host that other nodes know this one by, and the feed's own port.
    private static string AddressOf(ClusterSettings settings, IPEndPoint feed, int port) => settings.Advertise is { } advertise
        ? string.Create(CultureInfo.InvariantCulture, $"{advertise[..advertise.LastIndexOf(':')]}:{port}")
        : new IPEndPoint(feed.Address, port).ToString();
}
