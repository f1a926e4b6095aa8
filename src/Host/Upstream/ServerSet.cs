namespace MeshDns.Host.Upstream;

/// <summary>The servers of one route, and how they are to be used. Immutable.</summary>
/// <param name="Links">At most 32 servers, in the order of configuration.</param>
/// <param name="Rounds">How often the list is gone through for one question, 1 to 5 (<c>attempts</c> of resolv.conf).</param>
/// <param name="Patience">How long a server may take before the next is asked (<c>timeout</c> of resolv.conf); null: what its latency suggests.</param>
/// <param name="Rotate">Healthy servers share the load in turn, instead of the best one taking it (<c>rotate</c> of resolv.conf).</param>
internal sealed record ServerSet(IReadOnlyList<ServerLink> Links, int Rounds, TimeSpan? Patience, bool Rotate)
{
    private int _turn;

    /// <summary>
    /// The order in which to ask now: those at work by score, or in turn, then those that rest, so that a query is lost only when nobody answers.
    /// </summary>
    public ServerLink[] Order()
    {
        ServerLink[] atWork = [.. Links.Where(each => !each.Health.IsResting)];
        if (Rotate && atWork.Length > 1)
        {
            int first = (int)((uint)Interlocked.Increment(ref _turn) % (uint)atWork.Length);
            atWork = [.. atWork[first..], .. atWork[..first]];
        }
        else if (atWork.Length > 1)
        {
            atWork = [.. atWork.OrderBy(each => each.Health.Score)];
            foreach (ServerLink passedOver in atWork.AsSpan(1))
                passedOver.Health.RecordPassedOver();
        }
        return [.. atWork, .. Links.Where(each => !atWork.Contains(each))];
    }
}

/// <summary>
/// Lets a hedge through only while they are few: one for every ten questions, with twenty saved up. When everything is slow at once, asking
/// twice would make it slower.
/// </summary>
internal sealed class HedgeBudget
{
    private const int HedgeCost = 10;
    private const int MaxCredit = 20 * HedgeCost;
    private int _credit = MaxCredit;

    /// <summary>True when a hedge is within the budget.</summary>
    public bool HasCredit => Volatile.Read(ref _credit) >= HedgeCost;

    /// <summary>A question begins.</summary>
    public void Earn()
    {
        if (Volatile.Read(ref _credit) < MaxCredit)
            Interlocked.Increment(ref _credit);
    }

    /// <summary>A hedge is sent.</summary>
    public void Spend() => Interlocked.Add(ref _credit, -HedgeCost);
}
