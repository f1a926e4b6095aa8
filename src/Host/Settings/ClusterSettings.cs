using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>The section <c>cluster</c>.</summary>
/// <param name="Listen">Where Akka.Remote listens for other owners; null: a node on its own. For nodes with a database that is shared only; never without <paramref name="Secret"/> or <paramref name="Tls"/>.</param>
/// <param name="Advertise"><c>host:port</c> as which other owners know <paramref name="Listen"/>, no wildcard; null: as it says itself, which then is none either.</param>
/// <param name="Feed">Where nodes without a database connect (HTTP/2); null: this node takes none. For owners only.</param>
/// <param name="AdvertiseFeed"><c>host:port</c> that nodes without a database use to reach this one; null: the host of <paramref name="Advertise"/> at the port of <paramref name="Feed"/>.</param>
/// <param name="Join">Owners' feeds that a node without the role owner and without a database asks at first. At most 64; empty for all others.</param>
/// <param name="Secret">What the nodes' certificate authority is made of, at least 16 characters; it or <paramref name="Tls"/> is required when <paramref name="Listen"/> or <paramref name="Join"/> is set.</param>
/// <param name="Tls">Certificates of an authority of the operator's, which then stand in place of the secret; null: the secret's authority.</param>
/// <param name="Heartbeat">An owner's signs of life come at least so often, 10 ms to 1 minute.</param>
/// <param name="Lease">A member that was silent for about so long is gone, at least 3 heartbeats, up to 10 minutes. It decides speed, never correctness.</param>
/// <param name="Shards">Number of shards, 1 to 1024; fixed when the journal is created.</param>
public sealed record ClusterSettings(
    IPEndPoint? Listen,
    string? Advertise,
    IPEndPoint? Feed,
    string? AdvertiseFeed,
    IReadOnlyList<string> Join,
    Secret Secret,
    ClusterTlsSettings? Tls,
    TimeSpan Heartbeat,
    TimeSpan Lease,
    int Shards);

/// <summary>The section <c>cluster.tls</c>: paths of PEM files; a relative one is under the process' working directory.</summary>
/// <param name="Certificate">This node's certificate, for client and server authentication, followed by intermediate ones where there are any.</param>
/// <param name="Key">Its private key, not encrypted.</param>
/// <param name="Authority">The root certificates that nodes' certificates must come from.</param>
public sealed record ClusterTlsSettings(string Certificate, string Key, string Authority);
