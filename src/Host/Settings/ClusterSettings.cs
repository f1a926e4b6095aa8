using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>The section <c>cluster</c>.</summary>
/// <param name="Listen">Where other nodes connect; null: this node takes no node-to-node traffic.</param>
/// <param name="Advertise"><c>host:port</c> that other nodes use to reach this one; null: the same as <paramref name="Listen"/>.</param>
/// <param name="Secret">What nodes prove to each other; required when <paramref name="Listen"/> is set.</param>
/// <param name="Heartbeat">Time between two heartbeat rows, 10 ms to 1 minute.</param>
/// <param name="Lease">A member that was silent for so long is gone, at least 3 heartbeats, up to 10 minutes. It decides speed, never correctness.</param>
/// <param name="Shards">Number of shards, 1 to 1024; fixed when the journal is created.</param>
public sealed record ClusterSettings(
    IPEndPoint? Listen,
    string? Advertise,
    Secret Secret,
    TimeSpan Heartbeat,
    TimeSpan Lease,
    int Shards);
