using MeshDns.Contracts.Events;
using MeshDns.Contracts.Vips;

namespace MeshDns.Tests.Shared.Judge;

/// <summary>A transaction of the one log.</summary>
/// <param name="Number">The number of its closing row.</param>
/// <param name="Facts">In the order in which they were decided.</param>
public sealed record LoggedTransaction(long Number, IReadOnlyList<MeshEvent> Facts);

/// <summary>The one log at the end of a run, read whole.</summary>
/// <param name="Range">The VIP ranges.</param>
/// <param name="Transactions">In order.</param>
public sealed record LoggedPast(VipRange Range, IReadOnlyList<LoggedTransaction> Transactions)
{
    /// <summary>The name by which replies speak of a place in it.</summary>
    public const string Name = "mesh";
}
