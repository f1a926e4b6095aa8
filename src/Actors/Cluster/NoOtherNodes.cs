using MeshDns.Actors.Runtime;
using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>The way to other nodes of a node that has none.</summary>
internal sealed class NoOtherNodes : INodeClient
{
    public Task<NodeReply> AskAsync(string address, NodeRequest request, TimeSpan deadline, CancellationToken cancel) =>
        Task.FromException<NodeReply>(new MeshUnavailableException("this node takes part in no cluster"));
}
