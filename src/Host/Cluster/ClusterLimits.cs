namespace MeshDns.Host.Cluster;

/// <summary>Every bound of the traffic between nodes.</summary>
internal static class ClusterLimits
{
    /// <summary>Largest request or reply. The most that a change of 100,000 documents or a page of the feed needs.</summary>
    public const int BodyBytes = 64 << 20;

    /// <summary>All request bodies that an owner holds at once.</summary>
    public const long BodyBytesUnderWay = 2L * BodyBytes;

    /// <summary>Requests that a node carries out at once, reads of the feed that wait included.</summary>
    public const int Requests = 4096;

    /// <summary>Connections that a node accepts.</summary>
    public const int Connections = 4096;

    /// <summary>Requests at once on one connection; a client opens another for more.</summary>
    public const int StreamsPerConnection = 256;

    /// <summary>Asks that a node has under way at one other node; more wait for their turn, within their deadlines.</summary>
    public const int AsksPerNode = 1024;

    /// <summary>Other nodes to which connections are kept.</summary>
    public const int Links = 1024;

    /// <summary>Characters of an error's sentence that are shown of another node's reply.</summary>
    public const int ShownChars = 500;

    /// <summary>Longest deadline that a request may carry.</summary>
    public static readonly TimeSpan LongestDeadline = TimeSpan.FromMinutes(10);

    /// <summary>Within this a connection is there, or the ask has failed: less than half a lease, a second at least, so that the next owner is asked in time.</summary>
    public static TimeSpan ConnectTimeout(TimeSpan lease) => TimeSpan.FromTicks(Math.Max(TimeSpan.TicksPerSecond, (lease * 0.4).Ticks));

    /// <summary>A TLS handshake on an accepted connection.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a stop waits for requests under way.</summary>
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    /// <summary>An idle connection is kept so long.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(2);
}
