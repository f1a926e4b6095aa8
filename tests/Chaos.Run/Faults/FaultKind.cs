using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Database;
using MeshDns.Chaos.Run.Workload;
using MeshDns.Tests.Shared.Judge;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>What a fault works with. Everything random comes from its one source, which the seed began.</summary>
internal sealed record FaultContext(ChaosCluster Cluster, Load Load, History History, Clock Clock, Random Random, ChaosOptions Options)
{
    public PostgresStore Database => (PostgresStore)Cluster.Store;

    public ChaosNode AnyNode() => Any(Cluster.Up);

    public ChaosNode AnyOwner() => Any(Cluster.Up.Where(node => node.IsOwner).ToArray());

    public T Any<T>(IReadOnlyList<T> items) => items[Random.Next(items.Count)];

    /// <summary>A span between two numbers of seconds, shortened by the run's haste.</summary>
    public TimeSpan Seconds(double from, double to) => TimeSpan.FromSeconds(from + (Random.NextDouble() * (to - from))) * Options.Haste;

    public Task PassAsync(double fromSeconds, double toSeconds) => Task.Delay(Seconds(fromSeconds, toSeconds));
}

/// <summary>What a fault did.</summary>
/// <param name="Hindered">The nodes whose knowledge it may have held back; null: all.</param>
/// <param name="Detail">For the report.</param>
/// <param name="Lossy">True when acknowledged changes may have been lost.</param>
/// <param name="Breaches">What it saw itself that must not be.</param>
internal sealed record FaultEffect(IReadOnlyList<string>? Hindered, string Detail, bool Lossy = false, IReadOnlyList<string>? Breaches = null);

/// <summary>A kind of fault: it does its harm, repairs it, and returns when every node is ready again.</summary>
internal sealed record FaultKind(string Name, FaultNeed Need, Func<FaultContext, Task<FaultEffect>> RunAsync);

/// <summary>What a fault needs to make sense.</summary>
internal enum FaultNeed
{
    /// <summary>A node.</summary>
    Node,

    /// <summary>A node, and libfaketime.</summary>
    FakeClock,

    /// <summary>Several nodes on PostgreSQL.</summary>
    Cluster,

    /// <summary>The same, and three of them at least.</summary>
    ThreeOwners,
}

/// <summary>Every kind of fault.</summary>
internal static class FaultCatalogue
{
    public static IReadOnlyList<FaultKind> All { get; } =
    [
        new("kill-owner", FaultNeed.Node, NodeFaults.KillOwnerAsync),
        new("kill-allocator", FaultNeed.Cluster, NodeFaults.KillAllocatorAsync),
        new("kill-mid-append", FaultNeed.Node, NodeFaults.KillMidAppendAsync),
        new("power-loss", FaultNeed.Cluster, NodeFaults.LosePowerAsync),
        new("pause", FaultNeed.Node, NodeFaults.PauseAsync),
        new("quick-restarts", FaultNeed.Node, NodeFaults.QuickRestartsAsync),
        new("rolling-restart", FaultNeed.Cluster, NodeFaults.RollingRestartAsync),
        new("clock-step", FaultNeed.FakeClock, NodeFaults.StepClockAsync),
        new("start-without-database", FaultNeed.Cluster, NodeFaults.StartWithoutDatabaseAsync),
        new("cut-database", FaultNeed.Cluster, LinkFaults.CutDatabaseAsync),
        new("cut-off", FaultNeed.Cluster, LinkFaults.CutOffAsync),
        new("partition-nodes", FaultNeed.Cluster, LinkFaults.PartitionNodesAsync),
        new("one-way", FaultNeed.Cluster, LinkFaults.OneWayAsync),
        new("slow-and-lossy", FaultNeed.Cluster, LinkFaults.SlowAndLossyAsync),
        new("flapping", FaultNeed.Cluster, LinkFaults.FlapAsync),
        new("database-restart", FaultNeed.Cluster, DatabaseFaults.RestartAsync),
        new("database-kill", FaultNeed.Cluster, DatabaseFaults.KillAsync),
        new("promote-sync", FaultNeed.Cluster, DatabaseFaults.PromoteSynchronousAsync),
        new("promote-async", FaultNeed.Cluster, DatabaseFaults.PromoteLaggingAsync),
        new("scale", FaultNeed.Cluster, ScaleFaults.ScaleAsync),
        new("end-actors", FaultNeed.Cluster, MemberFaults.EndActorsAsync),
        new("pause-mid-append", FaultNeed.Cluster, AppendFaults.PauseAsync),
        new("cut-mid-append", FaultNeed.Cluster, AppendFaults.CutAsync),
        new("kill-lease-holder", FaultNeed.ThreeOwners, MemberFaults.KillLeaseHolderAsync),
        new("kill-without-database", FaultNeed.Cluster, MemberFaults.KillWithoutDatabaseAsync),
        new("move-and-back", FaultNeed.Cluster, MemberFaults.MoveAndBackAsync),
        new("part-owners", FaultNeed.Cluster, MemberFaults.PartOwnersAsync),
        new("old-primary-alone", FaultNeed.Cluster, DatabaseFaults.LeaveOldPrimaryAsync),
        new("suspend", FaultNeed.FakeClock, NodeFaults.SuspendAsync),
    ];
}
