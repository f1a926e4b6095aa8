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
    /// Forwards queries: each gets its reply, or hears that there is none, on the upstream's loop, or here. Never waits, and never throws; bounded: they may have to make room
    /// for each other, and others for them. Failures are SERVFAIL replies, by the upstream deadline.
    /// </summary>
    /// <param name="queries">The upstream's until they hear of it. Together they cost one look for work.</param>
    void Post(ReadOnlySpan<ForwardedQuery> queries);
}
