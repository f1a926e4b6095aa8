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

    /// <summary>Killed as a machine is: no connection of it is ever ended, and whoever it spoke to hears nothing.</summary>
    public static async Task<FaultEffect> LosePowerAsync(FaultContext context)
    {
        var node = context.Random.Next(2) == 0 ? await context.Cluster.AllocatorAsync() ?? context.AnyNode() : context.AnyNode();
        await context.Cluster.Router.LinkAsync(node.Name, isUp: false);
        await node.KillAsync();
        await context.PassAsync(0, context.Options.Lease.TotalSeconds + 4);
        await context.Cluster.Router.LinkAsync(node.Name, isUp: true);
        await node.StartAsync();
        return new FaultEffect([node.Name], node.Name);
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
            node.StepClock(steps[^1]);
        }
        await context.PassAsync(2, 5);
        node.StepClock(TimeSpan.Zero);
        await context.PassAsync(1, 2);
        await node.StopAsync();
        await node.StartAsync();
        return new FaultEffect([node.Name], $"{node.Name} by {string.Join(" and ", steps)}");
    }

    /// <summary>As a machine that sleeps: when it wakes, its wall clock is hours ahead, and its monotonic clock knows nothing of them.</summary>
    public static async Task<FaultEffect> SuspendAsync(FaultContext context)
    {
        var node = context.AnyOwner();
        await node.StopAsync();
        await node.StartAsync(fakeClock: true);
        var others = context.Random.Next(2) == 0 ? context.Cluster.Owners.Where(n => n != node && n.IsUp).ToArray() : [];
        // Who was started last is the last to get the allocator, so it gets it when all others have been started after it.
        foreach (var other in others) await other.StopAsync();
        foreach (var other in others) other.Launch();
        foreach (var other in others) await other.AwaitReadyAsync();
        await context.PassAsync(2, 5);
        var slept = TimeSpan.FromMinutes(context.Random.Next(60, 12 * 60));
        node.Pause();
        node.FakeClock.Step(slept);
        await Task.Delay(context.Random.Next(2) == 0 ? context.Options.Lease + context.Seconds(1, 4) : context.Seconds(0.5, 2));
        node.Resume();
        await context.PassAsync(5, 12);
        node.FakeClock.Step(TimeSpan.Zero);
        await context.PassAsync(1, 2);
        await node.StopAsync();
        await node.StartAsync();
        return new FaultEffect([node.Name, .. others.Select(n => n.Name)], $"{node.Name}{(others.Length > 0 ? ", the allocator's," : "")} for {slept}");
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
        var begin = context.Clock.Elapsed;
        while (context.Clock.Elapsed - begin < TimeSpan.FromSeconds(20))
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            try
            {
                await node.Http.GetAsync("/healthz", deadline.Token);
                return true;
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException) { await Task.Delay(50); }
        }
        return false;
    }
}
