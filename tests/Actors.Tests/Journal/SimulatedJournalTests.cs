using MeshDns.Actors.Journal;
using MeshDns.Actors.Tests.Simulation;

namespace MeshDns.Actors.Tests.Journal;

/// <summary>The journal that simulations run on keeps the same contract as the real one, or what they show means nothing.</summary>
public sealed class SimulatedJournalTests : ClusterJournalContract
{
    internal override Task<IJournal> OpenAsync() =>
        Task.FromResult<IJournal>(new SimulatedJournal(new SimulatedStore(Clock), new JournalFaults(), Clock, new Random(1)));
}
