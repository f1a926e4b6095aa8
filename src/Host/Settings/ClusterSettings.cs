using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>The section <c>cluster</c>.</summary>
/// <param name="Listen">Where other nodes connect; null: this node takes no node-to-node traffic.</param>
/// <param name="Advertise"><c>host:port</c> that other nodes use to reach this one, no wildcard; null: the same as <paramref name="Listen"/>, which then is none either.</param>
/// <param name="Join">Advertised addresses of owner nodes from which a node without the role owner and without a database reads at first. At most 64; empty for all others.</param>
/// <param name="Secret">What nodes prove to each other, at least 16 characters; required when <paramref name="Listen"/> or <paramref name="Join"/> is set.</param>
/// <param name="Tls">Certificates for mutual TLS; null: HTTP/2 in the clear, authenticated by the secret.</param>
/// <param name="Heartbeat">Time between two heartbeat rows, 10 ms to 1 minute.</param>
/// <param name="Lease">A member that was silent for so long is gone, at least 3 heartbeats, up to 10 minutes. It decides speed, never correctness.</param>
/// <param name="Shards">Number of shards, 1 to 1024; fixed when the journal is created.</param>
public sealed record ClusterSettings(
    IPEndPoint? Listen,
    string? Advertise,
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
