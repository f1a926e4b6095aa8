using MeshDns.Contracts.Dns;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>Why there is no answer: what the client's EDE says (RFC 8914).</summary>
/// <param name="Code">The code.</param>
/// <param name="Text">In words, ASCII.</param>
/// <param name="IsLocal">True for a reason of our own, such as too much at once: it says nothing of the upstreams, and is not kept.</param>
internal readonly record struct ForwardFailure(EdeCode Code, byte[] Text, bool IsLocal = false)
{
    /// <summary>Too much at once: our own trouble, of which nothing is kept.</summary>
    public static readonly ForwardFailure Overload = new(EdeCode.Other, [.. "too many queries under way"u8], IsLocal: true);
}
