using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream.Flights;

/// <summary>Queries on their way to the upstream loop, which takes them in the order they came. Bounded, see <see cref="QueryLine"/>. Any thread.</summary>
internal sealed class Inbox(int capacity)
{
    /// <summary>Queries that wait for a place, and as many on their way here.</summary>
    public const int MaxQueued = 4096;

    private readonly Lock _gate = new();
    private readonly QueryLine _line = new(capacity);
    private bool _isClosed;

    /// <summary>Queries in it.</summary>
    public int Count => _line.Count;

    /// <summary>Puts a query in. Returns the one that had to go for it, which is the query itself when it is the heaviest or this is closed; null for none.</summary>
    public ForwardedQuery? Put(ForwardedQuery query)
    {
        lock (_gate)
            return _isClosed ? query : _line.Put(query);
    }

    /// <summary>Takes as many as fit; returns how many.</summary>
    public int Take(Span<ForwardedQuery> queries)
    {
        lock (_gate)
        {
            int taken = 0;
            for (; taken < queries.Length && _line.Oldest is { } oldest; taken++)
            {
                _line.Remove(oldest);
                queries[taken] = oldest;
            }
            return taken;
        }
    }

    /// <summary>Takes nothing more in.</summary>
    public void Close()
    {
        lock (_gate)
            _isClosed = true;
    }
}
