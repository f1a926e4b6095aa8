using MeshDns.Contracts.Dns;
using MeshDns.Contracts.Names;
using MeshDns.Host.Resolve;
using MeshDns.Host.Upstream.Servers;

namespace MeshDns.Host.Upstream.Replies;

/// <summary>How a reply is written.</summary>
/// <param name="NowMs">The time on the <see cref="UpstreamClock"/>.</param>
/// <param name="Limit">The most bytes of the reply.</param>
/// <param name="Finding">What was found for the question: asked upstream, or a CNAME of ours whose chain leaves the mesh. No TTL is above its cap.</param>
/// <param name="View">What the client sees: which names are ours for it.</param>
internal readonly record struct Serving(long NowMs, int Limit, Finding Finding, ClientView View);

/// <summary>What came of writing a reply.</summary>
internal enum Composition
{
    /// <summary>It is written.</summary>
    Written,

    /// <summary>An upstream has to be asked first. Nothing of the buffer counts.</summary>
    Incomplete,

    /// <summary>Not even the question fits.</summary>
    TooSmall,
}

/// <summary>The upstreams' parts of a reply: mostly one, more where a chain of CNAMEs leads through the mesh and out again.</summary>
internal interface IAnswerParts
{
    /// <summary>Finds what the upstreams say of a name, for the type, class and flags of the query. False when they have to be asked.</summary>
    bool TryFind(scoped in DnsQuery query, scoped ReadOnlySpan<byte> foldedName, out ServedAnswer part);
}
