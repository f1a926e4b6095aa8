using MeshDns.Host.Resolve;

namespace MeshDns.Host.Upstream;

/// <summary>
/// Queries on their way to the upstream loop. Bounded; when full, the oldest makes room, because its client is the likeliest to have given up. Taken in the
/// order they came, or, when there are too few places for all, the newest first. Any thread.
/// </summary>
internal sealed class Inbox(int capacity)
{
    private readonly Lock _gate = new();
    private readonly ForwardedQuery?[] _ring = new ForwardedQuery?[capacity];
    private int _first;
    private int _count;
    private bool _isClosed;

    /// <summary>Queries in it.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Puts a query in. Returns the one that had to go for it: the oldest, the query itself when it is closed, or null.</summary>
    public ForwardedQuery? Put(ForwardedQuery query)
    {
        lock (_gate)
        {
            if (_isClosed)
                return query;
            ForwardedQuery? displaced = null;
            if (_count == capacity)
                displaced = TakeFirst();
            _ring[(_first + _count) % capacity] = query;
            Volatile.Write(ref _count, _count + 1);
            return displaced;
        }
    }

    /// <summary>Takes as many as fit; returns how many.</summary>
    /// <param name="queries">Takes them.</param>
    /// <param name="newestFirst">When there is not room for all.</param>
    public int Take(Span<ForwardedQuery> queries, bool newestFirst)
    {
        lock (_gate)
        {
            int taken = Math.Min(queries.Length, _count);
            for (int i = 0; i < taken; i++)
                queries[i] = newestFirst ? TakeLast() : TakeFirst();
            return taken;
        }
    }

    /// <summary>Takes nothing more in.</summary>
    public void Close()
    {
        lock (_gate)
            _isClosed = true;
    }

    private ForwardedQuery TakeFirst()
    {
        ForwardedQuery query = _ring[_first]!;
        _ring[_first] = null;
        _first = (_first + 1) % capacity;
        Volatile.Write(ref _count, _count - 1);
        return query;
    }

    private ForwardedQuery TakeLast()
    {
        int last = (_first + _count - 1) % capacity;
        ForwardedQuery query = _ring[last]!;
        _ring[last] = null;
        Volatile.Write(ref _count, _count - 1);
        return query;
    }
}
