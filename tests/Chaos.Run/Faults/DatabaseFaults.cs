using System.Text.RegularExpressions;
using MeshDns.Chaos.Run.Links;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>Faults of the database servers.</summary>
internal static partial class DatabaseFaults
{
    private static readonly TimeSpan _resume = TimeSpan.FromSeconds(60);

    public static async Task<FaultEffect> RestartAsync(FaultContext context)
    {
        await context.Database.RestartAsync();
        return new FaultEffect(null, "");
    }

    public static async Task<FaultEffect> KillAsync(FaultContext context)
    {
        await context.Database.KillPrimaryAsync();
        await context.PassAsync(0, 6);
        await context.Database.RestartAsync();
        return new FaultEffect(null, "");
    }

    public static async Task<FaultEffect> PromoteSynchronousAsync(FaultContext context)
    {
        await context.Database.KillPrimaryAsync();
        await context.PassAsync(0, 3);
        await context.Database.PromoteAsync();
        return new FaultEffect(null, "");
    }

    /// <summary>The nodes have to notice that the past is another one now, say so, and give out no VIP that may have been given in the lost one.</summary>
    public static async Task<FaultEffect> PromoteLaggingAsync(FaultContext context)
    {
        var logs = context.Cluster.Logs.ToDictionary(l => l.Node, l => l.Log.Length);
        await context.Database.LetStandbyLagAsync();
        await context.Load.AwaitAppliedAsync(context.Clock.Now, _resume);
        await context.PassAsync(2, 4);
        await context.Database.KillPrimaryAsync();
        await context.Database.PromoteAsync();
        var breaches = new List<string>();
        if (!await context.Load.AwaitAppliedAsync(context.Clock.Now, _resume)) breaches.Add($"no write in {_resume} after the promotion of a lagging standby");
        var view = await context.Cluster.ViewAsync();
        // The write may have been one without a VIP: the allocator hears of the loss from the readers a moment later, and its fence holds until then.
        for (var end = context.Clock.Now + 10_000; view is { Free: > 0 } && context.Clock.Now < end; view = await context.Cluster.ViewAsync()) await Task.Delay(100);
        if (view is { Free: > 0 }) breaches.Add($"{view.Free} VIPs are free after the promotion of a lagging standby, and none may be for a quarantine's time");
        if (!context.Cluster.Logs.Any(l => Alarm().IsMatch(l.Log[logs.GetValueOrDefault(l.Node)..]))) breaches.Add("no node logged an alarm after the promotion of a lagging standby");
        return new FaultEffect(null, "", Lossy: true, breaches);
    }

    /// <summary>
    /// A cut leaves the primary alone with one owner, and the others have its standby promoted: two primaries live. The old one has no standby and can confirm nothing, neither a change nor a look at the log's end; sometimes
    /// it lasts for longer than <c>directory.max-age</c>, so that the owner has to refuse what may be given to others by then.
    /// </summary>
    public static async Task<FaultEffect> LeaveOldPrimaryAsync(FaultContext context)
    {
        var lone = context.Random.Next(2) == 0 ? await context.Cluster.AllocatorAsync() ?? context.AnyOwner() : context.AnyOwner();
        var isLong = context.Random.Next(2) == 0;
        context.Database.Part(lone.Name);
        foreach (var node in context.Cluster.Owners)
        {
            if (node != lone) foreach (var way in (Way[])[context.Cluster.Network[node.Name, lone.Name], context.Cluster.Network[lone.Name, node.Name]]) way.Stall();
            // What is open goes to where it went before.
            var database = context.Cluster.Network[node.Name, Network.Database];
            database.Cut();
            database.Heal();
        }
        await context.PassAsync(0, 3);
        await context.Database.TakeOverAsync();
        var breaches = await Membership.AwaitGoingOnAsync(context, "on the new primary while the old one was alone with an owner");
        await (isLong ? context.PassAsync(30, 40) : context.PassAsync(4, 10));
        await context.Database.EndOldAsync();
        foreach (var node in context.Cluster.Owners)
        {
            context.Cluster.Network[node.Name, Network.Database].Cut();
            context.Cluster.Network[node.Name, Network.Database].Heal();
        }
        context.Cluster.Network.HealAll();
        return new FaultEffect(null, $"with {lone.Name}", Breaches: [.. breaches, .. await Membership.AwaitReadyAsync(context)]);
    }

    [GeneratedRegex("the log no longer has", RegexOptions.IgnoreCase)]
    private static partial Regex Alarm();
}
