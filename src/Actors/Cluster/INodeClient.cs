using MeshDns.Contracts.Messages;

namespace MeshDns.Actors.Cluster;

/// <summary>Asks other nodes. The Host's goes over HTTP/2; a simulation's through a simulated network.</summary>
public interface INodeClient
{
    /// <summary>Asks the node at an address.</summary>
    /// <param name="address"><c>host:port</c>, as the member table has it.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="deadline">At most so long.</param>
    /// <param name="cancel">Ends it early.</param>
    /// <exception cref="MeshUnavailableException">No answer within the deadline; what was asked may have been done.</exception>
    Task<NodeReply> AskAsync(string address, NodeRequest request, TimeSpan deadline, CancellationToken cancel);
}
