namespace MeshDns.Actors.Cluster;

/// <summary>
/// The number of the node-to-node messages and journal contents that this build writes. Nodes work together when each reads what the other
/// writes: their numbers differ by at most one (docs/adr/0012). It is raised when a message or an event changes in a way that the build before the last
/// cannot read.
/// </summary>
public static class MeshProtocol
{
    /// <summary>What this build writes.</summary>
    public const int Current = 1;

    /// <summary>True when nodes of the two numbers may be members of one cluster.</summary>
    public static bool Fits(int mine, int other) => Math.Abs(mine - other) <= 1;
}
