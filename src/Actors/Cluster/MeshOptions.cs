using MeshDns.Actors.Vips;
using MeshDns.Contracts.Messages;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Cluster;

/// <summary>What the mesh part of a node needs to know. What all share counts as configured only in an empty log, and on a node alone (docs/adr/0028).</summary>
public sealed record MeshOptions
{
    /// <summary>The node's name.</summary>
    public required string Node { get; init; }

    /// <summary>The node's address, as others and people see it.</summary>
    public string Address { get; init; } = "";

    /// <summary>The node's roles.</summary>
    public IReadOnlyList<string> Roles { get; init; } = ["owner", "edge"];

    /// <summary>The program's version.</summary>
    public string Version { get; init; } = "";

    /// <summary>The number of shards; fixed at creation.</summary>
    public int Shards { get; init; } = 64;

    /// <summary>The VIP ranges; fixed at creation.</summary>
    public VipRange Range { get; init; } = VipRange.Default;

    /// <summary>How long a released VIP rests, as this node is configured.</summary>
    public TimeSpan Quarantine { get; init; } = VipLedgerCore.FirstQuarantine;

    /// <summary><c>directory.max-age</c>: VIPs that are known for longer than that are not answered.</summary>
    public TimeSpan MaxAge { get; init; } = VipLedgerCore.FirstQuarantine - TimeSpan.FromSeconds(60);

    /// <summary>The largest TTL that an edge may hand out, as this node is configured.</summary>
    public TimeSpan MaxTtl { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The domain of Kubernetes Services, as this node is configured.</summary>
    public HostName ClusterDomain { get; init; } = HostName.Parse("cluster.local");

    /// <summary>The mesh zones, as this node is configured.</summary>
    public required MeshZones Zones { get; init; }

    /// <summary>Time between two heartbeats.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A member that was silent for so long is gone. It decides speed, never correctness.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The sources that this node could run, by name.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary><c>host:port</c> where nodes without a database ask this one; empty for nowhere.</summary>
    public string Feed { get; init; } = "";

    /// <summary>The owners' feeds that a node without a database asks at first, <c>host:port</c> each.</summary>
    public IReadOnlyList<string> Join { get; init; } = [];

    /// <summary>What all nodes of a cluster share, as this one is configured: it counts in an empty log and on a node alone.</summary>
    internal SharedSettings Shared() => new((long)Quarantine.TotalMilliseconds, (long)MaxTtl.TotalMilliseconds, SettingsFacts.Zones(Zones.Apexes.Select(z => z.Text), ClusterDomain.Text, Range), ClusterDomain.Text);
}
