using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>
/// Answers what is not ours, or not to its end: from the answer cache, or by asking the upstream resolvers, with the mesh's own part of every chain of CNAMEs, and
/// never denying what exists here.
/// </summary>
public interface IUpstream
{
    /// <summary>
    /// Answers from the answer cache. Runs on an edge loop: it must not allocate, lock or wait.
    /// False when the cache has no answer to serve; the query is then forwarded.
    /// </summary>
    /// <param name="packet">The client's query.</param>
    /// <param name="query">The same, parsed.</param>
    /// <param name="foldedName">The question's name in lower case, wire form.</param>
    /// <param name="finding">What was found for it: asked upstream, or a CNAME of ours whose chain leaves the mesh.</param>
    /// <param name="view">What the client sees: which CNAME targets are the mesh's to answer.</param>
    /// <param name="reply">Takes the complete reply: id, question, OPT.</param>
    /// <param name="limit">The most bytes the client takes; what does not fit is left out and TC set.</param>
    /// <param name="length">The reply's length in bytes.</param>
    bool TryAnswerCached(
        ReadOnlySpan<byte> packet, in DnsQuery query, ReadOnlySpan<byte> foldedName, in Finding finding, in ClientView view, Span<byte> reply, int limit, out int length);

    /// <summary>
    /// Forwards the query and writes a complete reply: its id and question echoed, OPT, sized to <paramref name="limit"/> with TC.
    /// Never throws except on cancel: failures are SERVFAIL replies. Bounded by the upstream deadline.
    /// </summary>
    /// <param name="packet">The client's query, well formed.</param>
    /// <param name="finding">What was found for it: asked upstream, or a CNAME of ours whose chain leaves the mesh.</param>
    /// <param name="view">What the client sees: which CNAME targets are the mesh's to answer.</param>
    /// <param name="party">To whom its places count.</param>
    /// <param name="reply">Takes the reply.</param>
    /// <param name="limit">The most bytes the client takes.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>The reply's length in bytes.</returns>
    ValueTask<int> ForwardAsync(ReadOnlyMemory<byte> packet, Finding finding, ClientView view, Party party, Memory<byte> reply, int limit, CancellationToken cancel);

    /// <summary>
    /// The same as <see cref="ForwardAsync"/> without a task: the reply goes to the query's sink, on the upstream's loop. Never waits; bounded:
    /// the sink may at once be told to drop a query, this one or another. False when this upstream does not offer it; nothing happened then.
    /// </summary>
    /// <param name="query">The upstream's until its sink hears of it.</param>
    bool TryPost(ForwardedQuery query) => false;

    /// <summary>After the last of several posts: sees to it that they are looked at.</summary>
    void FlushPosts() { }
}
