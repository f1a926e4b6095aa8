using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>What a flight brought back.</summary>
/// <param name="Answer">The answer.</param>
/// <param name="IsStale">True when every server failed and this is what was known before.</param>
internal readonly record struct ServedAnswer(CachedAnswer Answer, bool IsStale);
