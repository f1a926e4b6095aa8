namespace MeshDns.Host.Upstream.Servers;

/// <summary>The servers of one route, and how they are to be used, which stays.</summary>
/// <param name="links">At most 32 servers, in the order of configuration.</param>
/// <param name="rounds">How often the list is gone through for one question, 1 to 5 (<c>attempts</c> of resolv.conf); null: while there is time.</param>
/// <param name="patience">How long a server may take before the next is asked (<c>timeout</c> of resolv.conf); null: what its latency suggests.</param>
/// <param name="rotate">Healthy servers share the load in turn, instead of the best one taking it (<c>rotate</c> of resolv.conf).</param>
internal sealed class ServerSet(IReadOnlyList<ServerLink> links, int? rounds, TimeSpan? patience, bool rotate)
{
    private int _turn;

    /// <summary>The servers.</summary>
    public IReadOnlyList<ServerLink> Links { get; } = links;

    /// <summary>How often they are gone through.</summary>
    public int? Rounds { get; } = rounds;

    /// <summary>How long each may take.</summary>
    public TimeSpan? Patience { get; } = patience;

    /// <summary>Healthy servers are asked in turn.</summary>
    public bool Rotates => rotate;

    /// <summary>Questions under way by this route; the loop's.</summary>
    public int InFlight { get; set; }

    /// <summary>No question is asked by it any more, but for those under way; the loop's.</summary>
    public bool IsRetired { get; set; }

    /// <summary>
    /// True while one more question may be asked. With several routes none takes more than half of the places, so that one whose servers are dead leaves
    /// room for the others.
    /// </summary>
    public bool HasRoom(int routes) => InFlight < (routes > 1 ? ServerLink.MaxQuestions / 2 : ServerLink.MaxQuestions);

    /// <summary>
    /// Writes the order in which to ask now: those at work by score, or in turn, then those that rest, so that a query is lost only when nobody
    /// answers. Returns how many.
    /// </summary>
    public int Order(Span<ServerLink> order)
    {
        if (Links.Count == 1)
        {
            order[0] = Links[0];
            return 1;
        }
        int atWork = 0;
        for (int i = 0; i < Links.Count; i++)
            if (!Links[i].Health.IsResting)
                order[atWork++] = Links[i];
        int count = atWork;
        for (int i = 0; i < Links.Count; i++)
            if (!order[..atWork].Contains(Links[i]))
                order[count++] = Links[i];
        if (rotate && atWork > 1)
            RotateBy((int)((uint)_turn++ % (uint)atWork), order[..atWork]);
        else if (atWork > 1)
            SortByScore(order[..atWork]);
        return count;
    }

    private static void RotateBy(int places, Span<ServerLink> servers)
    {
        servers[..places].Reverse();
        servers[places..].Reverse();
        servers.Reverse();
    }

    // By insertion: they are few, and equals keep the order of the settings.
    private static void SortByScore(Span<ServerLink> servers)
    {
        Span<double> scores = stackalloc double[servers.Length];
        for (int i = 0; i < servers.Length; i++)
        {
            (ServerLink server, double score) = (servers[i], servers[i].Health.Score);
            int at = i;
            for (; at > 0 && scores[at - 1] > score; at--)
                (servers[at], scores[at]) = (servers[at - 1], scores[at - 1]);
            (servers[at], scores[at]) = (server, score);
        }
        foreach (ServerLink passedOver in servers[1..])
            passedOver.Health.RecordPassedOver();
    }
}

/// <summary>
/// Lets a hedge through only while they are few: one for every ten questions, with twenty saved up. When everything is slow at once, asking
/// twice would make it slower. For the loop's thread.
/// </summary>
internal sealed class HedgeBudget
{
    private const int HedgeCost = 10;
    private const int MaxCredit = 20 * HedgeCost;
    private int _credit = MaxCredit;

    /// <summary>A question begins.</summary>
    public void Earn() => _credit = Math.Min(_credit + 1, MaxCredit);

    /// <summary>True when a hedge is within the budget, which it then has been taken from.</summary>
    public bool TrySpend()
    {
        if (_credit < HedgeCost)
            return false;
        _credit -= HedgeCost;
        return true;
    }
}
