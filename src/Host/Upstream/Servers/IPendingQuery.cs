using MeshDns.Host.Upstream.Cache;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>A query that waits on a <see cref="UdpPort"/> for its reply. For the loop's thread.</summary>
internal interface IPendingQuery
{
    /// <summary>What was asked.</summary>
    UpstreamQuestion Question { get; }

    /// <summary>The server's reply, as the guard says.</summary>
    /// <param name="reply">The message.</param>
    /// <param name="isCut">It is not whole, or cannot be read: the whole one is asked for over TCP.</param>
    void OnReply(ReadOnlySpan<byte> reply, bool isCut);

    /// <summary>A reply to nobody came to the port while this waits: somebody guesses.</summary>
    void OnFalseReply();

    /// <summary>The system says that nobody listens, or the socket was closed.</summary>
    void OnUnreachable();
}
