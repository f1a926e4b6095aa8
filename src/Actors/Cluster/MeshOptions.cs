using MeshDns.Actors.Vips;
using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Actors.Cluster;

/// <summary>What the mesh part of a node needs to know. The cluster-wide ones are written to the journal at its creation.</summary>
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

    /// <summary>How long a released VIP rests; a change is journalled and holds for later releases.</summary>
    public TimeSpan Quarantine { get; init; } = VipLedgerCore.FirstQuarantine;

    /// <summary>The largest TTL that an edge may hand out; fixed at creation.</summary>
    public TimeSpan MaxTtl { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The domain of Kubernetes Services; fixed at creation.</summary>
    public HostName ClusterDomain { get; init; } = HostName.Parse("cluster.local");

    /// <summary>The mesh zones; fixed at creation.</summary>
    public required MeshZones Zones { get; init; }

    /// <summary>Time between two heartbeats.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A member that was silent for so long is gone. It decides speed, never correctness.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>True when a failover of the database may lose what was acknowledged; then each one makes all free VIPs rest.</summary>
    public bool AllowDataLoss { get; init; }

    /// <summary>A stream that this node gives up gets a snapshot when it has at least so many events since the last one.</summary>
    public long SnapshotWhenLeaving { get; init; } = 500;

    /// <summary>The state of a shard that nobody read or changed for so long, at most three times, is packed (docs/adr/0020); null for never.</summary>
    public TimeSpan? PassivateAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The sources that this node could run, by name.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Where a node without database access asks at first, <c>host:port</c> each.</summary>
    public IReadOnlyList<string> Join { get; init; } = [];

    /// <summary>Those of <see cref="Shared"/> that change nothing which is already journalled; a single node may change them at a restart.</summary>
    public static IReadOnlyCollection<string> Adjustable { get; } = ["dns.ttl", "mesh.zones"];

    /// <summary>The settings that every node must agree on, as the journal keeps them.</summary>
    public IReadOnlyDictionary<string, string> Shared() => new Dictionary<string, string>
    {
        ["cluster.shards"] = Shards.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["vips.ipv4"] = Range.V4.ToString(),
        ["vips.ipv6"] = Range.V6.ToString(),
        ["dns.ttl"] = MaxTtl.TotalSeconds.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture),
        ["mesh.cluster-domain"] = ClusterDomain.Text,
        ["mesh.zones"] = string.Join(',', Zones.Apexes),
    };
}
