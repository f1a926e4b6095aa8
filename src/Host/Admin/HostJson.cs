using System.Text.Json.Serialization;

namespace MeshDns.Host.Admin;

/// <summary>What one namespace declares about a host.</summary>
public sealed record HostJson
{
    /// <summary>The host.</summary>
    public required string Host { get; init; }

    /// <summary>The namespace of the record.</summary>
    public required string Namespace { get; init; }

    /// <summary>The documents that declare it, oldest first.</summary>
    public required IReadOnlyList<HostEntryJson> Entries { get; init; }

    /// <summary>What a visible client gets: the explicit addresses, else the VIP's.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>The host's VIP, or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public HostVipJson? Vip { get; init; }

    /// <summary>The TTL of its addresses in seconds.</summary>
    public int Ttl { get; init; }

    /// <summary>The stream that owns it.</summary>
    public required string Shard { get; init; }

    /// <summary>The node that owns the stream.</summary>
    public required string Owner { get; init; }

    /// <summary>All records of the host, oldest first; only where one host is asked for that several namespaces declare.</summary>
    public IReadOnlyList<HostJson>? Records { get; init; }
}

/// <summary>A document that declares a host.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">ServiceEntry or Service.</param>
/// <param name="Resolution">As Istio writes it; absent for a Service.</param>
public sealed record HostEntryJson(string Namespace, string Name, string Kind, string? Resolution);

/// <summary>The VIP of a host.</summary>
public sealed record HostVipJson([property: JsonPropertyName("ipv4")] string IPv4, [property: JsonPropertyName("ipv6")] string IPv6, string State);

/// <summary>A VIP.</summary>
public sealed record VipJson
{
    /// <summary>Its IPv4 address.</summary>
    [JsonPropertyName("ipv4")]
    public required string IPv4 { get; init; }

    /// <summary>Its IPv6 address.</summary>
    [JsonPropertyName("ipv6")]
    public required string IPv6 { get; init; }

    /// <summary>Its holder; its last holder when quarantined; the first claimant when reserved.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Host { get; init; }

    /// <summary>All claimants, when there are several.</summary>
    public IReadOnlyList<string>? Hosts { get; init; }

    /// <summary>leased, quarantined or reserved; a free VIP is not shown.</summary>
    public required string State { get; init; }

    /// <summary>When it entered the state (RFC 3339).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Since { get; init; }

    /// <summary>When its quarantine ends (RFC 3339), or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Until { get; init; }
}
