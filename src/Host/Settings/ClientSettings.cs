using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>One element of <c>clients</c>: what a client network sees.</summary>
/// <param name="Network">The clients' addresses.</param>
/// <param name="Namespace">Their namespace, an RFC 1123 label; null: none, so only what is exported to all is visible.</param>
/// <param name="Capture">Their own switch, which wins over <c>dns.capture</c>; null: that one applies.</param>
public sealed record ClientSettings(IPNetwork Network, string? Namespace, bool? Capture);
