using MeshDns.Chaos.Run.Cluster;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>Nodes come and go for good.</summary>
internal static class ScaleFaults
{
    private const int Most = 7;

    /// <summary>Up to seven, or in haste two more than there are, then down to two, then as many as before; all under writes.</summary>
    public static async Task<FaultEffect> ScaleAsync(FaultContext context)
    {
        var nodes = context.Cluster.Owners.Count;
        var most = context.Options.Haste < 1 ? nodes + 2 : Math.Max(Most, nodes + 2);
        await GrowAsync(context, most);
        await context.PassAsync(5, 10);
        var names = context.Cluster.Owners.Select(n => n.Name).ToArray();
        while (context.Cluster.Owners.Count > 2)
        {
            var node = context.Any(context.Cluster.Owners);
            await context.Cluster.RemoveAsync(node);
            await context.Load.StopAskingAsync(node);
        }
        await context.PassAsync(5, 10);
        await GrowAsync(context, nodes);
        return new FaultEffect([], $"{nodes} to {most} to 2 to {nodes}: {string.Join(", ", names)}");
    }

    public static async Task GrowAsync(FaultContext context, int nodes)
    {
        var started = new List<ChaosNode>();
        while (context.Cluster.Owners.Count < nodes)
        {
            var node = await context.Cluster.AddAsync();
            node.Launch();
            started.Add(node);
        }
        foreach (var node in started)
        {
            await node.AwaitReadyAsync();
            context.Load.Ask(node);
        }
    }
}
