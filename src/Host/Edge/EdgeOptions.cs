namespace MeshDns.Host.Edge;

/// <summary>The bounds of the edge.</summary>
public sealed record EdgeOptions
{
    /// <summary>UDP loops for each listen address, each a thread with a socket of its own: one a core.</summary>
    public int UdpLoops { get; init; } = Environment.ProcessorCount;

    /// <summary>Datagrams received and sent by one system call at most, 1 to 1,024. With 1, and where the calls are missing, each is received and sent by itself.</summary>
    public int UdpBatch { get; init; } = 64;

    /// <summary>Socket receive buffer, bytes: at 1,000 outstanding queries the system's default loses thousands. Capped by net.core.rmem_max.</summary>
    public int ReceiveBufferBytes { get; init; } = 4 << 20;

    /// <summary>UDP queries that may wait for an upstream at once; as many again wait for a place, then the oldest of those is dropped.</summary>
    public int MaxDeferred { get; init; } = 4096;

    /// <summary>A TCP connection without a complete query or a reply under way for this long is closed (RFC 7766 section 6.2.3).</summary>
    public TimeSpan TcpIdle { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>TCP connections at once.</summary>
    public int MaxTcpConnections { get; init; } = 16_384;

    /// <summary>TCP connections at once from one address.</summary>
    public int MaxTcpConnectionsPerClient { get; init; } = 128;

    /// <summary>Queries of one TCP connection that may wait for an upstream.</summary>
    public int MaxInFlightPerConnection { get; init; } = 64;

    /// <summary>Bytes held for one TCP connection at most, replies that wait to be read above all; more is not read before some are. At least <see cref="MinTcpBytes"/>.</summary>
    public int MaxTcpBytesPerConnection { get; init; } = MinTcpBytes;

    /// <summary>Likewise for all TCP connections from one address.</summary>
    public int MaxTcpBytesPerClient { get; init; } = 8 << 20;

    /// <summary>Likewise for all TCP connections. When they are taken, who holds most makes room for who holds next to nothing; likewise among those of one address.</summary>
    public int MaxTcpBytes { get; init; } = 64 << 20;

    /// <summary>The largest query and the largest reply fit twice.</summary>
    public const int MinTcpBytes = 256 << 10;

    /// <summary>What the system may hold for a TCP connection in each direction, bytes; it takes twice as much with its own accounts. Without it, megabytes.</summary>
    public int TcpSocketBufferBytes { get; init; } = 64 << 10;

    /// <summary>Queries of all TCP connections that may be asked upstream at once; each holds a buffer of 64 KiB.</summary>
    public int MaxTcpForwards { get; init; } = 1024;
}
