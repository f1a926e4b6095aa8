using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>
/// Faults between the INSERT of an append and its COMMIT: then the next number of the log is taken by somebody who does not go on, and nobody else can have it. The relay sees the COMMIT, which is a message of its own,
/// and holds it back; for the database that is as if it had not been sent.
/// </summary>
internal static class AppendFaults
{
    // It is before SIGCONT that the database has to free the number, and others to go on.
    private const string OpenAppends = """
        SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.state = 'idle in transaction' AND l.relation = 'meshdns.journal'::regclass AND l.mode = 'RowExclusiveLock'
        """;

    private static readonly byte[] _commit = [.. "COMMIT\0"u8];
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    /// <summary>SIGSTOP of the allocator's node: another one's has to go on before it does.</summary>
    public static async Task<FaultEffect> PauseAsync(FaultContext context)
    {
        if (await HoldCommitAsync(context) is not { } node) return new FaultEffect([], "no append met");
        node.Pause();
        var breaches = await Membership.AwaitGoingOnAsync(context, $"while {node.Name} was held between INSERT and COMMIT");
        await context.PassAsync(0, 4);
        node.Resume();
        Way(context, node).Heal();
        return new FaultEffect([node.Name], node.Name, Breaches: [.. breaches, .. await Membership.AwaitReadyAsync(context)]);
    }

    /// <summary>Nothing passes between the allocator's node and the database; the node is a member all the time, and nobody takes over. The database has to free the number by itself.</summary>
    public static async Task<FaultEffect> CutAsync(FaultContext context)
    {
        if (await HoldCommitAsync(context) is not { } node) return new FaultEffect([], "no append met");
        context.Cluster.Network[Network.Database, node.Name].Stall();
        var isFree = await IsFreeAsync(context);
        await context.PassAsync(0, 6);
        context.Cluster.Network.HealAll();
        return new FaultEffect([node.Name], node.Name, Breaches: [.. isFree ? [] : (string[])[$"the database kept the transaction of {node.Name} open for {_patience}"], .. await Membership.AwaitReadyAsync(context)]);
    }

    // Looks at the log's end commit too: what is held may be one of those, and is let go then.
    private static async Task<ChaosNode?> HoldCommitAsync(FaultContext context)
    {
        var begin = context.Clock.Elapsed;
        while (context.Clock.Elapsed - begin < _patience)
        {
            if (await context.Cluster.AllocatorAsync() is not { } node) continue;
            var held = Way(context, node).StallBeforeAsync(_commit);
            if (await Task.WhenAny(held, Task.Delay(TimeSpan.FromSeconds(2))) == held && await CountAsync(context) > 0) return node;
            Way(context, node).Heal();
        }
        return null;
    }

    private static async Task<bool> IsFreeAsync(FaultContext context)
    {
        var begin = context.Clock.Elapsed;
        while (await CountAsync(context) > 0)
        {
            if (context.Clock.Elapsed - begin > _patience) return false;
            await Task.Delay(50);
        }
        return true;
    }

    private static async Task<long> CountAsync(FaultContext context) => (long)(await context.Database.AskAsync(OpenAppends))!;

    private static Way Way(FaultContext context, ChaosNode node) => context.Cluster.Network[node.Name, Network.Database];
}
