using MeshDns.Contracts.Names;
using MeshDns.Contracts.Vips;

namespace MeshDns.Contracts.Services;

/// <summary>The checked spec of a document: what its kind says of names.</summary>
public abstract record DocumentSpec
{
    /// <summary>What the document declares, host by host, in its own order (behaviour.md, "Who gets a VIP").</summary>
    /// <param name="document">The document whose spec this is.</param>
    /// <param name="created">When it was created, milliseconds since the Unix epoch.</param>
    /// <param name="clusterDomain">The domain under which Services live, such as cluster.local.</param>
    public abstract IReadOnlyList<(HostName Host, HostDeclaration Declaration)> Declares(MeshDocument document, long created, HostName clusterDomain);

    /// <summary>The spec as the mesh keeps it, and the addresses in it that are only a wish.</summary>
    /// <param name="document">The document whose spec this is.</param>
    /// <param name="source">Who puts it.</param>
    /// <param name="before">What is kept now; null for a new document.</param>
    /// <param name="range">The ranges that VIPs come from.</param>
    public virtual (DocumentSpec Kept, IReadOnlyList<string> Wished) Take(MeshDocument document, string source, DocumentSpec? before, VipRange range) => (this, []);
}
