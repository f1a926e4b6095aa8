using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>What a node without streams does for others: it can be drained, and says how far it has read.</summary>
internal sealed class EdgeServerOnly(Mesh mesh) : INodeServer
{
    public async Task<NodeReply> HandleAsync(NodeRequest request, CancellationToken cancel)
    {
        switch (request)
        {
            case AwaitFeed wait: return new FeedAwaited(await mesh.AwaitFeedAsync(wait.Position, TimeSpan.FromMilliseconds(Math.Clamp(wait.WaitMs, 0, 10_000)), cancel));
            case DrainNode:
                await mesh.DrainAsync();
                return new Done();
            default: return new NodeRefusal(NodeFault.NotOwner, $"{mesh.Options.Node} owns nothing");
        }
    }
}
