using MeshDns.Chaos.Run.Cluster;
using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>Faults of one node's process.</summary>
internal static class NodeFaults
{
    public static Task<FaultEffect> KillOwnerAsync(FaultContext context) => KillAsync(context, context.AnyNode());

    public static async Task<FaultEffect> KillAllocatorAsync(FaultContext context) => await KillAsync(context, await context.Cluster.AllocatorAsync() ?? context.AnyNode());

    // Most appends take a few milliseconds; sometimes the database is not heard any more, and then the append is surely in doubt.
    public static async Task<FaultEffect> KillMidAppendAsync(FaultContext context)
    {
        var node = context.AnyNode();
        var deaf = context.Cluster.Store.IsShared && context.Random.Next(2) == 0;
        var reply = context.Cluster.Network[Network.Database, node.Name];
        await context.Load.NextSending;
        if (deaf) reply.Stall();
        await Task.Delay(context.Random.Next(deaf ? 100 : 8));
        await node.KillAsync();
        reply.Heal();
        await context.PassAsync(0, 3);
        await node.StartAsync();
        return new FaultEffect([node.Name], deaf ? $"{node.Name}, which did not hear the database" : node.Name);
    }

    public static async Task<FaultEffect> PauseAsync(FaultContext context)
    {
        var node = context.Random.Next(2) == 0 ? await context.Cluster.AllocatorAsync() ?? context.AnyNode() : context.AnyNode();
        node.Pause();
        // Longer than the lease, whatever the haste: others have to have taken over.
        await Task.Delay(context.Options.Lease + context.Seconds(1, 4));
        node.Resume();
        return new FaultEffect([node.Name], node.Name);
    }

    public static async Task<FaultEffect> QuickRestartsAsync(FaultContext context)
    {
        const int Restarts = 5;
        var node = context.AnyNode();
        for (var i = 0; i < Restarts; i++)
        {
            if (context.Random.Next(2) == 0) await node.KillAsync();
            else await node.StopAsync();
            node.Launch();
            if (i < Restarts - 1) await Task.Delay(context.Random.Next(1500));
        }
        await node.AwaitReadyAsync();
        return new FaultEffect([node.Name], node.Name);
    }

    public static async Task<FaultEffect> RollingRestartAsync(FaultContext context)
    {
        var nodes = context.Cluster.Up;
        foreach (var node in nodes)
        {
            await node.StopAsync();
            await node.StartAsync();
        }
        return new FaultEffect([.. nodes.Select(n => n.Name)], $"{nodes.Count} nodes");
    }

    public static async Task<FaultEffect> StepClockAsync(FaultContext context)
    {
        var node = await context.Cluster.AllocatorAsync() ?? context.AnyOwner();
        await node.StopAsync();
        await node.StartAsync(fakeClock: true);
        var steps = new List<TimeSpan>();
        for (var i = 0; i < 2; i++)
        {
            await context.PassAsync(2, 5);
            steps.Add(TimeSpan.FromSeconds(context.Random.Next(-7200, 7200)));
            node.FakeClock.Step(steps[^1]);
        }
        await context.PassAsync(2, 5);
        node.FakeClock.Step(TimeSpan.Zero);
        await context.PassAsync(1, 2);
        await node.StopAsync();
        await node.StartAsync();
        return new FaultEffect([node.Name], $"{node.Name} by {string.Join(" and ", steps)}");
    }

    public static async Task<FaultEffect> StartWithoutDatabaseAsync(FaultContext context)
    {
        var node = context.AnyOwner();
        await node.KillAsync();
        foreach (var way in Database(context, node)) way.Cut();
        node.Launch();
        await node.AwaitLogAsync("the saved directory has");
        // Its sockets are opened just after that line; the API, which comes last, tells.
        var answers = await AnswersAsync(context, node);
        if (answers) node.MarkUp();
        await context.PassAsync(4, 8);
        foreach (var way in Database(context, node)) way.Heal();
        await node.AwaitLogAsync("ready: dns");
        if (!answers) node.MarkUp();
        return new FaultEffect([node.Name], node.Name, Breaches: answers ? [] : [$"{node.Name} did not open its API without a database"]);
    }

    private static async Task<FaultEffect> KillAsync(FaultContext context, ChaosNode node)
    {
        await node.KillAsync();
        // Sometimes it is back before its lease is over, sometimes after.
        await context.PassAsync(0, context.Options.Lease.TotalSeconds + 4);
        await node.StartAsync();
        return new FaultEffect([node.Name], node.Name);
    }

    private static Way[] Database(FaultContext context, ChaosNode node) => [context.Cluster.Network[node.Name, Network.Database], context.Cluster.Network[Network.Database, node.Name]];

    private static async Task<bool> AnswersAsync(FaultContext context, ChaosNode node)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        var begin = context.Clock.Elapsed;
        while (context.Clock.Elapsed - begin < TimeSpan.FromSeconds(20))
        {
            try
            {
                await http.GetAsync(new Uri(node.Address.Admin, "/healthz"));
                return true;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException) { await Task.Delay(50); }
        }
        return false;
    }
}
