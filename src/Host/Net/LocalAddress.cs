namespace MeshDns.Host.Net;

/// <summary>Where a packet was sent to: the source of its reply. The default leaves that to the system.</summary>
/// <param name="Address">IPv4 in the first 4 bytes in network order, or IPv6.</param>
/// <param name="Interface">The interface that a link-local IPv6 address belongs to; 0 for every other.</param>
internal readonly record struct LocalAddress(UInt128 Address, int Interface);
