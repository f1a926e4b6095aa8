using System.Net;

namespace MeshDns.Host.Settings;

/// <summary>The section <c>upstream</c>.</summary>
/// <param name="Servers">Resolvers to forward to, at most 32; empty: those of <c>/etc/resolv.conf</c>.</param>
/// <param name="Routes">Resolvers of their own for a suffix, most specific suffix first; at most 256.</param>
/// <param name="Timeout">The one deadline of a forwarded query, 100 ms to 60 s.</param>
/// <param name="CacheSizeBytes">What the answer cache may hold, in bytes, 1 MiB to 64 GiB.</param>
public sealed record UpstreamSettings(
    IReadOnlyList<IPEndPoint> Servers,
    IReadOnlyList<UpstreamRoute> Routes,
    TimeSpan Timeout,
    long CacheSizeBytes);

/// <summary>One entry of <c>upstream.routes</c>: the suffix and all names below it are asked of these servers.</summary>
/// <param name="Suffix">Lower case A-labels without a trailing dot.</param>
/// <param name="Servers">1 to 32 resolvers.</param>
public sealed record UpstreamRoute(string Suffix, IReadOnlyList<IPEndPoint> Servers);
