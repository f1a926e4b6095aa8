using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>Faults of the links between nodes, and between nodes and the database.</summary>
internal static class LinkFaults
{
    private const int FlapSeconds = 60;

    // The allocator's node half of the time: its partition is the one that a VIP could be given twice in.
    public static async Task<FaultEffect> CutDatabaseAsync(FaultContext context)
    {
        var node = await TargetAsync(context);
        var reset = context.Random.Next(2) == 0;
        foreach (var way in Both(context, node.Name, Network.Database))
        {
            if (reset) way.Cut();
            else way.Stall();
        }
        await context.PassAsync(3, 12);
        context.Cluster.Network.HealAll();
        return new FaultEffect([node.Name], $"{node.Name}, {(reset ? "by resets" : "silently")}");
    }

    /// <summary>A node's link is gone: packets vanish, whatever they are and whoever they are from.</summary>
    public static async Task<FaultEffect> CutOffAsync(FaultContext context)
    {
        var node = await TargetAsync(context);
        await context.Cluster.Router.LinkAsync(node.Name, isUp: false);
        await context.PassAsync(3, 12);
        await context.Cluster.Router.LinkAsync(node.Name, isUp: true);
        return new FaultEffect([node.Name], node.Name);
    }

    public static async Task<FaultEffect> PartitionNodesAsync(FaultContext context)
    {
        var node = await TargetAsync(context);
        var others = context.Cluster.Up.Where(n => n != node).ToArray();
        var cutOff = context.Random.Next(2) == 0 ? others : [context.Any(others)];
        foreach (var way in cutOff.SelectMany(other => Both(context, node.Name, other.Name))) way.Stall();
        await context.PassAsync(3, 10);
        context.Cluster.Network.HealAll();
        return new FaultEffect([], $"{node.Name} and {string.Join(", ", cutOff.Select(n => n.Name))}");
    }

    public static async Task<FaultEffect> OneWayAsync(FaultContext context)
    {
        var node = await TargetAsync(context);
        var other = context.Random.Next(2) == 0 ? Network.Database : context.Any(context.Cluster.Up.Where(n => n != node).ToArray()).Name;
        var (from, to) = context.Random.Next(2) == 0 ? (node.Name, other) : (other, node.Name);
        context.Cluster.Network[from, to].Stall();
        await context.PassAsync(3, 10);
        context.Cluster.Network.HealAll();
        return new FaultEffect(other == Network.Database ? [node.Name] : [], $"nothing from {from} to {to}");
    }

    public static async Task<FaultEffect> SlowAndLossyAsync(FaultContext context)
    {
        var node = await TargetAsync(context);
        var quality = new WayQuality(TimeSpan.FromMilliseconds(context.Random.Next(10, 150)), TimeSpan.FromMilliseconds(context.Random.Next(100)), 0.02, 0.002);
        var all = context.Random.Next(2) == 0;
        foreach (var way in all ? context.Cluster.Up.SelectMany(n => context.Cluster.Network.Of(n.Name)) : context.Cluster.Network.Of(node.Name)) way.Quality = quality;
        await context.PassAsync(5, 12);
        context.Cluster.Network.HealAll();
        return new FaultEffect(all ? null : [node.Name], $"{(all ? "all" : node.Name)} by {quality.Latency.TotalMilliseconds:F0} to {(quality.Latency + quality.Jitter).TotalMilliseconds:F0} ms");
    }

    public static async Task<FaultEffect> FlapAsync(FaultContext context)
    {
        var node = await TargetAsync(context);
        var end = context.Clock.Elapsed + (TimeSpan.FromSeconds(FlapSeconds) * Math.Min(1, context.Options.Haste * context.Options.Haste));
        var flaps = 0;
        for (; context.Clock.Elapsed < end; flaps++)
        {
            foreach (var way in context.Cluster.Network.Of(node.Name)) way.Stall();
            await Task.Delay(context.Random.Next(200, 2500));
            context.Cluster.Network.HealAll();
            await Task.Delay(context.Random.Next(200, 2000));
        }
        return new FaultEffect([node.Name], $"{node.Name}, {flaps} times");
    }

    private static async Task<ChaosNode> TargetAsync(FaultContext context) =>
        context.Random.Next(2) == 0 ? await context.Cluster.AllocatorAsync() ?? context.AnyOwner() : context.AnyOwner();

    private static Way[] Both(FaultContext context, string one, string other) => [context.Cluster.Network[one, other], context.Cluster.Network[other, one]];
}
