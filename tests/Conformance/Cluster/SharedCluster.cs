using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Cluster;

/// <summary>Three owners and an edge that reads from them, for tests that leave all of them running.</summary>
public sealed class SharedCluster : IAsyncLifetime
{
    internal MeshCluster Cluster { get; private set; } = null!;

    internal IReadOnlyList<NodeProcess> Owners { get; private set; } = [];

    internal NodeProcess Edge { get; private set; } = null!;

    internal IEnumerable<NodeProcess> All => [.. Owners, Edge];

    public async Task InitializeAsync()
    {
        (Cluster, var owners) = await MeshCluster.StartThreeAsync();
        Owners = owners;
        Edge = Cluster.LaunchEdge("edge-1", await owners[0].FeedAddressAsync());
        await Edge.WaitUntilReadyAsync();
    }

    public async Task DisposeAsync()
    {
        await using var cluster = Cluster;
        await cluster.EndAsync();
    }
}
