using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>Faults of the cluster that the owners form: members part, end their actor systems, die with the word in their hands, move.</summary>
internal static class MemberFaults
{
    // As the resolver's lease is named: after the actor system, and with this at the end.
    private static readonly byte[] _leaseName = [.. "-akka-sbr"u8];

    /// <summary>
    /// A node is parted from all other owners until its actor system, which they have downed, has ended; its process, its sockets, its directory and its way to the database live on, and it has to know what is changed
    /// meanwhile. There is no other way to end an actor system from outside of the process, and so no hook in the product.
    /// </summary>
    public static async Task<FaultEffect> EndActorsAsync(FaultContext context)
    {
        var node = context.Random.Next(2) == 0 ? await context.Cluster.AllocatorAsync() ?? context.AnyOwner() : context.AnyOwner();
        var owners = OwnersUp(context);
        var logs = owners.ToDictionary(n => n, n => n.Log.Length);
        foreach (var other in owners.Where(n => n != node)) Part(context, node, other, reset: false);
        // Whoever gets the lease stays; the node alone asks for it last.
        var hasEnded = await Membership.AwaitLogAsync(context, logs, "the actor system has ended");
        await context.PassAsync(0, 4);
        context.Cluster.Network.HealAll();
        return new FaultEffect([], node.Name, Breaches: [.. hasEnded ? [] : (string[])["nobody's actor system ended though its node was parted from all others"], .. await Membership.AwaitReadyAsync(context)]);
    }

    /// <summary>Every owner is parted from every other, and all of them reach the database: one goes on, alone.</summary>
    public static async Task<FaultEffect> PartOwnersAsync(FaultContext context)
    {
        var owners = OwnersUp(context);
        var reset = context.Random.Next(2) == 0;
        foreach (var (one, other) in owners.SelectMany(o => owners.Where(n => n.Address.Number > o.Address.Number).Select(n => (o, n)))) Part(context, one, other, reset);
        await context.PassAsync(4, 8);
        var breaches = await Membership.AwaitGoingOnAsync(context, "while all owners were parted from one another");
        await context.PassAsync(1, 6);
        context.Cluster.Network.HealAll();
        return new FaultEffect([], $"{owners.Length} owners, {(reset ? "by resets" : "silently")}", Breaches: [.. breaches, .. await Membership.AwaitReadyAsync(context)]);
    }

    /// <summary>A node dies, and then the one that takes the lease to say so, as soon as it has it: who is left can't have it before it runs out, and has to go on all the same.</summary>
    public static async Task<FaultEffect> KillLeaseHolderAsync(FaultContext context)
    {
        var node = context.AnyOwner();
        var others = OwnersUp(context).Where(n => n != node).ToArray();
        var asking = others.Select(async other =>
        {
            await context.Cluster.Network[other.Name, Network.Database].SeeAsync(_leaseName);
            return other;
        }).ToArray();
        await node.KillAsync();
        var asked = Task.WhenAny(asking);
        if (await Task.WhenAny(asked, Task.Delay(TimeSpan.FromSeconds(30))) != asked) return await BackAsync(["nobody asked for the lease in 30 s though a node was dead"], node);
        var holder = await await asked;
        for (var end = context.Clock.Now + 1000; context.Clock.Now < end && await context.Database.AskAsync("SELECT 1 FROM meshdns.lease WHERE until > clock_timestamp()") is null;) await Task.Delay(5);
        await holder.KillAsync();
        return await BackAsync(await Membership.AwaitGoingOnAsync(context, $"after {node.Name} had died and {holder.Name}, which held the lease"), node, holder);

        async Task<FaultEffect> BackAsync(IReadOnlyList<string> breaches, params ChaosNode[] dead)
        {
            foreach (var other in others) context.Cluster.Network[other.Name, Network.Database].Heal();
            await context.PassAsync(0, 4);
            foreach (var one in dead) one.Launch();
            foreach (var one in dead) await one.AwaitReadyAsync();
            return new FaultEffect([.. dead.Select(n => n.Name)], string.Join(", then ", dead.Select(n => n.Name)), Breaches: [.. breaches, .. await Membership.AwaitReadyAsync(context)]);
        }
    }

    /// <summary>One or all but one die while there is no database, for long enough that the others act on it; those who have ended their actor systems come back by themselves.</summary>
    public static async Task<FaultEffect> KillWithoutDatabaseAsync(FaultContext context)
    {
        var owners = OwnersUp(context).OrderBy(_ => context.Random.Next()).ToArray();
        var dying = owners[..(context.Random.Next(2) == 0 ? 1 : Math.Max(1, owners.Length - 1))];
        await context.Database.KillPrimaryAsync();
        await context.PassAsync(0, 2);
        foreach (var node in dying) await node.KillAsync();
        await Task.Delay(context.Options.Lease + context.Seconds(1, 8));
        var nodesFirst = context.Random.Next(2) == 0;
        if (!nodesFirst) await context.Database.RestartAsync();
        foreach (var node in dying) node.Launch();
        if (nodesFirst) await context.Database.RestartAsync();
        foreach (var node in dying) await node.AwaitReadyAsync();
        return new FaultEffect(null, $"{string.Join(" and ", dying.Select(n => n.Name))}, {(nodesFirst ? "back before the database" : "back after it")}", Breaches: await Membership.AwaitReadyAsync(context));
    }

    /// <summary>
    /// Allocator and shards go from a node to another and back under writes: the others leave but one, the node is drained or stopped and is started again, and the one leaves too, so that all has to go back.
    /// </summary>
    public static async Task<FaultEffect> MoveAndBackAsync(FaultContext context)
    {
        var home = await context.Cluster.AllocatorAsync() ?? context.AnyOwner();
        var others = OwnersUp(context).Where(n => n != home).ToArray();
        foreach (var node in others[1..]) await node.StopAsync();
        var drained = context.Random.Next(2) == 0;
        if (drained) await DrainAsync(others[0], home);
        await home.StopAsync();
        await home.StartAsync();
        await context.PassAsync(0, 3);
        if (drained) await DrainAsync(home, others[0]);
        await others[0].StopAsync();
        await context.PassAsync(0, 3);
        foreach (var node in others) node.Launch();
        foreach (var node in others) await node.AwaitReadyAsync();
        return new FaultEffect([home.Name, .. others.Select(n => n.Name)], $"{home.Name} to {others[0].Name} and back, {(drained ? "drained" : "stopped")}", Breaches: await Membership.AwaitReadyAsync(context));
    }

    private static async Task DrainAsync(ChaosNode asked, ChaosNode node)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var reply = await asked.Http.PostAsync($"/v1/nodes/{node.Name}/drain", null, deadline.Token);
        if (!reply.IsSuccessStatusCode) throw new InvalidOperationException($"the drain of {node.Name} by {asked.Name} was answered {(int)reply.StatusCode}: {await reply.Content.ReadAsStringAsync(deadline.Token)}");
    }

    private static ChaosNode[] OwnersUp(FaultContext context) => [.. context.Cluster.Owners.Where(n => n.IsUp)];

    private static void Part(FaultContext context, ChaosNode one, ChaosNode other, bool reset)
    {
        foreach (var way in (Way[])[context.Cluster.Network[one.Name, other.Name], context.Cluster.Network[other.Name, one.Name]])
        {
            if (reset) way.Cut();
            else way.Stall();
        }
    }
}
