using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>
/// Queries that wait, so many, shared fairly (docs/adr/0022-fair-places.md): when it is full, the heaviest makes room, and among equals the oldest, because its client is the
/// likeliest to have given up. Not thread-safe, but for <see cref="Count"/>.
/// </summary>
internal sealed class QueryLine(int capacity)
{
    private readonly FairPlaces<ForwardedQuery> _places = new(capacity);
    private readonly QueryList _inOrder = new();

    /// <summary>Queries in it.</summary>
    public int Count => _places.Count;

    /// <summary>Who has waited longest; null for nobody.</summary>
    public ForwardedQuery? Oldest => _inOrder.First;

    /// <summary>Who should be served when not all can be: the lightest, the newest among equals; null for nobody.</summary>
    public ForwardedQuery? Lightest => _places.FindLightest(_inOrder.Last);

    /// <summary>Puts a query in. Returns the one that had to go for it, which may be itself; null for none.</summary>
    public ForwardedQuery? Put(ForwardedQuery query)
    {
        ForwardedQuery? displaced = null;
        if (_places.IsFull)
        {
            displaced = _places.FindAsHeavy(query.Party, _inOrder.First!);
            if (displaced is null)
                return query;
            Remove(displaced);
        }
        _places.Enter(query);
        _inOrder.Add(query);
        return displaced;
    }

    /// <summary>Takes one out that is in it.</summary>
    public void Remove(ForwardedQuery query)
    {
        _places.Leave(query);
        _inOrder.Remove(query);
    }
}
