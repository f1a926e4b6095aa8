using MeshDns.Contracts.Events;
using MeshDns.Contracts.Names;

namespace MeshDns.Host.Resolve;

/// <summary>Asks whoever owns a name, for a replica that is too old to deny it.</summary>
public interface IOwnerInquiry
{
    /// <summary>What is declared of the names, as facts for a directory; empty when none is declared, null when nobody who knows has answered within 200 ms.</summary>
    Task<IReadOnlyList<MeshEvent>?> FindAsync(IReadOnlyList<HostName> names);
}
