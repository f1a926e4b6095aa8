using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>What a node does for other nodes. The transport has authenticated who asks before it calls this.</summary>
public interface INodeServer
{
    /// <summary>Carries a request out. Never throws but for the token: whatever goes wrong is a <see cref="NodeRefusal"/>.</summary>
    Task<NodeReply> HandleAsync(NodeRequest request, CancellationToken cancel);
}
