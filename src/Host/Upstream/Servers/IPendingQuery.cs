using MeshDns.Host.Upstream.Replies;

namespace MeshDns.Host.Upstream.Servers;

/// <summary>A question whose attempts wait on sockets for replies. For the loop's thread.</summary>
internal interface IPendingQuery
{
    /// <summary>A reply with an attempt's id came by the socket that it left by.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="reply">The message.</param>
    /// <param name="isCut">It was longer than what is here of it.</param>
    /// <returns>Whether it is the attempt's. One that cannot be read is, and has ended the wait too.</returns>
    ReplyVerdict OnReply(int attempt, ReadOnlySpan<byte> reply, bool isCut);

    /// <summary>A reply to nobody came to the socket while the attempt waits: somebody guesses.</summary>
    void OnFalseReply(int attempt);

    /// <summary>The system says that nobody listens, or the socket was closed.</summary>
    void OnUnreachable(int attempt);
}
