using MeshDns.Chaos.Run.Cluster;

namespace MeshDns.Chaos.Run.Faults;

/// <summary>What a fault that takes a cluster apart waits for, so that it can say what does not come back.</summary>
internal static class Membership
{
    private static readonly TimeSpan _return = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _takeover = TimeSpan.FromSeconds(30);

    /// <summary>Waits until every owner that is up is ready for changes, as the cluster says; the breach where one is not in time.</summary>
    public static async Task<IReadOnlyList<string>> AwaitReadyAsync(FaultContext context)
    {
        var begin = context.Clock.Elapsed;
        var missing = context.Cluster.Owners.Where(n => n.IsUp).Select(n => n.Name).ToArray();
        while (true)
        {
            var away = await context.Cluster.ViewAsync() is { } view ? missing.Except(view.Ready).ToArray() : missing;
            if (away.Length == 0) return [];
            if (context.Clock.Elapsed - begin > _return) return [$"{string.Join(", ", away)} did not come back into the cluster in {_return}"];
            await Task.Delay(100);
        }
    }

    /// <summary>Waits until those who can go on do: a change that is acknowledged from now on; the breach where none is in time.</summary>
    public static async Task<IReadOnlyList<string>> AwaitGoingOnAsync(FaultContext context, string meanwhile)
    {
        // What was acknowledged just before is still on its way to who counts it.
        var onTheWay = TimeSpan.FromMilliseconds(500);
        await Task.Delay(onTheWay);
        return await context.Load.AwaitAppliedAsync(context.Clock.Now, _takeover) ? [] : [$"no write was acknowledged in {_takeover} {meanwhile}"];
    }

    /// <summary>Waits until a node, or any of several, says in its log what it has not said before; false when none does in time.</summary>
    public static async Task<bool> AwaitLogAsync(FaultContext context, IReadOnlyDictionary<ChaosNode, int> before, string text)
    {
        var begin = context.Clock.Elapsed;
        while (!before.Any(n => n.Key.Log.AsSpan(n.Value).Contains(text, StringComparison.Ordinal)))
        {
            if (context.Clock.Elapsed - begin > _takeover) return false;
            await Task.Delay(100);
        }
        return true;
    }
}
