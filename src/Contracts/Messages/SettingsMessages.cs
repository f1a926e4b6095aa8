using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace MeshDns.Contracts.Messages;

/// <summary>What all nodes of a cluster share, as the log has it (docs/adr/0028).</summary>
/// <param name="QuarantineMs">How long a VIP rests that is released now.</param>
/// <param name="LargestTtlMs">No node serves a larger TTL.</param>
/// <param name="Zones">Mesh-owned zones beside the cluster domain, in order.</param>
/// <param name="ClusterDomain">The domain under which Services live.</param>
public sealed record SharedSettings(long QuarantineMs, long LargestTtlMs, IReadOnlyList<string> Zones, string ClusterDomain)
{
    /// <summary>A digest of the values: equal ones have the same.</summary>
    [JsonIgnore]
    public string Tag
    {
        get
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{QuarantineMs} {LargestTtlMs} {ClusterDomain} {string.Join(',', Zones)}");
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
        }
    }

    /// <summary>The oldest knowledge from which an automatic VIP may be answered: what is answered then is out of every client's cache before the VIP's rest ends (promise 4).</summary>
    [JsonIgnore]
    public TimeSpan MaxAge => TimeSpan.FromMilliseconds(QuarantineMs - (2 * LargestTtlMs));
}

/// <summary>The settings of a cluster.</summary>
/// <param name="Shared">Those that can change.</param>
/// <param name="Ipv4">The IPv4 VIP range; fixed for ever, as all that follow.</param>
/// <param name="Ipv6">The IPv6 VIP range.</param>
/// <param name="Shards">The number of shards.</param>
public sealed record SettingsView(SharedSettings Shared, string Ipv4, string Ipv6, int Shards);

/// <summary>Settings to change; those that are null stay as they are.</summary>
public sealed record SettingsChange
{
    /// <summary><see cref="SharedSettings.Tag"/> of the settings as they must be now; null for any.</summary>
    public string? IfMatch { get; init; }

    /// <summary>How long a released VIP rests.</summary>
    public long? QuarantineMs { get; init; }

    /// <summary>The largest TTL.</summary>
    public long? LargestTtlMs { get; init; }

    /// <summary>All zones beside the cluster domain.</summary>
    public IReadOnlyList<string>? Zones { get; init; }

    /// <summary>The domain under which Services live.</summary>
    public string? ClusterDomain { get; init; }
}
