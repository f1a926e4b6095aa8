using System.Collections.Concurrent;

namespace MeshDns.Host.Upstream;

/// <summary>What a flight brought back.</summary>
/// <param name="Answer">The answer.</param>
/// <param name="IsStale">True when every server failed and this is what was known before.</param>
internal readonly record struct Landing(CachedAnswer Answer, bool IsStale);

/// <summary>One question under way, and those who wait for it. It goes on when they give up: what it brings is for the next too.</summary>
internal sealed class Flight(byte[] key)
{
    private readonly TaskCompletionSource<Landing> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>See <see cref="ForwardKey"/>.</summary>
    public byte[] Key { get; } = key;

    /// <summary>Ends when the answer or the failure is there; never faults.</summary>
    public Task<Landing> Task => _end.Task;

    /// <summary>Lands.</summary>
    public void Land(Landing landing) => _end.TrySetResult(landing);
}

/// <summary>The questions under way; at most <see cref="Capacity"/>. Identical ones share one flight.</summary>
internal sealed class FlightTable
{
    /// <summary>Questions under way at once.</summary>
    public const int Capacity = 4096;

    private readonly ConcurrentDictionary<byte[], Flight> _flights = new(new ForwardKeyComparer());
    private readonly ConcurrentDictionary<byte[], Flight>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private int _count;

    /// <summary>An empty table.</summary>
    public FlightTable() => _lookup = _flights.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>Questions under way.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The flight of a key. A new one (<paramref name="isNew"/>) is the caller's to run and to <see cref="Remove"/>. Null when the table is full.</summary>
    public Flight? Join(ReadOnlySpan<byte> key, out bool isNew)
    {
        isNew = false;
        if (_lookup.TryGetValue(key, out Flight? known))
            return known;
        if (Interlocked.Increment(ref _count) > Capacity)
        {
            Interlocked.Decrement(ref _count);
            return null;
        }
        var flight = new Flight(key.ToArray());
        Flight joined = _flights.GetOrAdd(flight.Key, flight);
        isNew = joined == flight;
        if (!isNew)
            Interlocked.Decrement(ref _count);
        return joined;
    }

    /// <summary>Ends a flight's stay.</summary>
    public void Remove(Flight flight)
    {
        if (_flights.TryRemove(new KeyValuePair<byte[], Flight>(flight.Key, flight)))
            Interlocked.Decrement(ref _count);
    }
}
