using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>The section <c>vips</c>. All of it is fixed in the journal when it is created.</summary>
/// <param name="IPv4">The IPv4 range, /16 to /30.</param>
/// <param name="IPv6">The IPv6 range, /112 or shorter: its lower 16 bits equal the IPv4 address'.</param>
/// <param name="Quarantine">How long a released VIP is given to no other name: at least 4 x the largest TTL, at most 365 days.</param>
public sealed record VipSettings(IPNetwork IPv4, IPNetwork IPv6, TimeSpan Quarantine);
