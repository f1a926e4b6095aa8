using System.Text.Json.Serialization;
using MeshDns.Contracts.Messages;
using MeshDns.Host.Settings.Hocon;

namespace MeshDns.Host.Admin;

/// <summary>The settings that all nodes of a cluster share, under the names and in the notation that they have in a configuration file.</summary>
public sealed record SettingsJson
{
    /// <summary>How long a released VIP is given to no other name.</summary>
    [JsonPropertyName("vips.quarantine")]
    public required string Quarantine { get; init; }

    /// <summary>The largest TTL that any node serves.</summary>
    [JsonPropertyName("dns.ttl")]
    public required string LargestTtl { get; init; }

    /// <summary>Zones of the mesh beside the cluster domain.</summary>
    [JsonPropertyName("mesh.zones")]
    public required IReadOnlyList<string> Zones { get; init; }

    /// <summary>The domain of Services.</summary>
    [JsonPropertyName("mesh.cluster-domain")]
    public required string ClusterDomain { get; init; }

    /// <summary>The IPv4 VIP range; fixed, as all that follow.</summary>
    [JsonPropertyName("vips.ipv4")]
    public required string IPv4 { get; init; }

    /// <summary>The IPv6 VIP range.</summary>
    [JsonPropertyName("vips.ipv6")]
    public required string IPv6 { get; init; }

    /// <summary>The number of shards.</summary>
    [JsonPropertyName("cluster.shards")]
    public required int Shards { get; init; }

    internal static SettingsJson Of(SettingsView view) => new()
    {
        Quarantine = HoconUnits.Format(TimeSpan.FromMilliseconds(view.Shared.QuarantineMs)),
        LargestTtl = HoconUnits.Format(TimeSpan.FromMilliseconds(view.Shared.LargestTtlMs)),
        Zones = view.Shared.Zones,
        ClusterDomain = view.Shared.ClusterDomain,
        IPv4 = view.Ipv4,
        IPv6 = view.Ipv6,
        Shards = view.Shards,
    };
}
