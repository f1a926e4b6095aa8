using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Queries in their order, linked through themselves: a query is in one such list at most. Not thread-safe.</summary>
internal sealed class QueryList
{
    /// <summary>Who has been in it longest; null for nobody.</summary>
    public ForwardedQuery? First { get; private set; }

    /// <summary>Who came last; null for nobody.</summary>
    public ForwardedQuery? Last { get; private set; }

    /// <summary>Adds one that is in no list.</summary>
    public void Add(ForwardedQuery query)
    {
        query.Next = null;
        query.Previous = Last;
        if (Last is { } last)
            last.Next = query;
        else
            First = query;
        Last = query;
    }

    /// <summary>Takes one out that is in it.</summary>
    public void Remove(ForwardedQuery query)
    {
        if (query.Previous is { } previous)
            previous.Next = query.Next;
        else
            First = query.Next;
        if (query.Next is { } next)
            next.Previous = query.Previous;
        else
            Last = query.Previous;
        query.Next = null;
        query.Previous = null;
    }

    /// <summary>Takes the first out.</summary>
    public bool TryTake(out ForwardedQuery query)
    {
        query = First!;
        if (First is null)
            return false;
        Remove(First);
        return true;
    }
}
